#include "rules/lib/asked.h"

#include <string.h>

const struct event *asked_next(const struct trace *trace, size_t *i, const char *hook)
{
    const struct event *ev;
    while ((ev = trace_next(trace, i, EV_HOOK_ASKED)))
        if (strcmp(ev->hook_asked.hook, hook) == 0 && strcmp(ev->hook_asked.answer, "taken") == 0)
            return ev;
    return NULL;
}

size_t asked_within(const struct trace *trace, int client, const char *hook, nsec from, nsec to)
{
    size_t count = 0, i = 0;
    for (const struct event *ev; (ev = asked_next(trace, &i, hook));)
        count += ev->client == client && asked_at(ev) >= from && asked_at(ev) < to;
    return count;
}

nsec asked_at(const struct event *asked)
{
    return asked->at - asked->hook_asked.took;
}

bool asked_in_vain(const struct trace *trace)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_STEP_END));)
        if (strcmp(ev->step_end.outcome, "no hook") == 0)
            return true;
    return false;
}

bool signal_ends(const char *name)
{
    static const char *const names[] = {"TERM", "INT", "HUP", "QUIT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}
