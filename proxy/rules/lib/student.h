/* Quantiles of two distributions, for confidence limits. Exact to about 1e-12 relative for the
 * probabilities and degrees of freedom that statistics of a few hundred numbers ask for. Pure. */
#ifndef HALFOPEN_RULES_LIB_STUDENT_H
#define HALFOPEN_RULES_LIB_STUDENT_H

/* The value below which a variable of Student's t distribution stays with `probability` (0 < p <
 * 1). freedom > 0. */
double student_quantile(double probability, double freedom);

/* The same for chi-square. */
double chi_square_quantile(double probability, double freedom);

#endif
