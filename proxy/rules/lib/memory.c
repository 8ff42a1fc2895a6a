#include "rules/lib/memory.h"

#include <stdlib.h>

#include "base/mem.h"

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Samples of the client within [from, to]; returns how many. *out is the caller's to free. */
static size_t memory_within(const struct trace *trace, int client, nsec from, nsec to, double **out)
{
    size_t count = 0, i = 0;
    *out = NULL;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_PROCESS_MEMORY));) {
        if (ev->client != client || ev->at < from || ev->at > to)
            continue;
        *out = xrealloc(*out, (count + 1) * sizeof **out);
        (*out)[count++] = (double)ev->process_memory.bytes;
    }
    if (count > 0)
        qsort(*out, count, sizeof **out, by_size);
    return count;
}

double memory_most(const struct trace *trace, int client, nsec from, nsec to)
{
    double *samples;
    size_t count = memory_within(trace, client, from, to, &samples);
    double most = count > 0 ? samples[count - 1] : 0;
    free(samples);
    return most;
}

double memory_usual(const struct trace *trace, int client, nsec from, nsec to)
{
    double *samples;
    size_t count = memory_within(trace, client, from, to, &samples);
    double usual = count > 0 ? samples[count / 2] : 0;
    free(samples);
    return usual;
}
