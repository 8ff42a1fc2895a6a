/* What is asked of endpoints in numbers (RULES 2): the profile's, overridden by the target file's
 * policy, each value with its origin. Recorded in run.start, read by rules as their defaults. */
#ifndef HALFOPEN_TRACE_POLICY_H
#define HALFOPEN_TRACE_POLICY_H

#include "base/param.h"

struct policy {
    nsec ping; /* P: a heartbeat at least this often */
    nsec pong; /* W: the reply within this */
    nsec backoff_base, backoff_cap;
    double backoff_factor;
    double backoff_jitter; /* half width: 0.5 means x0.5 to x1.5 */
    nsec first_delay;      /* longest random first delay accepted */
    uint64_t retry_limit;  /* 0: not judged */
    nsec stable_after, connect_timeout, close_timeout;
    nsec idle_timeout;     /* of the smallest intermediary on the path */
    uint64_t buffer_limit; /* more than this kept for a slow peer is a warning */
    /* What the client is by nature: a script in a browser has no ping and is told no status. */
    bool can_ping, sees_status;
};

/* Names as in YAML with dots for nesting: "ping", "backoff.base". Ends with a NULL name. Factor is
 * PARAM_REAL-like: stored as RATIO type without upper bound 1 (written 2 or 2.0). */
extern const struct param policy_params[];

void policy_defaults(struct policy *);
/* {"ping": {"value": "30s", "origin": "default profile"}, ...}; origins has one entry per row of
 * policy_params (NULL: "default"). */
void policy_write_json(const struct policy *, const char *const *origins, struct text *out);
/* Reads what policy_write_json wrote; unknown names are skipped. false: not such an object. */
bool policy_read_json(struct policy *, const char *json);
size_t policy_param_count(void);

#endif
