#include "rules/lib/backoff_choice.h"

#include <stdlib.h>

#include "base/mem.h"

/* A factor of 0.5 to 1.5 (RULES 2) makes one delay three times another at most. */
#define GOES_ON 4
#define NOISES  8

bool backoff_begins_anew(const struct retries *retries, nsec stable_after)
{
    return retries->first || retries->stood >= stable_after;
}

static size_t anew_in(const struct outage *outage, nsec stable_after)
{
    size_t count = 0;
    for (size_t i = 0; i < outage->count; i++)
        count += backoff_begins_anew(&outage->clients[i], stable_after);
    return count;
}

static size_t retries_in(const struct outage *outage, nsec stable_after)
{
    size_t retries = 0;
    for (size_t i = 0; i < outage->count; i++)
        if (backoff_begins_anew(&outage->clients[i], stable_after))
            retries += outage->clients[i].count;
    return retries;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *list, size_t count)
{
    if (count == 0)
        return 0;
    qsort(list, count, sizeof *list, by_size);
    return list[count / 2];
}

/* Seconds: the mean of the first two delays, in the middle of the clients; 0: there was none. */
static double beginning_of(const struct outage *outage, nsec stable_after)
{
    double *means = xcalloc(outage->count, sizeof *means);
    size_t count = 0;
    for (size_t i = 0; i < outage->count; i++) {
        const struct retries *retries = &outage->clients[i];
        if (!backoff_begins_anew(retries, stable_after) || retries->count == 0)
            continue;
        means[count++] = retries->count == 1 ? retries->delays[0]
                                             : (retries->delays[0] + retries->delays[1]) / 2;
    }
    double middle = median_of(means, count);
    free(means);
    return middle;
}

static bool is_beyond(double beginning, double first, double noise)
{
    return beginning > GOES_ON * first + NOISES * noise;
}

/* Whether the later ones begin, by and large, where the first had got to. */
static bool later_go_on(const struct outages *outages, nsec stable_after, double noise)
{
    double *later = xcalloc(outages->count, sizeof *later), first = 0;
    size_t count = 0;
    for (size_t i = 0; i < outages->count; i++) {
        double beginning = beginning_of(&outages->list[i], stable_after);
        if (first == 0)
            first = beginning;
        else if (beginning > 0)
            later[count++] = beginning;
    }
    double middle = median_of(later, count);
    free(later);
    return is_beyond(middle, first, noise);
}

static void take_if_better(struct backoff_choice *choice, const struct outage *at,
                           nsec stable_after)
{
    size_t clients = anew_in(at, stable_after);
    size_t best = choice->outage ? anew_in(choice->outage, stable_after) : 0;
    if (clients > best || (clients == best && clients > 0 &&
                           retries_in(at, stable_after) > retries_in(choice->outage, stable_after)))
        choice->outage = at;
}

static void choose_biggest(const struct outages *outages, nsec stable_after, double noise,
                           struct backoff_choice *choice)
{
    double first = 0;
    for (size_t i = 0; i < outages->count; i++) {
        const struct outage *at = &outages->list[i];
        double beginning = beginning_of(at, stable_after);
        if (first == 0)
            first = beginning;
        if (first > 0 && is_beyond(beginning, first, noise))
            choice->goes_on = true;
        else
            take_if_better(choice, at, stable_after);
    }
}

static const struct outage *first_anew(const struct outages *outages, nsec stable_after)
{
    for (size_t i = 0; i < outages->count; i++)
        if (anew_in(&outages->list[i], stable_after) > 0)
            return &outages->list[i];
    return NULL;
}

static void look_at_all(const struct outages *outages, nsec stable_after,
                        struct backoff_choice *choice)
{
    int client = outages->count > 0 ? outages->list[0].clients[0].client : -1;
    choice->singles = true;
    choice->repeated = true;
    for (size_t i = 0; i < outages->count; i++) {
        choice->fresh += anew_in(&outages->list[i], stable_after) > 0;
        choice->singles = choice->singles && outages->list[i].count == 1;
        choice->repeated = choice->repeated && outages->list[i].clients[0].client == client;
    }
    choice->singles = choice->singles && choice->fresh > 1;
    choice->repeated = choice->repeated && choice->singles;
}

struct backoff_choice backoff_choose(const struct outages *outages, nsec stable_after, double noise)
{
    struct backoff_choice choice = {0};
    look_at_all(outages, stable_after, &choice);
    if (choice.singles && later_go_on(outages, stable_after, noise)) {
        choice.singles = choice.repeated = false;
        choice.goes_on = true;
        choice.outage = first_anew(outages, stable_after);
    } else {
        choose_biggest(outages, stable_after, noise, &choice);
    }
    if (choice.outage)
        choice.left_out = outages->count - (choice.singles ? choice.fresh : 1);
    return choice;
}
