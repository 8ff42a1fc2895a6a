/* Guards what docs/calibration.md promises: few outages, always the same ones. */
#include <stdio.h>

#include "tests/calibrate/schedules.h"
#include "tests/check.h"
#include "tests/spread.h"

#define RUNS        300
#define WRONG_LIMIT 1 /* of RUNS, passes and failures apart: 0.3 % */

static const char *const questions[QUESTIONS] = {"growth", "factor", "shape", "jitter",
                                                 "cap",    "storm",  "note"};

static void check_few_wrong(const struct host *host, const struct schedule *schedule,
                            struct size size)
{
    struct trial trial;
    schedule_try(schedule, host, size, RUNS, 1, &trial);
    for (int q = 0; q < QUESTIONS; q++) {
        const struct tally *tally = &trial.gated[q];
        char what[160];
        (void)snprintf(what, sizeof what,
                       "%s of \"%s\", %zu clients, %zu retries, %s host: %zu passed, "
                       "%zu failed wrongly of %d",
                       questions[q], schedule->name, size.clients, size.retries, host->name,
                       tally->wrong_pass, tally->wrong_fail, RUNS);
        check_true(__FILE__, __LINE__, what,
                   tally->wrong_pass <= WRONG_LIMIT && tally->wrong_fail <= WRONG_LIMIT);
    }
}

/* Sizes of an outage, the largest first. */
static const struct size sizes[] = {{10, 8}, {5, 5}, {3, 6}, {1, 8}};

static void try_piece(void *context, size_t piece, struct text *out)
{
    size_t size = piece / schedules_count;
    check_few_wrong(&hosts[size % hosts_count], &schedules[piece % schedules_count], sizes[size]);
}

static void no_verdict_that_is_given_errs_often(void)
{
    spread(sizeof sizes / sizeof *sizes * schedules_count, try_piece, NULL, NULL);
}

/* Among many retries a line looks like an exponential law at its cap; of nine with a cap of 120 s
 * none may be above the limit yet. */
static void no_cap_passes_that_was_not_reached(void)
{
    check_few_wrong(&hosts[0], schedule_by_name("linear x0.5-1.5"), (struct size){10, 14});
    check_few_wrong(&hosts[0], schedule_by_name("linear"), (struct size){10, 14});
    check_few_wrong(&hosts[0], schedule_by_name("gRPC 1.6 +-20 %"), (struct size){10, 9});
}

/* A gate that never lets anything through would err least of all. */
static void what_the_full_outage_is_for_is_decided(void)
{
    static const struct {
        const char *schedule;
        enum question question;
    } wanted[] = {
        {"none", GROWTH},
        {"constant 1 s", GROWTH},
        {"constant 1 s", JITTER},
        {"constant 1 s", STORM},
        {"linear", SHAPE},
        {"exponential", GROWTH},
        {"exponential", SHAPE},
        {"exponential", JITTER},
        {"exponential", CAP},
        {"exponential", STORM},
        {"required x0.5-1.5", GROWTH},
        {"required x0.5-1.5", JITTER},
        {"required x0.5-1.5", CAP},
        {"required x0.5-1.5", STORM},
        {"full jitter", GROWTH},
        {"equal jitter", SHAPE},
        {"gRPC 1.6 +-20 %", GROWTH},
        {"gRPC 1.6 +-20 %", JITTER},
        {"python-websockets 10", GROWTH},
        {"python-websockets 10", FACTOR},
        {"python-websockets 10", SHAPE},
        {"at once, random, then x1.3", FACTOR},
        {"30 to 300 ms", GROWTH},
        {"from 10 ms", GROWTH},
        {"required, one seed", JITTER},
        {"required, one seed", STORM},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct schedule *schedule = schedule_by_name(wanted[i].schedule);
        struct trial trial;
        schedule_try(schedule, &hosts[0], (struct size){10, 8}, RUNS, 2, &trial);
        char what[120];
        (void)snprintf(what, sizeof what, "%s of \"%s\" undecided in %zu of %d",
                       questions[wanted[i].question], schedule->name,
                       trial.gated[wanted[i].question].undecided, RUNS);
        check_true(__FILE__, __LINE__, what,
                   trial.gated[wanted[i].question].undecided <= RUNS / 20);
    }
}

