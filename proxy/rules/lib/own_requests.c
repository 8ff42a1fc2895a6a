/* Whether the requests of a scenario were answered as it says. */
#include "base/units.h"
#include "rules/lib/own_parts.h"

static bool is_expected(const struct event *ev)
{
    return ev->http_asked.expected == 0 || ev->http_asked.status == ev->http_asked.expected;
}

static void say(const struct event *ev, enum verdict verdict, struct findings *out)
{
    struct finding *finding;
    if (ev->http_asked.status == 0)
        finding = finding_add(out, verdict, "%s %s was not answered: %s", ev->http_asked.method,
                              ev->http_asked.url, ev->http_asked.answer);
    else
        finding = finding_add(out, verdict, "%s %s was answered %llu, and %llu is expected",
                              ev->http_asked.method, ev->http_asked.url,
                              (unsigned long long)ev->http_asked.status,
                              (unsigned long long)ev->http_asked.expected);
    if (verdict == FAIL)
        finding_fix(finding, "look into the server's log for that request; or correct `status` in "
                             "the scenario");
    finding_measured(finding, "status", (double)ev->http_asked.status);
    finding_allowed(finding, "status", (double)ev->http_asked.expected);
    finding_evidence(finding, ev->seq, ev->seq);
}

void own_check_requests(const struct trace *trace, const void *assertion, struct findings *out)
{
    size_t i = 0, count = 0;
    uint64_t from = 0, to = 0;
    (void)assertion;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_HTTP_ASKED));) {
        if (ev->http_asked.expected == 0)
            continue;
        count++;
        from = from == 0 ? ev->seq : from;
        to = ev->seq;
        if (!is_expected(ev))
            say(ev, ev->http_asked.status == 0 ? INCONCLUSIVE : FAIL, out);
    }
    if (count == 0) {
        (void)finding_add(out, INCONCLUSIVE, "the scenario did not get as far as its requests");
        return;
    }
    struct finding *finding = finding_add(out, PASS, "%zu request%s answered as expected", count,
                                          count == 1 ? " was" : "s were");
    finding_measured(finding, "requests", (double)count);
    finding_evidence(finding, from, to);
}
