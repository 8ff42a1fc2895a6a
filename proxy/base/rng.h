/* Reproducible random numbers (xoshiro256**, seeded by splitmix64). A stream is derived from a seed
 * and a name so that adding one consumer never shifts the numbers of another. */
#ifndef HALFOPEN_BASE_RNG_H
#define HALFOPEN_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state[4];
};

void rng_init(struct rng *, uint64_t seed, const char *stream, uint64_t index);
uint64_t rng_next(struct rng *);
double rng_unit(struct rng *);                                /* [0, 1) */
int64_t rng_between(struct rng *, int64_t low, int64_t high); /* inclusive; low <= high */
double rng_uniform(struct rng *, double low, double high);

#endif
