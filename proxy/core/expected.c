/* How long the steps of a plan take when the client behaves as the policy asks: it beats every
 * `ping`, misses an answer after `pong`, and comes back on the schedule of `backoff`. Told before a
 * run, judged by nothing: a factor of 1.5 is good enough. */
#include "core/plan.h"

#include <string.h>

#define PERSON      (20 * NSEC_PER_SEC) /* what somebody takes to do as a prompt says */
#define FEW_CLIENTS 4                   /* beyond, the slowest of them is slower still */

struct forecast {
    const struct plan *plan;
    const struct policy *policy;
    nsec at;
    bool opened;         /* all were open once */
    nsec lost;           /* since when connections are broken, as far as can be told; NEVER */
    nsec silent;         /* since when nothing is heard; NEVER */
    nsec lifetime;       /* that a fault grants to connections; 0: none does */
    const char *failing; /* label of a fault that attempts meet; NULL: none */
    uint64_t failed;     /* attempts, before the ones to come */
    bool counted;        /* the slowest client has just made its attempt */
    bool deaf;           /* a Close that is answered by nobody: the client waits for that first */
};

/* --- The schedule of a client --- */

static nsec scaled(nsec time, double factor)
{
    return nsec_from_seconds(nsec_to_seconds(time) * factor);
}

static nsec delay_before(const struct policy *policy, uint64_t attempt)
{
    nsec delay = policy->backoff_base;
    for (uint64_t i = 0; i < attempt && delay < policy->backoff_cap; i++)
        delay = scaled(delay, policy->backoff_factor);
    return nsec_min(delay, policy->backoff_cap);
}

/* From the loss to that attempt. */
static nsec start_of(const struct forecast *f, uint64_t attempt)
{
    nsec total = 0;
    for (uint64_t i = 0; i < attempt && total < NEVER / 2; i++)
        total = nsec_add(total, delay_before(f->policy, f->failed + i));
    return total;
}

/* Which attempt comes next, so long after the loss. */
static uint64_t attempts_within(const struct forecast *f, nsec elapsed)
{
    uint64_t count = 0;
    nsec at = delay_before(f->policy, f->failed);
    while (at <= elapsed) {
        count++;
        at = nsec_add(at, delay_before(f->policy, f->failed + count));
    }
    return count;
}

/* How much longer than one client the slowest of all takes, for one delay or for a sum of them. */
static double stretch(const struct forecast *f, const struct wait_step *wait, double few,
                      double many)
{
    unsigned clients = wait->of == OF_ALL ? f->plan->clients : 1;
    if (clients <= 1)
        return 1;
    return 1 + f->policy->backoff_jitter * (clients <= FEW_CLIENTS ? few : many);
}

/* --- What is waited for --- */

static nsec next_beat(const struct forecast *f)
{
    return f->policy->ping - f->at % f->policy->ping;
}

static nsec until_noticed(const struct forecast *f)
{
    nsec ping = f->silent == NEVER ? next_beat(f) : f->policy->ping;
    nsec began = f->silent == NEVER ? 0 : nsec_max(f->silent - f->at, 0);
    return nsec_add(began, nsec_add(ping, f->policy->pong));
}

/* The first attempt after a loss, or what is left of the delay that the client is in. */
static nsec until_back(const struct forecast *f, const struct wait_step *wait)
{
    if (f->lost == NEVER)
        return nsec_add(until_noticed(f), f->policy->backoff_base);
    nsec elapsed = f->at - f->lost;
    uint64_t next = attempts_within(f, elapsed);
    nsec delay = delay_before(f->policy, f->failed + next);
    if (elapsed == 0 && f->deaf)
        return nsec_add(delay, f->policy->close_timeout);
    if (elapsed == 0 || f->counted)
        return scaled(delay, stretch(f, wait, 0.5, 0.8));
    return f->failing || f->plan->clients == 1 || wait->of != OF_ALL
               ? delay / 2
               : scaled(delay, f->plan->clients / (f->plan->clients + 1.0));
}

static nsec until_attempts(const struct forecast *f, const struct wait_step *wait, uint64_t count)
{
    nsec since = f->lost == NEVER ? until_noticed(f) : 0;
    nsec elapsed = f->lost == NEVER ? 0 : f->at - f->lost;
    nsec made = scaled(start_of(f, count), stretch(f, wait, 0.25, 0.4));
    return nsec_add(since, nsec_max(made - elapsed, 0));
}

static nsec until_closed(const struct forecast *f)
{
    if (f->lost != NEVER)
        return 0;
    return f->lifetime > 0 ? nsec_max(f->lifetime - f->at, 0) : until_noticed(f);
}

