/* The exponential law that delays follow from one of them on, and how far off its factor may be.
 * Pure. */
#ifndef HALFOPEN_RULES_LIB_LAW_H
#define HALFOPEN_RULES_LIB_LAW_H

#include "rules/lib/panel.h"

struct law {
    struct panel panel; /* of the delays from the first on */
    struct panel_line line;
    double freedom; /* not above 0: too few delays for anything but the factor */
    double error;   /* standard error of the slope */
    double wider;   /* the limits of the factor are, by so much */
};

/* Of the delays from `from` on; from < delays->count. With its plateau where they seem to reach it;
 * or, of two delays or more, where `corner` says. */
void law_fit(struct law *, const struct delays *, size_t from, double eps);
void law_fit_to(struct law *, const struct delays *, size_t from, size_t corner, double eps);

double law_factor(const struct law *);
/* The limit beyond which the factor lies with a probability of alpha: sign -1 below, 1 above. */
double law_limit(const struct law *, double alpha, int sign);
/* The log likelihood ratio of a law with a plateau, against a linear one, and where that has its
 * plateau. */
double law_compare(const struct law *, size_t *linear_corner);

#endif
