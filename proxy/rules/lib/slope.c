#include "rules/lib/slope.h"

#include <math.h>

struct block {
    double at, bytes; /* of its smallest sample */
};

struct blocks {
    struct block list[SLOPE_BLOCKS_LIMIT];
    size_t count;
    nsec newest; /* number of the newest block */
};

static void note(struct blocks *blocks, nsec since, uint64_t bytes)
{
    nsec number = since / SLOPE_BLOCK;
    struct block sample = {.at = nsec_to_seconds(since), .bytes = (double)bytes};
    if (blocks->count == 0 || number != blocks->newest) {
        if (blocks->count == SLOPE_BLOCKS_LIMIT)
            return;
        blocks->list[blocks->count++] = sample;
        blocks->newest = number;
        return;
    }
    struct block *newest = &blocks->list[blocks->count - 1];
    if (sample.bytes < newest->bytes)
        *newest = sample;
}

static void collect(const struct trace *trace, int client, nsec from, nsec to,
                    struct blocks *blocks, struct slope *slope)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->kind != EV_PROCESS_MEMORY || ev->client != client || ev->at < from || ev->at >= to)
            continue;
        note(blocks, ev->at - from, ev->process_memory.bytes);
        slope->from = slope->from ? slope->from : ev->seq;
        slope->to = ev->seq;
    }
}

/* Least squares. */
static void fit(const struct blocks *blocks, struct slope *slope)
{
    double n = (double)blocks->count, mean_at = 0, mean_bytes = 0, xx = 0, xy = 0, rest = 0;
    for (size_t i = 0; i < blocks->count; i++) {
        mean_at += blocks->list[i].at / n;
        mean_bytes += blocks->list[i].bytes / n;
    }
    for (size_t i = 0; i < blocks->count; i++) {
        double x = blocks->list[i].at - mean_at;
        xx += x * x;
        xy += x * (blocks->list[i].bytes - mean_bytes);
    }
    slope->per_second = xx > 0 ? xy / xx : 0;
    for (size_t i = 0; i < blocks->count; i++) {
        double x = blocks->list[i].at - mean_at;
        double off = blocks->list[i].bytes - mean_bytes - slope->per_second * x;
        rest += off * off;
    }
    slope->error = xx > 0 ? sqrt(rest / (n - 2) / xx) : INFINITY;
}

bool slope_of_memory(const struct trace *trace, int client, nsec from, nsec to, struct slope *slope)
{
    struct blocks blocks = {.count = 0};
    *slope = (struct slope){0};
    collect(trace, client, from, to, &blocks, slope);
    slope->blocks = blocks.count;
    if (blocks.count < 3)
        return false;
    const struct block *last = &blocks.list[blocks.count - 1];
    const struct block *middle = &blocks.list[blocks.count / 2];
    fit(&blocks, slope);
    slope->rise = last->bytes - blocks.list[0].bytes;
    slope->late_rise = last->bytes - middle->bytes;
    slope->late_seconds = last->at - middle->at;
    return true;
}
