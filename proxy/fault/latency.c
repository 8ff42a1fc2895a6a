/* latency: everything arrives late, in order. */
#include <math.h>

#include "fault/fault.h"
#include "fault/lib/weather.h"

struct latency {
    nsec delay, jitter, from, period;
    int distribution, shape;
    double correlation;
};

struct latency_state {
    struct weather weather[DIRS];
    nsec drawn[DIRS]; /* when the newest delay was drawn */
    nsec extra[DIRS];
    bool begun[DIRS];
};

static const struct param params[] = {
    P_DURATION(latency, delay, .def = "200ms", .min = "0s", .max = "1h",
               .doc = "how much later bytes arrive; where the shape changes over time: at most"),
    P_DURATION(latency, jitter, .def = "0s", .min = "0s", .max = "1h",
               .doc = "random part: half the width of uniform, the standard deviation of normal, "
                      "the mean of pareto, which only adds"),
    P_CHOICE(latency, distribution, .def = "uniform", .choices = distribution_words,
             .doc = "of the random part: uniform, normal, or pareto (mostly little, sometimes very "
                    "much)"),
    P_RATIO(latency, correlation, .def = "0%", .min = "0%", .max = "100%",
            .doc = "how much one random part resembles the one before"),
    P_CHOICE(latency, shape, .def = "constant", .choices = shape_words,
             .doc = "how the delay changes over time: constant; ramp (grows for one period and "
                    "stays); sine; saw (grows for a period and falls back)"),
    P_DURATION(latency, period, .def = "60s", .min = "10ms", .max = "24h",
               .doc = "of the shape, from the moment the fault began"),
    P_DURATION(latency, from, .def = "0s", .min = "0s", .max = "1h",
               .doc = "the delay where the shape is lowest"),
    P_END,
};

static double usual_delay(const struct fault *f)
{
    const struct latency *cfg = fault_config(f);
    double turns = (double)(fault_now(f) - fault_began(f)) / (double)cfg->period;
    double level = shape_level((enum shape)cfg->shape, turns);
    if (cfg->shape == SHAPE_CONSTANT)
        return (double)cfg->delay;
    return (double)cfg->from + level * (double)(cfg->delay - cfg->from);
}

/* What comes in the same instant travels together: how the kernel cut it says nothing of the path.
 */
static nsec extra(struct fault *f, enum dir d)
{
    const struct latency *cfg = fault_config(f);
    struct latency_state *state = fault_state(f);
    if (state->begun[d] && state->drawn[d] == fault_now(f))
        return state->extra[d];
    double delay = usual_delay(f);
    if (cfg->jitter > 0)
        delay += (double)cfg->jitter * weather_draw(&state->weather[d], fault_rng(f),
                                                    (enum distribution)cfg->distribution,
                                                    cfg->correlation);
    state->begun[d] = true;
    state->drawn[d] = fault_now(f);
    state->extra[d] = delay > 0 ? llround(delay) : 0;
    return state->extra[d];
}

static void delay(struct fault *f, struct unit *u)
{
    nsec late = extra(f, u->dir);
    if (late > 0)
        fault_hold(f, u, nsec_add(fault_now(f), late));
    else
        fault_pass(f, u);
}

const struct fault_desc latency_fault = {
    .layer = LAYER_BYTES,
    .name = "latency",
    .brief = "deliver everything late and in order",
    .doc =
        "A long way, a satellite, a crowded cell: bytes and the end of the connection arrive later by "
        "the delay, each direction by itself, and never overtake each other; throughput is left alone "
        "up to 4 MiB on the way. With jitter the delay differs from one moment to the next, and what "
        "was delayed longer holds up what is behind it. A good endpoint works as before, only slower: "
        "heartbeats that allow for it stay quiet, and no request is sent twice for impatience.",
    .example = "latency: {delay: 200ms, jitter: 50ms}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct latency),
    .state_size = sizeof(struct latency_state),
    .ops = {.on_bytes = delay, .on_end = delay},
};
