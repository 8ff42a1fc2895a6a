#include <math.h>

#include "rules/lib/student.h"
#include "tests/check.h"

static const double freedoms[] = {1, 2, 3, 7, 30, 59, 300, 1023};
#define FREEDOMS (sizeof freedoms / sizeof *freedoms)

static void one_degree_of_freedom_is_a_cauchy_distribution(void)
{
    CHECK_REAL(student_quantile(0.99, 1), tan(M_PI * 0.49), 1e-10);
}

static void two_degrees_of_freedom_have_a_closed_form(void)
{
    CHECK_REAL(student_quantile(0.995, 2), 0.99 / sqrt(2 * 0.995 * 0.005), 1e-10);
}

static void student_agrees_with_printed_tables(void)
{
    CHECK_REAL(student_quantile(0.975, 5), 2.570581835636, 1e-9);
    CHECK_REAL(student_quantile(0.995, 10), 3.169272672617, 1e-9);
    CHECK_REAL(student_quantile(0.99, 30), 2.457261542247, 1e-9);
}

static void student_is_symmetric(void)
{
    for (size_t i = 0; i < FREEDOMS; i++)
        CHECK_REAL(student_quantile(0.01, freedoms[i]), -student_quantile(0.99, freedoms[i]),
                   1e-12);
}

static void the_median_of_student_is_zero(void)
{
    CHECK_REAL(student_quantile(0.5, 7), 0, 0);
}

static void student_nears_the_normal_distribution(void)
{
    CHECK_REAL(student_quantile(0.975, 1e7), 1.959964, 1e-6);
}

static void chi_square_of_two_is_an_exponential(void)
{
    CHECK_REAL(chi_square_quantile(0.99, 2), -2 * log(0.01), 1e-10);
    CHECK_REAL(chi_square_quantile(0.01, 2), -2 * log1p(-0.01), 1e-12);
}

static void chi_square_agrees_with_printed_tables(void)
{
    CHECK_REAL(chi_square_quantile(0.95, 1), 3.841458820694, 1e-9);
    CHECK_REAL(chi_square_quantile(0.99, 10), 23.209251158954, 1e-9);
    CHECK_REAL(chi_square_quantile(0.01, 10), 2.558212160187, 1e-9);
}

/* For an even number of degrees of freedom both are finite sums. */
static double student_probability(double t, int freedom)
{
    double x = freedom / (freedom + t * t), term = 1, sum = 1;
    for (int i = 1; i < freedom / 2; i++) {
        term *= x * (2 * i - 1) / (2 * i);
        sum += term;
    }
    return 0.5 + t / sqrt(freedom + t * t) * sum / 2;
}

static double chi_square_probability(double x, int freedom)
{
    double term = exp(-x / 2), sum = term;
    for (int i = 1; i < freedom / 2; i++) {
        term *= x / 2 / i;
        sum += term;
    }
    return 1 - sum;
}

static void quantiles_of_even_freedom_invert_the_finite_sums(void)
{
    for (int freedom = 2; freedom < 1024; freedom += 6) {
        double t = student_quantile(0.99, freedom), x = chi_square_quantile(0.01, freedom);
        CHECK_REAL(student_probability(t, freedom), 0.99, 1e-12);
        CHECK_REAL(chi_square_probability(x, freedom), 0.01, 1e-12);
    }
}

static void quantiles_ascend_with_the_probability(void)
{
    for (size_t i = 0; i < FREEDOMS; i++) {
        CHECK(student_quantile(0.995, freedoms[i]) > student_quantile(0.99, freedoms[i]));
        CHECK(chi_square_quantile(0.99, freedoms[i]) > chi_square_quantile(0.01, freedoms[i]));
    }
}

SUITE(student, TEST(one_degree_of_freedom_is_a_cauchy_distribution),
      TEST(two_degrees_of_freedom_have_a_closed_form), TEST(student_agrees_with_printed_tables),
      TEST(student_is_symmetric), TEST(the_median_of_student_is_zero),
      TEST(student_nears_the_normal_distribution), TEST(chi_square_of_two_is_an_exponential),
      TEST(chi_square_agrees_with_printed_tables),
      TEST(quantiles_of_even_freedom_invert_the_finite_sums),
      TEST(quantiles_ascend_with_the_probability))
