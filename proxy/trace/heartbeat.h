/* Which traffic is a heartbeat (RULES 5.1). Fed with ws.frame and ws.message events in order, live
 * (for `at: {after: heartbeat}`) and from a trace. Protocol pings are one at once; a group of
 * messages is one by regularity: the newest 4 intervals with longest/shortest <= 1.25, and at least
 * 5 s apart unless its payload is a known or declared word (kind), as a ticker of 0.3 s is traffic
 * and no heartbeat; a known word is one from its second beat on when each was answered by a known
 * word, or twice by the same. It stays one, whatever it skips, while half of its intervals are near
 * their median. */
#ifndef HALFOPEN_TRACE_HEARTBEAT_H
#define HALFOPEN_TRACE_HEARTBEAT_H

#include "trace/trace.h"

/* per connection; further kinds of messages are ordinary traffic */
#define HEARTBEAT_GROUPS_LIMIT 64

enum heartbeat_kind { HEARTBEAT_PROTOCOL, HEARTBEAT_UNSOLICITED_PONG, HEARTBEAT_APPLICATION };

struct heartbeat_group {
    enum heartbeat_kind kind;
    enum side from;
    uint64_t beats, replied; /* beats that a pong of the same payload, or a message of a group that
                                is nothing but replies, followed within the given window */
    nsec first, last;        /* of its beats */
    nsec median, shortest, longest; /* intervals; 0 with fewer than two beats */
    uint64_t first_seq, last_seq;
    bool recognised; /* it is a heartbeat by the definition above */
};

struct heartbeats;

struct heartbeats *heartbeats_new(nsec reply_window);
/* How far the host is known to have stalled the run: intervals may differ by so much more and still
 * be regular, at most by half. None unless told. */
void heartbeats_tolerate(struct heartbeats *, nsec stall);
/* Protocol pings of the client are traffic and nobody's heartbeat (the policy's can_ping). */
void heartbeats_ignore_pings(struct heartbeats *);
void heartbeats_free(struct heartbeats *);
/* Frames of one connection. Returns true when the event is heartbeat traffic: a beat or a reply of
 * a group recognised by then. */
bool heartbeats_feed(struct heartbeats *, const struct event *);
/* The recognised group of a side, the best of several (protocol, then most regular); NULL: none.
 * Valid until the next event is fed. */
const struct heartbeat_group *heartbeats_best(const struct heartbeats *, enum side from);
/* The same of those that are messages of the application. */
const struct heartbeat_group *heartbeats_best_application(const struct heartbeats *,
                                                          enum side from);
/* Nine of ten beats were replied to, the newest apart, which may still be waiting. */
bool heartbeat_is_answered(const struct heartbeat_group *);
/* Longest silence in what side sent, over [from, to] of the connection, and with sender SIDE_NONE
 * of the connection in either direction. */
nsec heartbeats_longest_silence(const struct trace *, uint32_t conn, enum side sender, nsec from,
                                nsec to);

#endif
