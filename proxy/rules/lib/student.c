#include "rules/lib/student.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

#define TERMS_LIMIT 2000
#define STEPS_LIMIT 200
#define PRECISION   1e-15
#define TINY        1e-300
#define NEAR        1e-12
#define SMALL       1e-3 /* a guess must be above 0 */

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

static double off_zero(double x)
{
    return fabs(x) < TINY ? TINY : x;
}

/* A continued fraction evaluated from the front (Lentz's method): value is what it comes to so
 * far. */
struct fraction {
    double value, above, below;
};

/* Goes on by the partial quotient numerator / (denominator + ...); true when that changed
 * nothing. */
static bool extend(struct fraction *f, double numerator, double denominator)
{
    f->below = 1 / off_zero(denominator + numerator * f->below);
    f->above = off_zero(denominator + numerator / f->above);
    double change = f->above * f->below;
    f->value *= change;
    return fabs(change - 1) < PRECISION;
}

/* The continued fraction of the incomplete beta function; converges quickly for x < (a+1) /
 * (a+b+2). */
static double beta_fraction(double a, double b, double x)
{
    struct fraction f = {.value = 1, .above = 1, .below = 0};
    for (int m = 0; m < TERMS_LIMIT; m++) {
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double even = (m + 1) * (b - m - 1) * x / ((a + 2 * m + 1) * (a + 2 * m + 2));
        (void)extend(&f, odd, 1);
        if (extend(&f, even, 1))
            break;
    }
    return 1 / f.value;
}

/* The regularised incomplete beta function I_x(a, b). */
static double incomplete_beta(double a, double b, double x)
{
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double log_beta = log_gamma(a) + log_gamma(b) - log_gamma(a + b);
    double front = exp(a * log(x) + b * log1p(-x) - log_beta);
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int i = 1; i < TERMS_LIMIT && term > sum * PRECISION; i++) {
        term *= x / (a + i);
        sum += term;
    }
    return sum;
}

static double gamma_fraction(double a, double x)
{
    struct fraction f = {.value = off_zero(x + 1 - a), .above = off_zero(x + 1 - a), .below = 0};
    for (int i = 1; i < TERMS_LIMIT; i++)
        if (extend(&f, -i * (i - a), x + 2 * i + 1 - a))
            break;
    return 1 / f.value;
}

/* The regularised lower incomplete gamma function P(a, x). */
static double incomplete_gamma(double a, double x)
{
    if (x <= 0)
        return 0;
    double front = exp(a * log(x) - x - log_gamma(a));
    return x < a + 1 ? front * gamma_series(a, x) : 1 - front * gamma_fraction(a, x);
}

/* --- Inversion: Newton's method, kept between limits that are known to enclose the root --- */

struct curve {
    double (*at)(double x, double freedom);    /* ascending */
    double (*slope)(double x, double freedom); /* its derivative */
    double freedom;
};

/* guess: above 0, the nearer to the root the better. */
static double where_it_reaches(const struct curve *curve, double goal, double guess)
{
    double low = 0, high = HUGE_VAL, x = guess;
    for (int i = 0; i < STEPS_LIMIT; i++) {
        double excess = curve->at(x, curve->freedom) - goal;
        if (excess > 0)
            high = x;
        else
            low = x;
        double next = x - excess / curve->slope(x, curve->freedom);
        if (!(next > low && next < high))
            next = isinf(high) ? 2 * x : (low + high) / 2;
        double moved = fabs(next - x);
        x = next;
        if (moved <= NEAR * x)
            break; /* each step doubles the digits that are right */
    }
    return x;
}

/* What a normal variable exceeds with that probability, up to a half, to a thousandth or so
 * (Hastings' rational approximation): good for a guess. */
static double normal_above(double probability)
{
    double t = sqrt(-2 * log(probability));
    return t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                   (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}

static double normal_guess(double probability)
{
    return probability < 0.5 ? -normal_above(probability) : normal_above(1 - probability);
}

/* Minus the probability above t, which keeps its precision far out where one minus it would not. */
static double student_at(double t, double freedom)
{
    return -incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2;
}

static double student_slope(double t, double freedom)
{
    double log_front =
        log_gamma((freedom + 1) / 2) - log_gamma(freedom / 2) - log(freedom * M_PI) / 2;
    return exp(log_front - (freedom + 1) / 2 * log1p(t * t / freedom));
}

double student_quantile(double probability, double freedom)
{
    assert(probability > 0 && probability < 1 && freedom > 0);
    if (probability == 0.5)
        return 0;
    if (probability < 0.5)
        return -student_quantile(1 - probability, freedom);
    struct curve curve = {student_at, student_slope, freedom};
    double z = normal_guess(probability);
    double guess = z + z * (z * z + 1) / (4 * freedom); /* Cornish and Fisher's first terms */
    return where_it_reaches(&curve, probability - 1, fmax(guess, SMALL));
}

static double chi_square_at(double x, double freedom)
{
    return incomplete_gamma(freedom / 2, x / 2);
}

static double chi_square_slope(double x, double freedom)
{
    double a = freedom / 2;
    return exp((a - 1) * log(x / 2) - x / 2 - log_gamma(a)) / 2;
}

double chi_square_quantile(double probability, double freedom)
{
    assert(probability > 0 && probability < 1 && freedom > 0);
    struct curve curve = {chi_square_at, chi_square_slope, freedom};
    double part = 2 / (9 * freedom);
    double root = 1 - part + normal_guess(probability) * sqrt(part); /* Wilson and Hilferty */
    double guess = freedom * root * root * root;
    return where_it_reaches(&curve, probability, fmax(guess, SMALL * freedom));
}
