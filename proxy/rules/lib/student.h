/* Quantiles of the distributions that confidence limits need. Accurate to about 1e-10. */
#ifndef HALFOPEN_RULES_LIB_STUDENT_H
#define HALFOPEN_RULES_LIB_STUDENT_H

/* The t with P(T <= t) = share for Student's distribution; share in (0, 1), freedom >= 1. */
double student_quantile(double share, int freedom);
/* The same for the chi-square distribution. */
double chi_square_quantile(double share, int freedom);

#endif
