#include "net/noise.h"

#include <math.h>

#define CALIBRATION_FIRINGS 200
#define CALIBRATION_EVERY   NSEC_PER_MSEC
#define WATCH_EVERY         (20 * NSEC_PER_MSEC)
#define BUCKETS_A_DOUBLING  8

static size_t bucket_of(nsec late)
{
    double usec = (double)late / NSEC_PER_USEC;
    if (usec <= 1)
        return 0;
    double bucket = ceil(log2(usec) * BUCKETS_A_DOUBLING);
    return bucket >= LATENESS_BUCKETS ? LATENESS_BUCKETS - 1 : (size_t)bucket;
}

static nsec bucket_limit(size_t bucket)
{
    return (nsec)(exp2((double)bucket / BUCKETS_A_DOUBLING) * NSEC_PER_USEC);
}

void lateness_add(struct lateness *lateness, nsec late)
{
    late = nsec_max(late, 0);
    lateness->buckets[bucket_of(late)]++;
    lateness->count++;
    lateness->worst = nsec_max(lateness->worst, late);
}

nsec lateness_share(const struct lateness *lateness, double share)
{
    if (lateness->count == 0)
        return 0;
    uint64_t wanted = (uint64_t)ceil(share * (double)lateness->count);
    uint64_t seen = 0;
    size_t i = 0;
    for (; i < LATENESS_BUCKETS; i++) {
        seen += lateness->buckets[i];
        if (seen >= wanted)
            break;
    }
    return nsec_min(bucket_limit(i), lateness->worst);
}

static void on_probe(struct timer *timer, nsec now)
{
    struct noise *noise = (struct noise *)timer;
    lateness_add(&noise->lateness, loop_now() - noise->expected);
    noise->expected = loop_now() + WATCH_EVERY;
    loop_timer_set(noise->loop, &noise->timer, noise->expected);
}

static void begin(struct noise *noise, struct loop *loop, nsec first,
                  void (*on_due)(struct timer *, nsec))
{
    *noise = (struct noise){.timer = {.on_due = on_due}, .loop = loop};
    noise->expected = loop_now() + first;
    loop_timer_set(loop, &noise->timer, noise->expected);
}

void noise_watch(struct noise *noise, struct loop *loop)
{
    begin(noise, loop, WATCH_EVERY, on_probe);
}

void noise_stop(struct noise *noise)
{
    loop_timer_set(noise->loop, &noise->timer, NEVER);
}

static void on_calibration(struct timer *timer, nsec now)
{
    struct noise *noise = (struct noise *)timer;
    lateness_add(&noise->lateness, loop_now() - noise->expected);
    if (noise->lateness.count == CALIBRATION_FIRINGS) {
        loop_stop(noise->loop);
        return;
    }
    noise->expected = loop_now() + CALIBRATION_EVERY;
    loop_timer_set(noise->loop, &noise->timer, noise->expected);
}

void noise_calibrate(struct loop *loop, struct lateness *out)
{
    struct noise noise;
    begin(&noise, loop, CALIBRATION_EVERY, on_calibration);
    loop_run(loop);
    loop_timer_set(loop, &noise.timer, NEVER);
    *out = noise.lateness;
}
