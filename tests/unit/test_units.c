#include "base/units.h"

#include "tests/check.h"

#define REFUSED (-77)

static nsec duration(const char *written)
{
    nsec value = 0;
    const char *why = NULL;
    return units_duration(written, &value, &why) ? value : REFUSED;
}

static int64_t size(const char *written)
{
    uint64_t value = 0;
    const char *why = NULL;
    return units_size(written, &value, &why) ? (int64_t)value : REFUSED;
}

static double rate(const char *written)
{
    double value = 0;
    const char *why = NULL;
    return units_rate(written, &value, &why) ? value : REFUSED;
}

static double ratio(const char *written)
{
    double value = 0;
    const char *why = NULL;
    return units_ratio(written, &value, &why) ? value : REFUSED;
}

static void durations_are_read_in_every_unit(void)
{
    CHECK_INT(duration("40s"), 40 * NSEC_PER_SEC);
    CHECK_INT(duration("1.5s"), 1500 * NSEC_PER_MSEC);
    CHECK_INT(duration("200ms"), 200 * NSEC_PER_MSEC);
    CHECK_INT(duration("7us"), 7000);
    CHECK_INT(duration("9ns"), 9);
    CHECK_INT(duration("2m"), 120 * NSEC_PER_SEC);
    CHECK_INT(duration("1h"), 3600 * NSEC_PER_SEC);
    CHECK_INT(duration("1d"), 86400 * NSEC_PER_SEC);
    CHECK_INT(duration("0"), 0);
    CHECK_INT(duration("0.4ns"), 0);
    CHECK_INT(duration("0.6ns"), 1);
}