/* A constant second, of which the first was late on a host that had just lost ten connections. */
static void a_late_first_retry_is_no_sign_of_equal_seeds(void)
{
    double delays[10][6];
    struct backoff_client clients[10];
    struct backoff_policy policy = {.base = 1, .factor = 2, .cap = 30, .jitter = 0.5, .eps = 0.041};
    struct backoff raw;
    struct backoff_notes notes;
    for (size_t k = 0; k < 10; k++) {
        for (size_t i = 0; i < 6; i++)
            delays[k][i] = i == 0 ? 1.2 + 0.05 * (double)k : 1.02 + 0.002 * (double)k;
        clients[k] = (struct backoff_client){.delays = delays[k], .count = 6};
    }
    backoff_estimate(clients, 10, &policy, &raw);
    backoff_notes(&raw, &notes);
    CHECK(raw.lock_step);
    CHECK(!notes.same_seed);
}

/* SignalR's 0, 2, 10 and 30 s, without any jitter, as ten of it were measured at speed 5 on a host
 * that was busy with much else: the first attempts lie apart by what the host did to those who were
 * all woken by one loss. */
static void what_a_busy_host_does_to_the_first_attempts_is_no_jitter(void)
{
    double delays[10][4] = {
        {1.151, 2.800, 10.438, 30.321}, {1.363, 2.588, 10.211, 30.547},
        {1.152, 2.798, 10.211, 30.356}, {0.569, 2.603, 10.236, 30.424},
        {1.151, 2.665, 10.349, 30.544}, {0.569, 2.680, 10.160, 30.423},
        {1.151, 2.666, 10.572, 30.319}, {0.569, 2.597, 10.243, 30.423},
        {1.151, 2.799, 10.164, 30.595}, {1.150, 2.800, 10.160, 30.406},
    };
    struct backoff_client clients[10];
    struct backoff_policy policy = {
        .base = 1, .factor = 2, .cap = 30, .jitter = 0.5, .eps = 0.0316, .stall = 0.8};
    struct backoff raw;
    struct backoff_gate gate;
    struct backoff_notes notes;
    for (size_t k = 0; k < 10; k++)
        clients[k] = (struct backoff_client){.delays = delays[k], .count = 4};
    backoff_estimate(clients, 10, &policy, &raw);
    backoff_gate(&raw, &gate);
    backoff_notes(&raw, &notes);
    CHECK_INT(gate.jitter.verdict, RAW_INCONCLUSIVE);
    CHECK_INT(gate.storm.verdict, RAW_INCONCLUSIVE);
    CHECK(!notes.first_only);
}

/* A constant second, twice, on a host that had kept the run for 1.6 s. */
static void two_late_retries_are_no_jitter_either(void)
{
    double delays[10][2] = {{1.548, 1.143}, {1.095, 1.552}, {1.549, 1.143}, {1.291, 1.355},
                            {1.096, 1.125}, {1.096, 1.061}, {1.292, 1.400}, {1.291, 1.401},
                            {1.325, 1.027}, {1.297, 1.017}};
    struct backoff_client clients[10];
    struct backoff_policy policy = {
        .base = 1, .factor = 2, .cap = 30, .jitter = 0.5, .eps = 0.0442, .stall = 1.62};
    struct backoff raw;
    struct backoff_gate gate;
    for (size_t k = 0; k < 10; k++)
        clients[k] = (struct backoff_client){.delays = delays[k], .count = 2};
    backoff_estimate(clients, 10, &policy, &raw);
    backoff_gate(&raw, &gate);
    CHECK_INT(gate.jitter.verdict, RAW_INCONCLUSIVE);
}

/* A random second on top of each delay is less than 5 % of 30 s, and is jitter. */
static void a_random_time_on_top_is_jitter(void)
{
    double delays[10][6];
    struct backoff_client clients[10];
    struct backoff_policy policy = {
        .base = 1, .factor = 2, .cap = 30, .jitter = 0.5, .eps = 0.025, .stall = 0.1};
    struct backoff raw;
    struct backoff_gate gate;
    for (size_t k = 0; k < 10; k++) {
        for (size_t i = 0; i < 6; i++)
            delays[k][i] = (i == 5 ? 30 : 1 << i) + 0.1 * (double)((k * 7 + i * i * 3) % 10);
        clients[k] = (struct backoff_client){.delays = delays[k], .count = 6};
    }
    backoff_estimate(clients, 10, &policy, &raw);
    backoff_gate(&raw, &gate);
    CHECK_INT(gate.jitter.verdict, RAW_PASS);
}

SUITE(backoff_gate, TEST(what_a_busy_host_does_to_the_first_attempts_is_no_jitter),
      TEST(two_late_retries_are_no_jitter_either), TEST(a_random_time_on_top_is_jitter),
      TEST(a_late_first_retry_is_no_sign_of_equal_seeds), TEST(no_verdict_that_is_given_errs_often),
      TEST(no_cap_passes_that_was_not_reached), TEST(what_the_full_outage_is_for_is_decided))
