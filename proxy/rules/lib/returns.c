#include "rules/lib/returns.h"

#include <string.h>

#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/offence.h"
#include "trace/attempts.h"

/* The loss was by such a cut, and no Close was said before it. */
static bool was_cut(const struct trace *trace, const struct attempt *attempt, const char *how)
{
    bool cut = how[0] == '\0';
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++) {
        if (ev->conn != attempt->conn || ev->at > attempt->lost)
            continue;
        if (ev->kind == EV_WS_CLOSE)
            return false;
        if (ev->kind == EV_TCP_SHUT && ev->side == SIDE_CLIENT &&
            strcmp(ev->tcp_shut.how, how) == 0)
            cut = true;
    }
    return cut && attempt->outcome == ATTEMPT_OPENED && attempt->lost != NEVER &&
           attempt->lost_by == BY_FAULT;
}

/* A process that ended by itself will not come back. */
static const char *exit_after(const struct trace *trace, const struct attempt *attempt)
{
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++)
        if (ev->kind == EV_PROCESS_EXIT && ev->client == attempt->client &&
            ev->at >= attempt->lost && !ev->process_exit.asked)
            return ev->process_exit.how;
    return NULL;
}

static void note(const struct trace *trace, const struct attempt *attempt, bool next,
                 const struct event *last, struct returns *out)
{
    out->from = out->lost++ == 0 ? attempt->from : out->from;
    out->to = attempt->to;
    const char *exit = next ? NULL : exit_after(trace, attempt);
    nsec end = nsec_min(last->at, nsec_max(trace_dismissed(trace, attempt->client), attempt->lost));
    if (next) {
        out->back++;
    } else if (exit || end - attempt->lost >= RETURNS_WITHIN - trace->noise) {
        out->exit = out->exit ? out->exit : exit;
        out->stayed_from = out->stayed++ == 0 ? attempt->from : out->stayed_from;
        out->stayed_to = last->seq;
        out->waited = nsec_max(out->waited, end - attempt->lost);
    }
}

/* What another connection of the same client carries on is no loss that had to be made good. */
static bool has_another(const struct attempts *all, size_t i)
{
    const struct attempt *lost = &all->list[i];
    for (size_t j = 0; j < i; j++)
        if (all->list[j].client == lost->client && all->list[j].outcome == ATTEMPT_OPENED &&
            (all->list[j].lost == NEVER || all->list[j].lost > lost->lost))
            return true;
    return false;
}

void returns_of(const struct trace *trace, const char *how, struct returns *out)
{
    const struct event *last = offences_last_counting(trace);
    struct attempts all;
    *out = (struct returns){0};
    attempts_of_all(trace, &all);
    for (size_t i = 0; last && i < all.count; i++) {
        const struct attempt *attempt = &all.list[i];
        bool next = i + 1 < all.count && all.list[i + 1].client == attempt->client;
        if (was_cut(trace, attempt, how) && !has_another(&all, i))
            note(trace, attempt, next, last, out);
    }
    attempts_fini(&all);
}

bool returns_judge(const struct trace *trace, const char *how, struct findings *out)
{
    struct returns returns;
    struct text text;
    returns_of(trace, how, &returns);
    if (returns.stayed == 0)
        return false;
    text_init(&text);
    text_add(&text, "no new one within ");
    units_add_duration(&text, returns.waited);
    if (returns.exit)
        text_addf(&text, ", and the process ended (%s)", returns.exit);
    struct finding *finding = finding_add(
        out, FAIL, "%zu of %zu connections that ended without a Close were taken for finished: %s",
        returns.stayed, returns.lost, text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "stayed_away", (double)returns.stayed);
    finding_allowed(finding, "stayed_away", 0);
    finding_evidence(finding, returns.stayed_from, returns.stayed_to);
    finding_fix(finding, "treat 1006, an end without a Close, as a loss: reconnect");
    return true;
}
