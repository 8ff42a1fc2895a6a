#include "base/param.h"

#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

struct config {
    nsec delay;
    uint64_t size, count;
    double rate, share, factor;
    bool on;
    int how;
    char *word;
    struct pattern *match;
};

static const char *const hows[] = {"fin", "rst", NULL};

static const struct param table[] = {
    P_DURATION(config, delay, .def = "200ms", .min = "1s", .max = "1h", .doc = ""),
    P_SIZE(config, size, .def = "64KiB", .max = "1MiB", .doc = ""),
    P_RATE(config, rate, .def = "", .min = "1B/s", .doc = ""),
    P_COUNT(config, count, .def = "8", .min = "2", .doc = ""),
    P_RATIO(config, share, .def = "30%", .doc = ""),
    P_RATIO(config, factor, .def = "2", .min = "1.1", .max = "10", .doc = ""),
    P_BOOL(config, on, .def = "true", .doc = ""),
    P_CHOICE(config, how, .def = "rst", .choices = hows, .doc = ""),
    P_TEXT(config, word, .def = "hello", .doc = ""),
    P_PATTERN(config, match, .def = "", .doc = ""),
    P_END,
};

static void check_refused(const char *name, const char *written, const char *want)
{
    struct config config = {.delay = 7, .how = 1};
    struct text why;
    text_init(&why);
    CHECK(!param_set(param_find(table, name), &config, written, &why));
    CHECK_STR(text_chars(&why), want);
    CHECK_INT(config.delay, 7);
    CHECK_INT(config.how, 1);
    text_fini(&why);
}

static bool takes(const char *name, const char *written)
{
    struct config config = {0};
    struct text why;
    text_init(&why);
    bool good = param_set(param_find(table, name), &config, written, &why);
    text_fini(&why);
    param_free(table, &config);
    return good;
}

static void defaults_land_in_their_fields(void)
{
    struct config config = {0};
    param_defaults(table + 1, &config); /* the first one's default is out of its bounds */
    CHECK_INT(config.size, 65536);
    CHECK_REAL(config.rate, 0, 0);
    CHECK_INT(config.count, 8);
    CHECK_REAL(config.share, 0.3, 1e-12);
    CHECK_REAL(config.factor, 2, 0);
    CHECK(config.on);
    CHECK_INT(config.how, 1);
    CHECK_STR(config.word, "hello");
    CHECK(config.match == NULL);
    param_free(table, &config);
    CHECK(config.word == NULL);
}

static void bounds_are_inclusive(void)
{
    CHECK(takes("delay", "1s"));
    CHECK(takes("delay", "1h"));
    CHECK(!takes("delay", "999.999ms"));
    CHECK(!takes("delay", "3600.001s"));
    CHECK(takes("count", "2"));
    CHECK(!takes("count", "1"));
    CHECK(takes("size", "1MiB"));
    CHECK(!takes("size", "1048577B"));
}

static void a_ratio_is_a_share_unless_bounded_otherwise(void)
{
    CHECK(takes("share", "100%"));
    CHECK(!takes("share", "100.1%"));
    CHECK(takes("factor", "10"));
    CHECK(!takes("factor", "1"));
}

static void what_is_wrong_is_said_as_one_would_write_it(void)
{
    check_refused("delay", "400", "a duration needs a unit, as in 400ms");
    check_refused("delay", "200ms", "at least 1s, at most 1h");
    check_refused("size", "2MiB", "at most 1MiB");
    check_refused("count", "1", "at least 2");
    check_refused("share", "2", "at most 100%");
    check_refused("on", "yes", "true or false");
    check_refused("how", "syn", "one of fin, rst");
}

static void a_pattern_that_is_none_is_refused_and_the_old_one_kept(void)
{
    struct config config = {0};
    struct text why;
    text_init(&why);
    const struct param *match = param_find(table, "match");
    CHECK(param_set(match, &config, "a+", &why));
    CHECK(!param_set(match, &config, "(", &why));
    CHECK_STR(pattern_written(config.match), "a+");
    CHECK(why.len > 0);
    CHECK(param_has_pattern(table, &config));
    text_fini(&why);
    param_free(table, &config);
    CHECK(!param_has_pattern(table, &config));
}

static void values_are_written_as_they_may_be_typed(void)
{
    struct config config = {.delay = 1500 * NSEC_PER_MSEC};
    struct text out;
    struct json json;
    text_init(&out);
    param_defaults(table + 1, &config);
    json_init(&json, &out, 0);
    json_object_open(&json, NULL);
    param_write_json(table, &config, &json);
    json_object_close(&json);
    CHECK_STR(text_chars(&out),
              "{\"delay\":\"1.5s\",\"size\":\"65536B\",\"rate\":\"0B/s\",\"count\":\"8\","
              "\"share\":\"0.3\",\"factor\":\"2\",\"on\":\"true\",\"how\":\"rst\","
              "\"word\":\"hello\",\"match\":\"\"}");
    text_fini(&out);
    param_free(table, &config);
}

static void names_are_found_whole(void)
{
    CHECK(param_find(table, "delay") == &table[0]);
    CHECK(param_find(table, "dela") == NULL);
    CHECK(param_find(NULL, "delay") == NULL);
}

SUITE(param, TEST(defaults_land_in_their_fields), TEST(bounds_are_inclusive),
      TEST(a_ratio_is_a_share_unless_bounded_otherwise),
      TEST(what_is_wrong_is_said_as_one_would_write_it),
      TEST(a_pattern_that_is_none_is_refused_and_the_old_one_kept),
      TEST(values_are_written_as_they_may_be_typed), TEST(names_are_found_whole))
