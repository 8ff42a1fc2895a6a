#include "rules/lib/student.h"

#include <math.h>

#define STEPS     200
#define HALVINGS  100
#define SMALL     1e-300
#define PRECISION 1e-15

/* --- Regularised incomplete beta function by its continued fraction (Lentz) --- */

static double guarded(double x)
{
    return fabs(x) < SMALL ? SMALL : x;
}

static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / guarded(1 - (a + b) * x / (a + 1)), result = d;
    for (int m = 1; m < STEPS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / guarded(1 + even * d);
        c = guarded(1 + even / c);
        result *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / guarded(1 + odd * d);
        c = guarded(1 + odd / c);
        result *= d * c;
        if (fabs(d * c - 1) < PRECISION)
            break;
    }
    return result;
}

static double incomplete_beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double student_share(double t, int freedom)
{
    double v = freedom, tail = incomplete_beta(v / 2, 0.5, v / (v + t * t)) / 2;
    return t > 0 ? 1 - tail : tail;
}

/* --- Regularised lower incomplete gamma function --- */

static double gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int n = 1; n < 100 * STEPS && fabs(term) > fabs(sum) * PRECISION; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * exp(a * log(x) - x - lgamma(a));
}

static double gamma_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1 / SMALL, d = 1 / b, result = d;
    for (int i = 1; i < 100 * STEPS; i++) {
        double step = -i * (i - a);
        b += 2;
        d = 1 / guarded(step * d + b);
        c = guarded(b + step / c);
        result *= d * c;
        if (fabs(d * c - 1) < PRECISION)
            break;
    }
    return 1 - result * exp(a * log(x) - x - lgamma(a));
}

static double chi_square_share(double x, int freedom)
{
    double a = freedom / 2.0, half = x / 2;
    if (half <= 0)
        return 0;
    return half < a + 1 ? gamma_series(a, half) : gamma_fraction(a, half);
}

/* --- Inversion by halving --- */

static double invert(double (*share_of)(double, int), double share, int freedom, double low,
                     double high)
{
    while (share_of(high, freedom) < share)
        high *= 2;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        if (share_of(middle, freedom) < share)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double student_quantile(double share, int freedom)
{
    if (share < 0.5)
        return -student_quantile(1 - share, freedom);
    return invert(student_share, share, freedom, 0, 1);
}

double chi_square_quantile(double share, int freedom)
{
    return invert(chi_square_share, share, freedom, 0, freedom + 10.0);
}
