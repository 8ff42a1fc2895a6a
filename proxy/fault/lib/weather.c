#include "fault/lib/weather.h"

#include <math.h>
#include <stddef.h>

#define PI          3.14159265358979323846
#define PARETO_TAIL 3.0 /* variance is finite, the fourth moment is not */

const char *const distribution_words[] = {"uniform", "normal", "pareto", NULL};
const char *const shape_words[] = {"constant", "ramp", "sine", "saw", NULL};

/* Box and Muller. */
static double standard_normal(struct rng *rng)
{
    double radius = sqrt(-2 * log(1 - rng_unit(rng)));
    return radius * cos(2 * PI * rng_unit(rng));
}

static double pareto(double below)
{
    double excess = pow(fmax(1 - below, 1e-15), -1 / PARETO_TAIL) - 1;
    return fmin(excess * (PARETO_TAIL - 1), PARETO_LONGEST);
}

double weather_draw(struct weather *weather, struct rng *rng, enum distribution distribution,
                    double correlation)
{
    double fresh = standard_normal(rng);
    double normal = weather->begun
                        ? correlation * weather->last + sqrt(1 - correlation * correlation) * fresh
                        : fresh;
    double below = erfc(-normal / sqrt(2)) / 2; /* share of all values that are smaller */
    weather->last = normal;
    weather->begun = true;
    switch (distribution) {
    case DISTRIBUTION_UNIFORM:
        return 2 * below - 1;
    case DISTRIBUTION_NORMAL:
        return normal;
    case DISTRIBUTION_PARETO:
        return pareto(below);
    }
    return normal;
}

double shape_level(enum shape shape, double turns)
{
    switch (shape) {
    case SHAPE_CONSTANT:
        return 1;
    case SHAPE_RAMP:
        return fmin(turns, 1);
    case SHAPE_SINE:
        return (1 - cos(2 * PI * turns)) / 2;
    case SHAPE_SAW:
        return turns - floor(turns);
    }
    return 1;
}
