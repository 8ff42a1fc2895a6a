/* What comes before a schedule can be seen: an attempt at once, a random first delay, delays that
 * begin far below the base, and noise. */
#include "tests/check.h"
#include "tests/unit/outage_story.h"

extern const struct rule_desc reconnect_backoff_rule, reconnect_storm_rule;

static void expect_of(const char *schedule, struct size size, enum verdict want, const char *part)
{
    struct outage_story o;
    outage_of(&o, schedule, size, 7);
    outage_expect(&o, &reconnect_backoff_rule, want, part);
}

/* --- A random first delay --- */

/* python3-websockets 10.4 ("async for ... in connect(url)": at once, random.random() * 5, then
 * int(1.92 * 1.618^k) seconds) in scenario refused-reconnects at speed 10 on two busy cores. */
static const double python_websockets[10][9] = {
    {0.1770, 5.0944, 3.0101, 5.0136, 8.0218, 13.0237, 21.0130, 34.0292, 55.0399},
    {0.0513, 3.6751, 3.0105, 5.0184, 8.0146, 13.0263, 21.0281, 34.0401, 55.0622},
    {0.0516, 0.5842, 3.0123, 5.0146, 8.0198, 13.0196, 21.0347, 34.0801, 55.0583},
    {0.1572, 4.5654, 3.0230, 5.0124, 8.0152, 13.0241, 21.0408, 34.0206, 55.0418},
    {0.2064, 3.7103, 3.0157, 5.0282, 8.0123, 13.0234, 21.0508, 34.0184, 55.0549},
    {0.0531, 1.4619, 3.0132, 5.0413, 8.0181, 13.0190, 21.0313, 34.0970, 55.0485},
    {0.0522, 4.0068, 3.0125, 5.0116, 8.0168, 13.0220, 21.0177, 34.0436, 55.0385},
    {0.0527, 0.4463, 3.0248, 5.0132, 8.0182, 13.0267, 21.0351, 34.0476, 55.0378},
    {0.1580, 4.4445, 3.0135, 5.0152, 8.0180, 13.0134, 21.0330, 34.0478, 55.0629},
    {0.1582, 4.0466, 3.0098, 5.0107, 8.0203, 13.0165, 21.0277, 34.0378, 55.0511},
};

static void expect_python(size_t clients, size_t from, size_t count, enum verdict want,
                          const char *part)
{
    struct outage_story o;
    outage_begin(&o);
    story_noise(&o.story, 0.0344);
    for (size_t client = 0; client < clients; client++)
        outage_cut(&o, (int)client, OUTAGE_AT);
    for (size_t client = 0; client < clients; client++)
        (void)outage_retry(&o, (int)client, OUTAGE_AT, python_websockets[client] + from, count);
    outage_expect(&o, &reconnect_backoff_rule, want, part);
}

static void a_random_first_delay_does_not_hide_the_schedule(void)
{
    expect_python(10, 0, 9, PASS, "from retry 3 on grow by a factor of 1.62 a retry, from 3.0");
    expect_python(3, 0, 9, PASS, "from retry 3 on grow by a factor of 1.62");
    expect_python(3, 0, 7, PASS, "from retry 3 on grow by a factor of 1.6");
    expect_python(10, 1, 8, PASS, "from 3.0");
    expect_python(10, 1, 7, PASS, "from 3.0");
}

/* One client alone does not show which of its delays are random. */
static void a_single_client_passes_by_six_delays_that_multiply(void)
{
    expect_python(1, 0, 9, PASS, "grow by a factor of 1.");
    expect_python(1, 0, 8, INCONCLUSIVE, "at least 1.5 is asked, which may be so");
    expect_python(1, 0, 7, INCONCLUSIVE, "growth cannot be told from chance with 1 client");
}

/* The first delay is random and the next are the same, so what grows is the step between them. */
static void a_random_first_delay_is_no_growth(void)
{
    static const struct size full = {10, 9}, short_ones = {10, 7};
    expect_of("at once, random, then 3 s", full, WARN, "the delays grow only at first: ");
    expect_of("at once, random, then 3 s", short_ones, WARN, "and 3.00 s before retry 7");
    expect_of("random, then x0-2, one seed", full, INCONCLUSIVE, "");
}

static void a_random_first_delay_does_not_bend_the_factor(void)
{
    static const struct size full = {10, 9}, few = {3, 9}, one = {1, 9};
    expect_of("at once, random, then x1.3", full, WARN, "from retry 3 on grow by a factor of 1.30");
    expect_of("at once, random, then x1.3", few, WARN, "from retry 3 on grow by a factor of 1.30");
    expect_of("at once, random, then x1.3", one, INCONCLUSIVE, "at least 1.5 is asked");
}

