/* What a scenario asks of the clients' applications, and what it hears of them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/internal.h"
#include "ws/signature.h"

void run_watch_hooks(struct run *run, unsigned declared,
                     void (*on_hook)(void *context, unsigned client, enum hook, uint64_t number),
                     void *context)
{
    run->declared = declared;
    run->on_hook = on_hook;
    run->hook_context = context;
}

static void ask(struct run *run, const struct hook_step *step)
{
    for (unsigned i = 0; i < run->plan->clients; i++)
        if (step->of.all || step->of.client == i)
            run->on_hook(run->hook_context, i, step->hook, ++run->clients[i].asked[step->hook]);
}

void hooks_settle(struct run *run)
{
    for (struct asking **at = &run->asking; *at;) {
        struct asking *asking = *at;
        while (asking->left > 0 && asking->due <= run->now) {
            asking->left--;
            asking->due = nsec_add(asking->due, asking->step->every);
            ask(run, asking->step);
        }
        if (asking->left > 0) {
            at = &asking->next;
            continue;
        }
        *at = asking->next;
        free(asking);
    }
}

bool hooks_begin(struct run *run, const struct hook_step *step)
{
    struct asking **last = &run->asking;
    if (!run->on_hook || !(run->declared & hook_declared_as(step->hook)))
        return false;
    while (*last)
        last = &(*last)->next;
    *last = xmalloc(sizeof **last);
    **last = (struct asking){.step = step, .left = step->count, .due = run->now};
    hooks_settle(run); /* before the steps that follow */
    return true;
}

nsec hooks_deadline(const struct run *run)
{
    nsec at = NEVER;
    for (const struct asking *asking = run->asking; asking; asking = asking->next)
        at = nsec_min(at, asking->due);
    return at;
}

void hooks_fini(struct run *run)
{
    while (run->asking) {
        struct asking *next = run->asking->next;
        free(run->asking);
        run->asking = next;
    }
}

/* --- Signals --- */

void run_watch_signals(struct run *run,
                       void (*on_signal)(void *context, unsigned client, const char *name),
                       void *context)
{
    run->on_signal = on_signal;
    run->signal_context = context;
}

void hooks_signal(struct run *run, const struct signal_step *step)
{
    for (unsigned i = 0; run->on_signal && i < run->plan->clients; i++)
        if (step->of.all || step->of.client == i)
            run->on_signal(run->signal_context, i, step->name);
}

/* --- What comes back --- */

void run_hook_answer(struct run *run, unsigned client, enum hook hook, uint64_t number,
                     const char *how, const char *answer, nsec asked, nsec now)
{
    run->now = nsec_max(run->now, now);
    struct event ev = {.at = run->now,
                       .kind = EV_HOOK_ASKED,
                       .client = (int)run->clients[client].number,
                       .side = SIDE_CLIENT,
                       .by = BY_PROXY};
    ev.hook_asked = (struct ev_hook_asked){.hook = hook_name(hook),
                                           .number = number,
                                           .how = how,
                                           .answer = answer,
                                           .took = nsec_max(run->now - asked, 0)};
    run_emit(run, ev);
}

void run_hook_state(struct run *run, unsigned client, uint64_t number, const char *how,
                    const void *bytes, size_t len, nsec now)
{
    char hash[SIGNATURE_DIGITS + 1];
    run->now = nsec_max(run->now, now);
    signature_digits(signature_content(run->hash_key, bytes, len, len), hash);
    struct event ev = {.at = run->now,
                       .kind = EV_HOOK_STATE,
                       .client = (int)run->clients[client].number,
                       .side = SIDE_CLIENT};
    ev.by = run->options.client_builtin ? BY_BUILTIN : BY_ENDPOINT;
    ev.hook_state = (struct ev_hook_state){.number = number, .how = how, .len = len, .hash = hash};
    run_emit(run, ev);
}

void run_heard(struct run *run, unsigned client, const char *hook, const char *how,
               const char *detail, nsec now)
{
    run->now = nsec_max(run->now, now);
    if (client >= run->plan->clients)
        return;
    run->clients[client].counters.gave_up += strcmp(hook, "gave_up") == 0;
    struct event ev = {.at = run->now,
                       .kind = EV_HOOK_HEARD,
                       .client = (int)run->clients[client].number,
                       .side = SIDE_CLIENT};
    ev.by = run->options.client_builtin ? BY_BUILTIN : BY_ENDPOINT;
    ev.hook_heard = (struct ev_hook_heard){.hook = hook, .how = how, .detail = detail};
    run_emit(run, ev);
}
