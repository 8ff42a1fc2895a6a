/* close.truncation: a TLS stream that just ends is a loss, not a goodbye. */
#include "rules/lib/returns.h"

static bool is_builtin(const struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->events[i].side == SIDE_CLIENT && trace->events[i].by == BY_BUILTIN)
            return true;
    return false;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct returns returns;
    struct finding *finding;
    (void)config;
    returns_of(trace, "truncate", &returns);
    if (is_builtin(trace)) {
        finding_own_client(out);
        return;
    }
    if (returns.lost == 0) {
        (void)finding_add(out, INCONCLUSIVE,
                          "no open connection was truncated; it takes a wss URL and "
                          "the fault tls_truncate");
        return;
    }
    if (returns_judge(trace, "truncate", out))
        return;
    if (returns.back == returns.lost)
        finding =
            finding_add(out, PASS, "after %zu of %zu truncated connections the client came back",
                        returns.back, returns.lost);
    else
        finding =
            finding_add(out, INCONCLUSIVE,
                        "%zu of %zu truncated connections were not followed by "
                        "a new one before the run ended; 60 s would have shown whether one comes",
                        returns.lost - returns.back, returns.lost);
    finding_measured(finding, "came_back", (double)returns.back);
    finding_allowed(finding, "came_back", (double)returns.lost);
    finding_evidence(finding, returns.from, returns.to);
}

const struct rule_desc close_truncation_rule = {
    .name = "close.truncation",
    .id = "CLOSE-08",
    .title = "Truncation is not a clean end",
    .brief = "a TLS stream that ends without notice is a loss",
    .doc =
        "Provoked by the fault tls_truncate: TCP ends with FIN, but TLS without its close_notify, and no "
        "Close was said. Anybody on the path can do that. The client has to take it for a loss and come "
        "back within 60 s of its own time; staying away is a failure, since it believed an end that "
        "nobody vouched for. Whether the half of a message that came before was handed on cannot be seen "
        "from outside. The remedy is to treat the TLS library's unexpected EOF like a reset: 1006, "
        "reconnect.",
    .source = "RFC 6455 7.1.4, 7.1.5",
    .example = "close.truncation",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};