/* What all clients do alike after random delays may be no more than the step into a cap of 5 s. */
static void the_end_of_growth_is_not_taken_for_all_of_it(void)
{
    static const double delays[3][9] = {{0.62, 1.9, 4, 5, 5, 5, 5, 5, 5},
                                        {1.31, 2.6, 4, 5, 5, 5, 5, 5, 5},
                                        {1.04, 1.2, 4, 5, 5, 5, 5, 5, 5}};
    struct outage_story o;
    outage_begin(&o);
    for (int client = 0; client < 3; client++)
        outage_cut(&o, client, OUTAGE_AT);
    for (int client = 0; client < 3; client++)
        (void)outage_retry(&o, client, OUTAGE_AT, delays[client], 9);
    outage_expect(&o, &reconnect_backoff_rule, PASS, "");
    expect_of("socket.io", (struct size){10, 12}, PASS, "the delays grow by a factor of");
}

/* --- Delays that begin small --- */

static void double_from_10_ms(size_t retries, enum verdict want, const char *part)
{
    static const double delays[] = {0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28};
    struct outage_story o;
    outage_begin(&o);
    for (int client = 0; client < 3; client++)
        outage_cut(&o, client, OUTAGE_AT);
    for (int client = 0; client < 3; client++)
        (void)outage_retry(&o, client, OUTAGE_AT, delays, retries);
    outage_expect(&o, &reconnect_backoff_rule, want, part);
}

/* How often it retries is for reconnect.hammering to judge. */
static void doubling_from_10_ms_is_no_hammer(void)
{
    double_from_10_ms(4, INCONCLUSIVE, "10 clients with 8 retries each would decide it");
    double_from_10_ms(6, INCONCLUSIVE, "10 clients with 8 retries each would decide it");
    double_from_10_ms(7, INCONCLUSIVE, "with 3 clients, 7 retries each");
    double_from_10_ms(8, PASS, "from 10 ms to 1.28 s");
}

static void doubling_with_jitter_from_10_ms_is_no_hammer(void)
{
    for (uint64_t seed = 1; seed <= 100; seed++)
        for (size_t count = 4; count <= 8; count++) {
            struct outage_story o;
            outage_of(&o, "from 10 ms, x0.5-1.5", (struct size){seed % 2 ? 1 : 3, count}, seed);
            enum verdict got = outage_judge(&o, &reconnect_backoff_rule);
            check_true(__FILE__, __LINE__, story_text(&o.story), got != FAIL);
            story_end(&o.story);
        }
}

/* As many retries as fit in that time, at random: ten clients on two cores. */
static void retries_as_fast_as_the_host_allows_are_rushed(void)
{
    expect_of("30 to 300 ms", (struct size){3, 9}, FAIL, "9 retries came within 1.");
    expect_of("30 to 300 ms", (struct size){10, 9}, FAIL, "");
    expect_of("30 to 300 ms", (struct size){1, 7}, INCONCLUSIVE, "");
    expect_of("none", (struct size){3, 5}, FAIL, "practically without delay");
    expect_of("none", (struct size){3, 4}, INCONCLUSIVE, "");
}

/* --- Noise --- */

static void expect_with_noise(double speed, double noise, enum verdict want, const char *part)
{
    struct drawn drawn;
    struct rng rng;
    struct outage_story o;
    rng_init(&rng, 3, "exponential", 0);
    schedule_draw(schedule_by_name("exponential"), &hosts[0], (struct size){10, 8}, &rng, &drawn);
    outage_begin(&o);
    story_speed(&o.story, speed);
    story_noise(&o.story, noise);
    for (int client = 0; client < 10; client++)
        outage_cut(&o, client, OUTAGE_AT);
    for (int client = 0; client < 10; client++)
        (void)outage_retry(&o, client, OUTAGE_AT, drawn.delays[client], 8);
    outage_expect(&o, &reconnect_storm_rule, want, part);
}

static void noise_that_stands_in_the_way_is_named(void)
{
    expect_with_noise(1, 0.1, FAIL, "in 7 of 7 waves");
    expect_with_noise(1, 0.2, INCONCLUSIVE,
                      "; the timing noise of 200 ms stands in the way, 160 ms would not: take a "
                      "quieter host");
    expect_with_noise(10, 0.2, INCONCLUSIVE, ": take a quieter host or a lower --speed");
}

SUITE(reconnect_beginnings, TEST(a_random_first_delay_does_not_hide_the_schedule),
      TEST(a_single_client_passes_by_six_delays_that_multiply),
      TEST(a_random_first_delay_is_no_growth), TEST(a_random_first_delay_does_not_bend_the_factor),
      TEST(the_end_of_growth_is_not_taken_for_all_of_it), TEST(doubling_from_10_ms_is_no_hammer),
      TEST(doubling_with_jitter_from_10_ms_is_no_hammer),
      TEST(retries_as_fast_as_the_host_allows_are_rushed),
      TEST(noise_that_stands_in_the_way_is_named))
