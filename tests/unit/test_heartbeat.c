#include "trace/heartbeat.h"

#include "tests/check.h"
#include "tests/unit/story.h"

#define WINDOW (10 * NSEC_PER_SEC)

/* What the frames of the story so far make of the client's heartbeat. */
static struct heartbeat_group best_of(const struct story *s, enum side from)
{
    struct heartbeats *heartbeats = heartbeats_new(WINDOW);
    struct trace *trace = trace_from(s->events, s->count);
    for (size_t i = 0; i < trace->count; i++)
        (void)heartbeats_feed(heartbeats, &trace->events[i]);
    const struct heartbeat_group *best = heartbeats_best(heartbeats, from);
    struct heartbeat_group copy = best ? *best : (struct heartbeat_group){0};
    heartbeats_free(heartbeats);
    trace_free(trace);
    return copy;
}

/* Messages of one kind at these times; whether they are a heartbeat. */
static bool beats_at(const double *times, size_t count)
{
    struct story s;
    story_begin(&s);
    for (size_t i = 0; i < count; i++)
        story_data(&s, times[i], SIDE_CLIENT, "tick", 4);
    bool recognised = best_of(&s, SIDE_CLIENT).recognised;
    story_end(&s);
    return recognised;
}

#define BEATS(...)                                                                                 \
    beats_at((const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static void one_protocol_ping_is_a_heartbeat(void)
{
    struct story s;
    story_begin(&s);
    story_ping(&s, 1, SIDE_CLIENT);
    struct heartbeat_group best = best_of(&s, SIDE_CLIENT);
    CHECK(best.recognised);
    CHECK_INT(best.kind, HEARTBEAT_PROTOCOL);
    CHECK_INT(best.beats, 1);
    CHECK(!best_of(&s, SIDE_SERVER).recognised);
    story_end(&s);
}

static void four_equal_intervals_make_a_heartbeat_and_three_do_not(void)
{
    CHECK(!BEATS(10, 20, 30, 40));
    CHECK(BEATS(10, 20, 30, 40, 50));
}

static void intervals_may_differ_by_a_quarter_and_no_more(void)
{
    CHECK(BEATS(0, 10, 20, 30, 42.4));
    CHECK(!BEATS(0, 10, 20, 30, 42.6));
}

static void a_ticker_faster_than_five_seconds_is_traffic(void)
{
    CHECK(!BEATS(0, 0.3, 0.6, 0.9, 1.2, 1.5, 1.8));
    CHECK(!BEATS(0, 4.9, 9.8, 14.7, 19.6));
    CHECK(BEATS(0, 5, 10, 15, 20));
}

static void a_known_word_may_be_faster(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 5; i++)
        story_word(&s, i, SIDE_CLIENT, "ping");
    CHECK(best_of(&s, SIDE_CLIENT).recognised);
    story_end(&s);
}

/* Ping and pong by their words, so many of them; whether the pings are a heartbeat. */
static bool words_at_60_s(int beats, const char *answer)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < beats; i++) {
        story_word(&s, 60 * i, SIDE_CLIENT, "ping");
        if (*answer)
            story_word(&s, 60 * i + 0.1, SIDE_SERVER, answer);
    }
    bool recognised = best_of(&s, SIDE_CLIENT).recognised;
    story_end(&s);
    return recognised;
}

static void a_known_word_with_its_answer_is_one_at_its_second_beat(void)
{
    CHECK(words_at_60_s(2, "pong"));
    CHECK(!words_at_60_s(1, "pong"));
    CHECK(!words_at_60_s(4, ""));
}

/* The server tells a price each second; every message of the client follows one of them closely. */
static void prices(struct story *s, double from, double until)
{
    for (double at = from + 0.5; at < until; at += 1)
        story_data(s, at, SIDE_SERVER, "price", 40);
}

static struct heartbeat_group beats_among_prices(const char *word)
{
    struct story s;
    story_begin(&s);
    for (double at = 0; at < 170; at += 30) {
        prices(&s, at, at + 30);
        if (*word)
            story_word(&s, at + 30, SIDE_CLIENT, word);
        else
            story_data(&s, at + 30, SIDE_CLIENT, "alive", 20);
        story_data(&s, at + 30.01, SIDE_SERVER, "noted", 60);
    }
    struct heartbeat_group best = best_of(&s, SIDE_CLIENT);
    CHECK(!best_of(&s, SIDE_SERVER).recognised);
    story_end(&s);
    return best;
}