static void what_is_no_duration_is_refused(void)
{
    static const char *const wrong[] = {"",    "400",   "s",      "-1s",  "+1s",   "1 s",  "1sec",
                                        "1S",  "1.s",   ".5s",    "1e3s", "0x10s", "1,5s", "1s ",
                                        " 1s", "1..5s", "1.5.5s", "nan",  "infs",  "1ss",  "10%"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (duration(wrong[i]) != REFUSED)
            CHECK_STR("taken for a duration", wrong[i]);
    CHECK_INT(duration("1"), REFUSED);
}

static void a_century_is_the_longest(void)
{
    const char *why = NULL;
    nsec value = 5;
    CHECK(duration("36500d") > 0);
    CHECK(!units_duration("37500d", &value, &why));
    CHECK_STR(why, "longer than 100 years");
    CHECK(!units_duration("99999999999999999999999999d", &value, &why));
    CHECK_INT(value, 5);
}

static void sizes_are_binary_or_decimal_as_written(void)
{
    CHECK_INT(size("64KiB"), 65536);
    CHECK_INT(size("64kB"), 64000);
    CHECK_INT(size("1.5MiB"), 1572864);
    CHECK_INT(size("2GB"), 2000000000);
    CHECK_INT(size("7B"), 7);
    CHECK_INT(size("0"), 0);
    CHECK_INT(size("64"), REFUSED);
    CHECK_INT(size("64KB"), REFUSED);
    CHECK_INT(size("99999999999GiB"), REFUSED);
}

static void rates_are_sizes_per_second(void)
{
    CHECK_REAL(rate("1MiB/s"), 1048576, 0);
    CHECK_REAL(rate("0.5kB/s"), 500, 0);
    CHECK_REAL(rate("1MiB"), REFUSED, 0);
    CHECK_REAL(rate("1/s"), REFUSED, 0);
    CHECK_REAL(rate("1MiB/m"), REFUSED, 0);
}

static void ratios_are_shares_or_percentages(void)
{
    CHECK_REAL(ratio("30%"), 0.3, 1e-12);
    CHECK_REAL(ratio("0.3"), 0.3, 1e-12);
    CHECK_REAL(ratio("100%"), 1, 0);
    CHECK_REAL(ratio("30 %"), REFUSED, 0);
    CHECK_REAL(ratio("%"), REFUSED, 0);
    CHECK_REAL(ratio("-1%"), REFUSED, 0);
}

static void counts_are_whole_and_fit(void)
{
    uint64_t value = 0;
    const char *why = NULL;
    CHECK(units_count("18446744073709551615", &value, &why));
    CHECK(value == UINT64_MAX);
    CHECK(!units_count("18446744073709551616", &value, &why));
    CHECK(!units_count("-1", &value, &why));
    CHECK(!units_count(" 1", &value, &why));
    CHECK(!units_count("1.0", &value, &why));
    CHECK(!units_count("", &value, &why));
    CHECK_STR(why, "a whole number, as in 8");
}

static void check_duration(nsec value, const char *want)
{
    struct text text;
    text_init(&text);
    units_add_duration(&text, value);
    CHECK_STR(text_chars(&text), want);
    text_fini(&text);
}

static void durations_are_told_with_three_digits(void)
{
    check_duration(34200 * NSEC_PER_MSEC, "34.2 s");
    check_duration(200 * NSEC_PER_MSEC, "200 ms");
    check_duration(0, "0 s");
    check_duration(-1500 * NSEC_PER_MSEC, "-1.50 s");
    check_duration(599 * NSEC_PER_SEC, "599 s");
    check_duration(600 * NSEC_PER_SEC, "10 min");
    check_duration(7200 * NSEC_PER_SEC, "2.00 h");
    check_duration(7 * NSEC_PER_USEC, "7.00 us");
    check_duration(3, "3.00 ns");
    check_duration(NEVER, "for ever");
}

static void check_size(uint64_t bytes, const char *want)
{
    struct text text;
    text_init(&text);
    units_add_size(&text, bytes);
    CHECK_STR(text_chars(&text), want);
    text_fini(&text);
}

static void sizes_are_told_in_powers_of_1024(void)
{
    check_size(0, "0 B");
    check_size(1023, "1023 B");
    check_size(1024, "1.00 KiB");
    check_size(65536, "64 KiB");
    check_size(1536, "1.50 KiB");
    check_size(UINT64_MAX, "16 EiB");
}

static void what_is_written_for_yaml_reads_back_exactly(void)
{
    static const nsec values[] = {0,
                                  1,
                                  999,
                                  1000,
                                  1500 * NSEC_PER_USEC,
                                  400 * NSEC_PER_MSEC,
                                  NSEC_PER_SEC,
                                  1500 * NSEC_PER_MSEC,
                                  34200 * NSEC_PER_MSEC,
                                  NSEC_PER_SEC + 1,
                                  599 * NSEC_PER_SEC,
                                  600 * NSEC_PER_SEC,
                                  5400 * NSEC_PER_SEC,
                                  86400 * NSEC_PER_SEC,
                                  INT64_C(9007199254740991)};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct text text;
        text_init(&text);
        units_add_duration_yaml(&text, values[i]);
        CHECK_INT(duration(text_chars(&text)), values[i]);
        text_fini(&text);
    }
}

static void yaml_durations_are_as_people_write_them(void)
{
    struct text text;
    text_init(&text);
    units_add_duration_yaml(&text, 34200 * NSEC_PER_MSEC);
    text_add(&text, " ");
    units_add_duration_yaml(&text, 90 * NSEC_PER_SEC);
    text_add(&text, " ");
    units_add_duration_yaml(&text, 3600 * NSEC_PER_SEC);
    text_add(&text, " ");
    units_add_duration_yaml(&text, 400 * NSEC_PER_MSEC);
    CHECK_STR(text_chars(&text), "34.2s 90s 1h 400ms");
    text_fini(&text);
}

SUITE(units, TEST(durations_are_read_in_every_unit), TEST(what_is_no_duration_is_refused),
      TEST(a_century_is_the_longest), TEST(sizes_are_binary_or_decimal_as_written),
      TEST(rates_are_sizes_per_second), TEST(ratios_are_shares_or_percentages),
      TEST(counts_are_whole_and_fit), TEST(durations_are_told_with_three_digits),
      TEST(sizes_are_told_in_powers_of_1024), TEST(what_is_written_for_yaml_reads_back_exactly),
      TEST(yaml_durations_are_as_people_write_them))
