/* The open connections of a run, each with the time during which nothing of ours disturbed it: from
 * the 101 until the first of a silence, a second in which we did not read from the client, a cut, a
 * Close, an end, trace.full, or the end of the run.
 * What an endpoint does in that time it does by itself. */
#ifndef HALFOPEN_RULES_LIB_CONNECTION_H
#define HALFOPEN_RULES_LIB_CONNECTION_H

#include "trace/heartbeat.h"
#include "trace/trace.h"

struct connection {
    uint32_t conn;
    int client;
    enum cause client_by, server_by; /* BY_PROXY: that side never did anything */
    const struct event *open;        /* its ws.open; borrowed from the trace */
    const struct event *paused;      /* since when we do not read from the client; NULL: we do */
    const struct event *end;         /* what ended the undisturbed time; borrowed */
    nsec from, to;                   /* the undisturbed time */
};

struct connections {
    struct connection *list; /* by client, then conn; only those that opened */
    size_t count;
};

void connections_of(const struct trace *, struct connections *out);
void connections_fini(struct connections *);
/* The index behind the last connection of the client whose connection is at index first. */
size_t connections_of_client_end(const struct connections *, size_t first);

/* A Close, FIN or RST by an endpoint itself; a timeout or an error is what our kernel said of
 * it. */
bool connection_ended_by_endpoint(const struct event *);

/* Fed with nothing yet, as patient as the policy and the host's noise ask; the caller frees them.
 */
struct heartbeats *heartbeats_of_rules(const struct trace *);
/* The heartbeats of its undisturbed time; the caller frees them. */
struct heartbeats *connection_heartbeats(const struct trace *, const struct connection *);

/* The longest that the host kept the run from going on. */
nsec trace_worst_stall(const struct trace *);
/* How far apart it may keep clients that one loss wakes: the same, but no more than is likely of a
 * host with that much noise. */
nsec trace_likely_stall(const struct trace *);

/* A User-Agent as browsers have; it may be NULL. */
bool agent_is_browser(const char *agent);

/* Within its undisturbed time, the longest without a message of the application in either
 * direction. One of which only its word says that it may be a heartbeat is a message. */
nsec connection_longest_idle(const struct connection *);

/* A fault took frames away, kept them back or added some: no reply in time is its doing, perhaps.
 */
bool connection_is_tampered_with(const struct connection *);

/* The event with which what endpoints do stops counting: run.end, or the last one of a trace that
 * was cut short. NULL: the trace is empty. */
const struct event *trace_last_counting(const struct trace *);

#endif
