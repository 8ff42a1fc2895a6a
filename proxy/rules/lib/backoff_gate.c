#include "rules/lib/backoff_gate.h"

#include <math.h>

#define SHAPE_SURE  10.0
#define SHAPE_ALONE 14.0
#define WEAK_JITTER 0.2
#define MOSTLY_OWN  0.8
#define IRREGULAR   0.1 /* SD of logarithms around the best law: 10 % */

static struct gated when(bool open, enum raw_verdict raw, const char *enough)
{
    enum raw_verdict verdict = open ? raw : RAW_INCONCLUSIVE;
    return (struct gated){verdict, verdict == RAW_INCONCLUSIVE ? enough : NULL};
}

/* Growth errs at its nominal rate, so it is asked at a stricter one. */
static struct gated gate_growth(const struct backoff *raw)
{
    bool sure = raw->hammer == RAW_FAIL || (raw->growth == RAW_PASS && raw->g_lo_strict > 1) ||
                (raw->growth == RAW_FAIL && raw->g_hi_strict < BACKOFF_GROWTH_MIN);
    return when(sure, raw->growth,
                raw->clients < 5 ? "10 clients and 8 retries" : "10 clients and 12 retries");
}

static struct gated gate_shape(const struct backoff *raw, enum raw_verdict growth)
{
    if (growth == RAW_FAIL)
        return when(true, RAW_FAIL, NULL);
    bool alone = raw->clients == 1 || raw->lock_step;
    bool sure = fabs(raw->log_ratio) > (alone ? SHAPE_ALONE : SHAPE_SURE);
    return when(growth == RAW_PASS && sure, raw->shape, "10 clients and 8 retries");
}

void backoff_gate(const struct backoff *raw, const struct backoff_policy *policy,
                  struct backoff_gate *out)
{
    out->growth = gate_growth(raw);
    out->shape = gate_shape(raw, out->growth.verdict);
    out->jitter = when(raw->clients >= 3, raw->jitter, "5 clients and 7 retries");
    out->cap = when(raw->cap == RAW_FAIL || raw->count >= 8, raw->cap, "8 retries");
    out->storm = when(raw->clients >= 5, raw->storm, "10 clients and 6 retries");
}
