#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fault/lib/weather.h"
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/session_bench.h"

#define DRAWS 20000

static void everything_waits_the_delay(void)
{
    struct bench *b = bench_new("latency: {delay: 2s}");
    bench_until(b, NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    bench_head(b, TO_CLIENT, "HTTP/1.1 200 OK\r\n\r\n");
    bench_frame(b, TO_CLIENT, OPCODE_PING, "");
    bench_end(b, TO_SERVER, CUT_FIN);
    CHECK_STR(bench_did(b), "hold until 3s; hold until 3s; hold until 3s; hold until 3s");
    bench_free(b);
}

static void no_delay_is_no_hold(void)
{
    struct bench *b = bench_new("latency: {delay: 0s}");
    bench_bytes(b, TO_SERVER, "a");
    bench_end(b, TO_SERVER, CUT_FIN);
    CHECK_STR(bench_did(b), "pass; pass");
    bench_free(b);
}

/* However the kernel cut it. */
static void what_comes_at_once_is_delayed_alike(void)
{
    char first[64];
    struct bench *b = bench_new("latency: {delay: 5s, jitter: 4s}");
    bench_bytes(b, TO_SERVER, "a");
    snprintf(first, sizeof first, "%s", bench_did(b));
    bench_bytes(b, TO_SERVER, "b");
    CHECK_STR(bench_did(b), first);
    bench_until(b, NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "c");
    CHECK(strcmp(bench_did(b), first) != 0);
    bench_free(b);
}

/* Each period of 10 s: nothing at its beginning, half in its middle, all at its end. */
static void a_saw_rises_and_falls_back(void)
{
    struct bench *b = bench_new("latency: {delay: 4s, shape: saw, period: 10s}");
    bench_bytes(b, TO_SERVER, "a");
    bench_until(b, 5 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    bench_until(b, 10 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "pass; hold until 7s; pass");
    bench_free(b);
}

static void a_ramp_rises_and_stays(void)
{
    struct bench *b = bench_new("latency: {delay: 4s, from: 2s, shape: ramp, period: 10s}");
    bench_bytes(b, TO_SERVER, "a");
    bench_until(b, 5 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    bench_until(b, 30 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "hold until 2s; hold until 8s; hold until 34s");
    bench_free(b);
}

static void a_sine_goes_up_and_down(void)
{
    struct bench *b = bench_new("latency: {delay: 4s, shape: sine, period: 8s}");
    bench_until(b, 2 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    bench_until(b, 4 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    bench_until(b, 8 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "hold until 4s; hold until 8s; pass");
    bench_free(b);
}

/* Mean and standard deviation of many draws, in units of the jitter. */
static void moments(enum distribution distribution, double correlation, double *mean, double *sd,
                    double *neighbours)
{
    struct weather weather = {0};
    struct rng rng;
    double sum = 0, squares = 0, products = 0, last = 0;
    rng_init(&rng, 1, "moments", distribution);
    for (int i = 0; i < DRAWS; i++) {
        double x = weather_draw(&weather, &rng, distribution, correlation);
        sum += x;
        squares += x * x;
        products += i > 0 ? x * last : 0;
        last = x;
    }
    *mean = sum / DRAWS;
    *sd = sqrt(squares / DRAWS - *mean * *mean);
    *neighbours = (products / (DRAWS - 1) - *mean * *mean) / (*sd * *sd);
}

static void each_distribution_is_what_it_says(void)
{
    double mean, sd, neighbours;
    moments(DISTRIBUTION_UNIFORM, 0, &mean, &sd, &neighbours);
    CHECK_REAL(mean, 0, 0.02);
    CHECK_REAL(sd, 1 / sqrt(3), 0.02);
    CHECK_REAL(neighbours, 0, 0.03);
    moments(DISTRIBUTION_NORMAL, 0, &mean, &sd, &neighbours);
    CHECK_REAL(mean, 0, 0.03);
    CHECK_REAL(sd, 1, 0.03);
    moments(DISTRIBUTION_PARETO, 0, &mean, &sd, &neighbours);
    CHECK_REAL(mean, 1, 0.06); /* variance is 3, its own estimate is not of use */
}

static void correlation_leaves_the_distribution_as_it_is(void)
{
    double mean, sd, neighbours;
    moments(DISTRIBUTION_UNIFORM, 0.8, &mean, &sd, &neighbours);
    CHECK_REAL(mean, 0, 0.06);
    CHECK_REAL(sd, 1 / sqrt(3), 0.03);
    CHECK_REAL(neighbours, 0.786, 0.03); /* 6/pi asin(0.8/2) */
}

static void no_draw_leaves_its_bounds(void)
{
    struct weather weather = {0};
    struct rng rng;
    double least = 0, most = 0, longest = 0, shortest = 1;
    rng_init(&rng, 2, "bounds", 0);
    for (int i = 0; i < DRAWS; i++) {
        double uniform = weather_draw(&weather, &rng, DISTRIBUTION_UNIFORM, 0);
        double pareto = weather_draw(&weather, &rng, DISTRIBUTION_PARETO, 0);
        least = fmin(least, uniform);
        most = fmax(most, uniform);
        shortest = fmin(shortest, pareto);
        longest = fmax(longest, pareto);
    }
    CHECK(least >= -1 && most <= 1);
    CHECK(least < -0.99 && most > 0.99);
    CHECK(shortest >= 0 && longest <= PARETO_LONGEST);
    CHECK(longest > 10);
}

static void order_is_kept_when_the_delay_shrinks(void)
{
    struct session_bench *b =
        session_bench_new("- latency: {delay: 9s, shape: saw, period: 10s}\n  - wait: 60s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    session_bench_until(b, 9 * NSEC_PER_SEC);
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "a"); /* due at 17.1 s */
    session_bench_until(b, 10 * NSEC_PER_SEC);
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "b"); /* due at once */
    session_bench_end(b, 0, SIDE_CLIENT, CUT_FIN);
    CHECK_STR(session_bench_saw(b), "");
    session_bench_until(b, 18 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "17.1s server0 '\\x81\\x01a\\x81\\x01b'; 17.1s server0 fin");
    session_bench_free(b);
}

static void two_of_them_add_up(void)
{
    struct session_bench *b = session_bench_new(
        "- latency: {delay: 1s}\n    as: here\n  - latency: {delay: 2s}\n    as: there\n  - wait: 60s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "a");
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x01"
                       "b");
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "3s server0 '\\x81\\x01a'; 3s client0 '\\x81\\x01b'");
    session_bench_free(b);
}

static void its_end_releases_in_order_and_at_once(void)
{
    struct session_bench *b = session_bench_new(
        "- latency: {delay: 30s}\n    as: far\n  - wait: 2s\n  - clear: far\n  - wait: 60s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "a");
    session_bench_until(b, NSEC_PER_SEC);
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "b");
    session_bench_until(b, 5 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "2s server0 '\\x81\\x01a\\x81\\x01b'");
    session_bench_free(b);
}

SUITE(latency, TEST(everything_waits_the_delay), TEST(no_delay_is_no_hold),
      TEST(what_comes_at_once_is_delayed_alike), TEST(a_saw_rises_and_falls_back),
      TEST(a_ramp_rises_and_stays), TEST(a_sine_goes_up_and_down),
      TEST(each_distribution_is_what_it_says), TEST(correlation_leaves_the_distribution_as_it_is),
      TEST(no_draw_leaves_its_bounds), TEST(order_is_kept_when_the_delay_shrinks),
      TEST(two_of_them_add_up), TEST(its_end_releases_in_order_and_at_once))
