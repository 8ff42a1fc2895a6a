/* Application heartbeats by their words, or by the target's patterns. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/internal.h"
#include "tests/check.h"

static void check_kind(const struct run *run, const char *payload, const char *want)
{
    CHECK_STR(recognise_kind(run, (const uint8_t *)payload, strlen(payload)), want);
}

static struct run *run_with(struct plan *plan, const char *ping, const char *pong)
{
    struct run_options options = {.observe = true};
    plan->ping_pattern = ping ? xstrdup(ping) : NULL;
    plan->pong_pattern = pong ? xstrdup(pong) : NULL;
    return run_new(plan, NULL, &options);
}

static void what_everybody_says_is_known(void)
{
    struct plan *plan = plan_new();
    struct run *run = run_with(plan, NULL, NULL);
    check_kind(run, "ping", "ping");
    check_kind(run, "pong", "pong");
    check_kind(run, "2", "ping");
    check_kind(run, "3", "pong");
    check_kind(run, "{\"type\":\"ping\",\"t\":1}", "ping");
    check_kind(run, "{\"op\":11}", "pong");
    run_free(run);
    plan_free(plan);
}

static void a_name_in_json_is_known_wherever_a_protocol_has_it(void)
{
    struct plan *plan = plan_new();
    struct run *run = run_with(plan, NULL, NULL);
    check_kind(run, "[null,\"4\",\"phoenix\",\"heartbeat\",{}]", "ping");
    check_kind(run, "{\"event\":\"pusher:ping\",\"data\":{}}", "ping");
    check_kind(run, "{\"event\":\"pusher:pong\",\"data\":{}}", "pong");
    check_kind(run, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"Ping\"}", "ping");
    check_kind(run, "{ \"ping\" : 1492420473027}", "ping");
    check_kind(run, "{\"type\":\"ka\"}", "ping");
    run_free(run);
    plan_free(plan);
}

/* What lies deeper, or names a setting, is what the message is about. */
static void a_name_that_is_spoken_of_is_none(void)
{
    struct plan *plan = plan_new();
    struct run *run = run_with(plan, NULL, NULL);
    check_kind(run, "{\"type\":\"subscribe\",\"channels\":[\"heartbeat\"]}", "");
    check_kind(run, "{\"type\":\"hello\",\"heartbeat\":30000}", "");
    check_kind(run, "{\"text\":\"ping me later\"}", "");
    check_kind(run, "{\"text\":\"a \\\"ping\\\"\"}", "");
    check_kind(run, "{\"text\":\"unfinished", "");
    check_kind(run, "}}\"ping\"", "");
    run_free(run);
    plan_free(plan);
}

static void the_bytes_of_a_protocol_are_known(void)
{
    struct plan *plan = plan_new();
    struct run *run = run_with(plan, NULL, NULL);
    CHECK_STR(recognise_kind(run, (const uint8_t *)"\xc0", 2), "ping");
    CHECK_STR(recognise_kind(run, (const uint8_t *)"\xd0", 2), "pong");
    check_kind(run, "\xc0\x01", "");
    check_kind(run, "PONG\r\n", "pong");
    check_kind(run, "\"primus::ping::1700000000000\"", "ping");
    run_free(run);
    plan_free(plan);
}

static void a_word_in_a_longer_message_is_none(void)
{
    struct plan *plan = plan_new();
    struct run *run = run_with(plan, NULL, NULL);
    check_kind(run, "pinging", "");
    check_kind(run, "a ping", "");
    check_kind(run, "22", "");
    check_kind(run, "", "");
    run_free(run);
    plan_free(plan);
}

/* A message that begins as a heartbeat does, at the limit and one beyond. */
static void a_long_message_is_none(void)
{
    char message[300];
    struct plan *plan = plan_new();
    struct run *run = run_with(plan, NULL, NULL);
    memset(message, 'x', sizeof message);
    memcpy(message, "{\"type\":\"ping\"", 14);
    CHECK_STR(recognise_kind(run, (const uint8_t *)message, 256), "ping");
    CHECK_STR(recognise_kind(run, (const uint8_t *)message, 257), "");
    run_free(run);
    plan_free(plan);
}

static void patterns_take_the_place_of_words(void)
{
    struct plan *plan = plan_new();
    struct run *run = run_with(plan, "^beat [0-9]+$", "^ack");
    check_kind(run, "beat 7", "ping");
    check_kind(run, "ack 7", "pong");
    check_kind(run, "beat seven", "");
    check_kind(run, "ping", "");
    run_free(run);
    plan_free(plan);
}

SUITE(recognise, TEST(what_everybody_says_is_known),
      TEST(a_name_in_json_is_known_wherever_a_protocol_has_it),
      TEST(a_name_that_is_spoken_of_is_none), TEST(the_bytes_of_a_protocol_are_known),
      TEST(a_word_in_a_longer_message_is_none), TEST(a_long_message_is_none),
      TEST(patterns_take_the_place_of_words))
