#include "control/schedule.h"

#include <stdlib.h>

#include "base/mem.h"
#include "control/testable.h"
#include "net/machine.h"

#define PLACES_PER_CORE 20                   /* node processes at speed 10 that keep quiet enough */
#define CLIENT_MEMORY   ((uint64_t)64 << 20) /* a node process takes 43 MiB */
#define PLENTY          ((uint64_t)1 << 30)  /* for each client: no need to ask what they take */
#define RESERVE         ((uint64_t)256 << 20)
#define BEGIN_S         0.2 /* until its first client is open, and its end */
#define CLIENT_BEGIN_S  0.05
#define WHOLE_S         0.5 /* calibration, judging, the report */

double schedule_estimate(const struct plan *plan, const struct policy *policy, double speed)
{
    double steps = nsec_to_seconds(plan_expected(plan, policy));
    return steps / (plan_kernel_timed(plan) ? 1 : speed) + BEGIN_S + CLIENT_BEGIN_S * plan->clients;
}

double schedule_task(const struct runner_task *task, double speed)
{
    if (plan_lacks(task->plan, task->subject))
        return 0;
    return schedule_estimate(task->plan, &task->subject->policy, speed);
}

/* --- The order --- */

struct weighed {
    size_t index;
    double seconds;
};

static int longest_first(const void *a, const void *b)
{
    const struct weighed *one = a, *other = b;
    if (one->seconds != other->seconds)
        return one->seconds > other->seconds ? -1 : 1;
    return one->index < other->index ? -1 : 1;
}

size_t *schedule_order(const struct runner_task *tasks, size_t count, double speed)
{
    struct weighed *weighed = xcalloc(count + 1, sizeof *weighed);
    size_t *order = xcalloc(count + 1, sizeof *order);
    for (size_t i = 0; i < count; i++)
        weighed[i] = (struct weighed){i, schedule_task(&tasks[i], speed)};
    qsort(weighed, count, sizeof *weighed, longest_first);
    for (size_t i = 0; i < count; i++)
        order[i] = weighed[i].index;
    free(weighed);
    return order;
}

/* --- Places --- */

static unsigned at_least_one(unsigned places)
{
    return places > 0 ? places : 1;
}

unsigned schedule_places(unsigned asked)
{
    uint64_t by_memory = machine_memory() / CLIENT_MEMORY;
    unsigned by_cores = machine_cores() * PLACES_PER_CORE;
    if (asked > 0)
        return asked;
    return at_least_one(by_memory < by_cores ? (unsigned)by_memory : by_cores);
}

unsigned schedule_fewest(unsigned places)
{
    return at_least_one(places / 4);
}

/* A client may grow after it was looked at, and so may we. */
bool schedule_fits_memory(unsigned clients, uint64_t (*each)(const void *context),
                          const void *context)
{
    uint64_t available = machine_memory();
    if (available / PLENTY >= clients)
        return true;
    uint64_t one = each(context);
    one = one > 0 ? one + one / 4 : CLIENT_MEMORY;
    return available > RESERVE && (available - RESERVE) / one >= clients;
}

/* --- The whole --- */

struct slot {
    double ends; /* 0: it has not begun */
    unsigned clients;
    bool over;
};

static double first_end(struct slot *slots, size_t count)
{
    struct slot *first = NULL;
    for (size_t i = 0; i < count; i++)
        if (slots[i].ends > 0 && !slots[i].over && (!first || slots[i].ends < first->ends))
            first = &slots[i];
    if (!first)
        return 0;
    first->over = true;
    return first->ends;
}

static unsigned in_use(const struct slot *slots, size_t count)
{
    unsigned used = 0;
    for (size_t i = 0; i < count; i++)
        used += slots[i].ends > 0 && !slots[i].over ? slots[i].clients : 0;
    return used;
}

/* Whoever fits begins, as the runner does it. Returns how many wait. */
static size_t begin_those_that_fit(struct slot *slots, const size_t *order, size_t count,
                                   const struct runner_task *tasks, unsigned places, double speed,
                                   double now)
{
    size_t waiting = 0;
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &slots[order[i]];
        unsigned clients = tasks[order[i]].plan->clients, used = in_use(slots, count);
        if (slot->ends > 0)
            continue;
        if (used > 0 && used + clients > places) {
            waiting++;
            continue;
        }
        double seconds = schedule_task(&tasks[order[i]], speed);
        slot->clients = clients;
        slot->ends = now + (seconds > 0 ? seconds : 0.001);
    }
    return waiting;
}

double schedule_expected(const struct runner_task *tasks, size_t count, unsigned places,
                         double speed)
{
    size_t *order = schedule_order(tasks, count, speed);
    struct slot *slots = xcalloc(count + 1, sizeof *slots);
    double now = 0, next;
    while (begin_those_that_fit(slots, order, count, tasks, places, speed, now) > 0)
        now = first_end(slots, count);
    while ((next = first_end(slots, count)) > 0)
        now = next;
    free(slots);
    free(order);
    return now + WHOLE_S;
}
