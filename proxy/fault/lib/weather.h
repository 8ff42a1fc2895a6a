/* Random numbers for delays: a distribution of one's choice, in which neighbours may resemble each
 * other. Every value has the distribution asked for, whatever the correlation. */
#ifndef HALFOPEN_FAULT_LIB_WEATHER_H
#define HALFOPEN_FAULT_LIB_WEATHER_H

#include <stdbool.h>

#include "base/rng.h"

enum distribution { DISTRIBUTION_UNIFORM, DISTRIBUTION_NORMAL, DISTRIBUTION_PARETO };

extern const char
    *const distribution_words[]; /* for a CHOICE parameter, in the order of the enum */

#define PARETO_LONGEST 100.0 /* no draw is longer than so many times the scale */

struct weather {
    double last; /* standard normal */
    bool begun;
};

/* In units of the jitter: uniform from -1 to 1; normal with standard deviation 1; pareto from 0,
 * with mean 1 and a long tail. correlation: 0 (none) to 1 (always the same). */
double weather_draw(struct weather *, struct rng *, enum distribution, double correlation);

/* How a value changes over time. */
enum shape { SHAPE_CONSTANT, SHAPE_RAMP, SHAPE_SINE, SHAPE_SAW };

extern const char *const shape_words[];

/* From 0 (lowest) to 1 (highest), `turns` periods after the beginning. */
double shape_level(enum shape, double turns);

#endif
