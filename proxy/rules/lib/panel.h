/* Logarithms of delays, clients by retries, and the two laws that are fitted to them: exponential
 * and linear growth, each with a plateau. */
#ifndef HALFOPEN_RULES_LIB_PANEL_H
#define HALFOPEN_RULES_LIB_PANEL_H

#include "rules/lib/backoff.h"

/* Delays as equally long rows. */
struct delays {
    size_t clients, count;
    double of[BACKOFF_CLIENTS_LIMIT][BACKOFF_DELAYS_LIMIT];
};

/* What the fits need of the logarithms: the mean of each retry over the clients, less the mean of
 * all (profile), and what is left of each client around its own mean and that profile. */
struct panel {
    size_t clients, count;
    double profile[BACKOFF_DELAYS_LIMIT];
    double interaction; /* sum of squares around client means and profile */
    double floor;       /* sum of squares that the timing noise alone may cause */
};

/* Leaves out the delays before `from`; from < delays->count. */
void panel_init(struct panel *, const struct delays *, size_t from, double eps);

/* A straight line of the profile over min(i, corner). */
struct panel_line {
    double slope;
    double spread;   /* sum of squares of the abscissa */
    double residual; /* sum of squares of the profile around the line */
    size_t corner;
};

/* count >= 2, corner >= 1. */
struct panel_line panel_line(const struct panel *, size_t corner);

/* The best line of those with a corner from 2 to the last retry and a slope not below 0. corner 0:
 * fewer than three retries, nothing was fitted. */
struct panel_line panel_exponential(const struct panel *);

/* The same for the law ln(1 + rate * min(i, corner)); slope is the rate, spread stays 0. */
struct panel_line panel_linear(const struct panel *);

/* Sum of squares of all clients around such a fit, noise included. */
double panel_residual(const struct panel *, const struct panel_line *);

#endif