static nsec until(const struct forecast *f, const struct wait_step *wait, const struct until *what)
{
    switch (what->condition) {
    case UNTIL_OPEN:
        return f->opened && f->lost != NEVER ? until_back(f, wait) : 0;
    case UNTIL_REOPENED:
        return until_back(f, wait);
    case UNTIL_CLOSED:
        return until_closed(f);
    case UNTIL_ATTEMPTS:
        return until_attempts(f, wait, what->attempts);
    case UNTIL_PING:
    case UNTIL_PONG:
    case UNTIL_HEARTBEAT:
        return next_beat(f);
    case UNTIL_QUIET:
        return what->quiet;
    case UNTIL_GAVE_UP:
        return start_of(f, f->policy->retry_limit);
    case UNTIL_TIME:
    case UNTIL_EXITED:
    case UNTIL_MESSAGE:
        break;
    }
    return wait->at_most == NEVER ? 0 : wait->at_most / 3;
}

/* --- Steps --- */

/* A connection that lasted begins a new schedule. */
static void be_open(struct forecast *f)
{
    if (f->lost != NEVER)
        f->failed += attempts_within(f, f->at - f->lost) + (f->at == f->lost);
    f->opened = true;
    f->counted = false;
    f->lost = f->silent = NEVER;
}

static void let_pass(struct forecast *f, nsec time)
{
    f->at = nsec_add(f->at, time);
    f->counted = false;
    nsec back = nsec_add(delay_before(f->policy, f->failed), delay_before(f->policy, f->failed));
    if (f->lost != NEVER && !f->failing && f->at - f->lost > back)
        f->lost = NEVER;
    if (f->lost == NEVER && time >= f->policy->stable_after)
        f->failed = 0;
}

static void wait_until(struct forecast *f, const struct wait_step *wait)
{
    nsec least = wait->at_most;
    enum condition met = UNTIL_TIME;
    for (size_t i = 0; i < wait->count; i++) {
        nsec time = until(f, wait, &wait->any[i]);
        if (time <= least) {
            least = time;
            met = wait->any[i].condition;
        }
    }
    f->at = nsec_add(f->at, least == NEVER ? 0 : least);
    if (met == UNTIL_OPEN || met == UNTIL_REOPENED)
        be_open(f);
    if (met == UNTIL_CLOSED || (met == UNTIL_ATTEMPTS && f->lost == NEVER)) {
        f->lost = f->at;
        f->silent = NEVER;
    }
    f->counted = met == UNTIL_ATTEMPTS;
}

/* 0: it has none. */
static nsec parameter(const struct fault_step *fault, const char *name)
{
    const struct param *param = param_find(fault->desc->params, name);
    if (!param || param->type != PARAM_DURATION || !fault->config)
        return 0;
    return *(const nsec *)(const void *)((const char *)fault->config + param->offset);
}

/* Armed until the next heartbeat; a client that sends all the time has none that would be due. */
static nsec until_moment(const struct forecast *f, const struct fault_step *fault)
{
    if (fault->moment == AT_ONCE || fault->moment == AFTER_OPEN)
        return 0;
    nsec beat = f->plan->client.sends > 0 ? fault->at_most : next_beat(f);
    return nsec_min(beat, fault->at_most);
}

/* What only keeps pongs or Closes away breaks nothing until one is missed. */
static bool may_end(const struct fault_step *fault)
{
    return !fault->desc->silences && fault->desc->withholds == WITHHOLDS_NOTHING &&
           fault->connections.which != CONNS_NEW;
}

static void begin_fault(struct forecast *f, const struct fault_step *fault)
{
    nsec begins = nsec_add(f->at, until_moment(f, fault));
    bool stays = !fault->blocking && !fault->desc->instant;
    if (fault->desc->silences && f->silent == NEVER)
        f->silent = begins;
    else if (may_end(fault) && f->opened && f->lost == NEVER)
        f->lost = begins;
    if (stays && (fault->connections.which == CONNS_ALL || fault->connections.which == CONNS_NEW))
        f->failing = fault->label;
    f->deaf = f->deaf || fault->desc->withholds == WITHHOLDS_CLOSES;
    if (stays)
        f->lifetime = parameter(fault, "after");
    if (fault->blocking && fault->duration != NEVER)
        f->at = nsec_add(begins, fault->duration);
}

static void take_step(struct forecast *f, const struct step *step)
{
    switch (step->kind) {
    case STEP_WAIT:
        if (step->wait.count > 0)
            wait_until(f, &step->wait);
        else
            let_pass(f, step->wait.duration);
        break;
    case STEP_FAULT:
        begin_fault(f, &step->fault);
        break;
    case STEP_CLEAR:
        if (f->failing && strcmp(f->failing, step->clear) == 0)
            f->failing = NULL;
        break;
    case STEP_CLOSE:
    case STEP_SIGNAL:
    case STEP_RESTART:
        if (f->lost == NEVER)
            f->lost = f->at;
        break;
    case STEP_PROMPT:
        f->at = nsec_add(f->at, PERSON);
        break;
    case STEP_REQUEST:
    case STEP_HOOK:
    case STEP_MARK:
    case STEP_ROUTE:
        break;
    }
}

nsec plan_expected(const struct plan *plan, const struct policy *policy)
{
    struct forecast f = {.plan = plan, .policy = policy, .lost = NEVER, .silent = NEVER};
    for (size_t i = 0; i < plan->step_count; i++)
        take_step(&f, &plan->steps[i]);
    return f.at;
}