static void a_heartbeat_is_no_reply_to_what_the_server_tells_all_the_time(void)
{
    CHECK(beats_among_prices("ping").recognised);
    CHECK(beats_among_prices("").recognised);
    CHECK_INT(beats_among_prices("ping").replied, 6);
    CHECK_INT(beats_among_prices("").replied, 6);
}

/* Phoenix answers a heartbeat with what it answers everything with. */
static void another_answer_has_to_come_twice(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 3; i++) {
        CHECK(!best_of(&s, SIDE_CLIENT).recognised);
        story_word(&s, 60 * i, SIDE_CLIENT, "ping");
        story_data(&s, 60 * i + 0.1, SIDE_SERVER, "reply", 60);
    }
    CHECK(best_of(&s, SIDE_CLIENT).recognised);
    story_end(&s);
}

static void intervals_and_ends_are_told(void)
{
    struct story s;
    story_begin(&s);
    story_pings(&s, 10, 20, 95, true);
    struct heartbeat_group best = best_of(&s, SIDE_CLIENT);
    CHECK_INT(best.beats, 5);
    CHECK_INT(best.replied, 5);
    CHECK_INT(best.median, 20 * NSEC_PER_SEC);
    CHECK_INT(best.shortest, 20 * NSEC_PER_SEC);
    CHECK_INT(best.longest, 20 * NSEC_PER_SEC);
    CHECK_INT(best.first, 10 * NSEC_PER_SEC);
    CHECK_INT(best.last, 90 * NSEC_PER_SEC);
    story_end(&s);
}

static void a_reply_after_the_window_is_none(void)
{
    for (int late = 0; late < 2; late++) {
        struct story s;
        story_begin(&s);
        story_ping(&s, 1, SIDE_CLIENT);
        story_pong(&s, 11 + late * 0.001, SIDE_SERVER);
        CHECK_INT(best_of(&s, SIDE_CLIENT).replied, 1 - late);
        story_end(&s);
    }
}

static void it_stays_one_when_a_beat_is_skipped(void)
{
    CHECK(BEATS(10, 20, 30, 40, 50, 70, 80, 90, 100));
}

static void other_traffic_is_told_from_beats(void)
{
    struct story s;
    struct heartbeats *heartbeats = heartbeats_new(WINDOW);
    story_begin(&s);
    story_ping(&s, 1, SIDE_CLIENT);
    story_data(&s, 2, SIDE_CLIENT, "order", 100);
    struct trace *trace = trace_from(s.events, s.count);
    CHECK(heartbeats_feed(heartbeats, &trace->events[1]));
    CHECK(!heartbeats_feed(heartbeats, &trace->events[2]));
    heartbeats_free(heartbeats);
    trace_free(trace);
    story_end(&s);
}

static void the_longest_silence_counts_both_ends_of_the_span(void)
{
    struct story s;
    story_begin(&s);
    story_data(&s, 10, SIDE_CLIENT, "a", 1);
    story_data(&s, 14, SIDE_SERVER, "b", 1);
    story_data(&s, 40, SIDE_CLIENT, "a", 1);
    struct trace *trace = trace_from(s.events, s.count);
    nsec to = 45 * NSEC_PER_SEC;
    CHECK_INT(heartbeats_longest_silence(trace, 1, SIDE_CLIENT, 0, to), 30 * NSEC_PER_SEC);
    CHECK_INT(heartbeats_longest_silence(trace, 1, SIDE_SERVER, 0, to), 31 * NSEC_PER_SEC);
    CHECK_INT(heartbeats_longest_silence(trace, 1, SIDE_NONE, 0, to), 26 * NSEC_PER_SEC);
    CHECK_INT(heartbeats_longest_silence(trace, 2, SIDE_NONE, 0, to), to);
    trace_free(trace);
    story_end(&s);
}

SUITE(heartbeat, TEST(one_protocol_ping_is_a_heartbeat),
      TEST(four_equal_intervals_make_a_heartbeat_and_three_do_not),
      TEST(intervals_may_differ_by_a_quarter_and_no_more),
      TEST(a_ticker_faster_than_five_seconds_is_traffic), TEST(a_known_word_may_be_faster),
      TEST(a_known_word_with_its_answer_is_one_at_its_second_beat),
      TEST(another_answer_has_to_come_twice),
      TEST(a_heartbeat_is_no_reply_to_what_the_server_tells_all_the_time),
      TEST(intervals_and_ends_are_told), TEST(a_reply_after_the_window_is_none),
      TEST(it_stays_one_when_a_beat_is_skipped), TEST(other_traffic_is_told_from_beats),
      TEST(the_longest_silence_counts_both_ends_of_the_span))
