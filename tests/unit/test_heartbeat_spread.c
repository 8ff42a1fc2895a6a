#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc heartbeat_spread_rule;

#define EVERY 30.0
#define LOST  10.0
#define BACK  100.0
#define END   250.0

/* One client: open since 0, cut, and open again at `opened`; its first beat there at `beat`. */
static void came_back(struct story *s, int client, double opened, double beat)
{
    story_of(s, client, (uint32_t)client + 1);
    story_open(s, 0);
    story_fault(s, LOST, "reset", SIDE_CLIENT, false);
    story_cut(s, LOST, "reset", "rst");
    story_of(s, client, (uint32_t)client + 101);
    story_open(s, opened);
    if (beat > 0)
        story_pings(s, beat, EVERY, END, true);
}

/* `together` clients come back and beat within 0.9 s, the others two seconds apart. */
static void fleet(struct story *s, int clients, int together)
{
    for (int i = 0; i < clients; i++) {
        double at = BACK + (i < together ? 0.9 * i / together : 2.0 * i);
        came_back(s, i, at, at + EVERY);
    }
    story_run_end(s, END);
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &heartbeat_spread_rule, want, part);
}

static void beats_all_over_the_interval_pass(void)
{
    struct story s;
    story_begin(&s);
    fleet(&s, 10, 0);
    expect(&s, PASS, "1 of 10 clients beat within the same second of 30 s; fewer than 8 are asked");
}

static void eight_of_ten_within_a_second_warn(void)
{
    struct story s;
    story_begin(&s);
    fleet(&s, 10, 8);
    expect(&s, WARN, "8 of 10 clients beat within the same second of 30 s");
}

static void seven_of_ten_pass(void)
{
    struct story s;
    story_begin(&s);
    fleet(&s, 10, 7);
    expect(&s, PASS, "7 of 10 clients");
}

static void of_eleven_it_takes_nine(void)
{
    struct story s;
    story_begin(&s);
    fleet(&s, 11, 8);
    expect(&s, PASS, "8 of 11 clients beat within the same second of 30 s; fewer than 9");
    story_begin(&s);
    fleet(&s, 11, 9);
    expect(&s, WARN, "9 of 11 clients");
}

/* Just before and just after the interval begins anew are near each other. */
static void phases_go_round(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++) {
        double at = 119.6 + 0.08 * i; /* 120 is a multiple of 30 */
        came_back(&s, i, at, at + EVERY);
    }
    story_run_end(&s, END);
    expect(&s, WARN, "10 of 10 clients");
}

static void beats_of_different_rounds_are_near(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++) {
        double at = BACK + (i % 2) * EVERY;
        came_back(&s, i, at, at + EVERY);
    }
    story_run_end(&s, END);
    expect(&s, WARN, "10 of 10 clients");
}

/* Their heartbeat follows a clock of their own, for example that of their common start. */
static void beats_that_do_not_follow_the_opening_show_nothing(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++)
        came_back(&s, i, BACK + 2.0 * i, 150);
    story_run_end(&s, END);
    expect(&s, INCONCLUSIVE, "but they came back at other times");
}

static void a_random_first_beat_passes_although_they_open_together(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++)
        came_back(&s, i, BACK, BACK + 1 + 2.7 * i);
    story_run_end(&s, END);
    expect(&s, PASS, "1 of 10 clients");
}

/* Eight of ten lie within 0.9 s: with 0.1 s of noise it may be more or less than a second. */
static void noise_about_the_second_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_noise(&s, 0.11);
    fleet(&s, 10, 8);
    expect(&s, INCONCLUSIVE, "the noise of this run does not tell");
}

static void nine_clients_are_too_few(void)
{
    struct story s;
    story_begin(&s);
    fleet(&s, 9, 9);
    expect(&s, INCONCLUSIVE, "9 clients came back from a common loss; 10 would show");
}

static void one_client_has_nobody_beside_it(void)
{
    struct story s;
    story_begin(&s);
    fleet(&s, 1, 1);
    expect(&s, NOT_APPLICABLE, "nobody to beat in time with");
}

static void nobody_lost_anything(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++) {
        story_of(&s, i, (uint32_t)i + 1);
        story_fault(&s, 0, "latency", SIDE_CLIENT, false);
        story_open(&s, 0);
        story_pings(&s, EVERY, EVERY, END, true);
    }
    story_run_end(&s, END);
    expect(&s, INCONCLUSIVE, "0 clients came back from a common loss");
}

static void who_is_not_seen_to_beat_does_not_count(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++)
        came_back(&s, i, BACK, i < 9 ? BACK + EVERY : 0);
    story_run_end(&s, END);
    expect(&s, INCONCLUSIVE,
           "of 10 clients that came back 9 were seen to beat half a minute later");
}

/* Half a minute after the last of them is back. */
static void who_comes_late_makes_all_wait(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++)
        came_back(&s, i, i < 9 ? BACK : END - 40, i < 9 ? BACK + EVERY : END - 10);
    story_run_end(&s, END - 11);
    expect(&s, INCONCLUSIVE, "of 10 clients that came back 0 were seen to beat");
}

static void what_they_did_before_is_forgotten(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++) {
        story_of(&s, i, (uint32_t)i + 1);
        story_open(&s, 0);
        story_pings(&s, 5, EVERY, 66, true);
        story_fault(&s, 70, "reset", SIDE_CLIENT, false);
        story_cut(&s, 70, "reset", "rst");
        story_of(&s, i, (uint32_t)i + 101);
        story_open(&s, BACK + 2.0 * i);
        story_pings(&s, BACK + 2.0 * i + EVERY, EVERY, END, true);
    }
    story_run_end(&s, END);
    expect(&s, PASS, "1 of 10 clients");
}

static void words_of_a_heartbeat_count_as_pings_do(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++) {
        came_back(&s, i, BACK, 0);
        for (double at = BACK + EVERY; at < END; at += EVERY)
            story_word(&s, at, SIDE_CLIENT, "ping");
    }
    story_run_end(&s, END);
    expect(&s, WARN, "10 of 10 clients");
}

static void regular_messages_without_a_word_count_too(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++) {
        came_back(&s, i, BACK, 0);
        for (double at = BACK + 25; at < END; at += 25)
            story_data(&s, at, SIDE_CLIENT, "alive", 12);
    }
    story_run_end(&s, END);
    expect(&s, WARN, "10 of 10 clients beat within the same second of 25 s");
}

static void pings_do_not_count_for_who_cannot_ping(void)
{
    struct story s;
    story_begin(&s);
    fleet(&s, 10, 10);
    story_policy(&s, "{\"can_ping\":{\"value\":\"false\",\"origin\":\"browser profile\"}}");
    expect(&s, INCONCLUSIVE, "0 were seen to beat");
}

static void a_server_that_beats_is_not_the_fleet(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++) {
        came_back(&s, i, BACK, 0);
        for (double at = BACK + EVERY; at < END; at += EVERY) {
            story_ping(&s, at, SIDE_SERVER);
            story_pong(&s, at, SIDE_CLIENT);
        }
    }
    story_run_end(&s, END);
    expect(&s, NOT_APPLICABLE, "the server beats");
}

static void a_beat_a_second_is_too_often(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 10; i++) {
        came_back(&s, i, BACK, 0);
        story_pings(&s, 200, 1, END, true);
    }
    story_run_end(&s, END);
    expect(&s, INCONCLUSIVE, "a beat every 1.0 s is too often");
}

static void halfopens_own_clients_are_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    fleet(&s, 10, 10);
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

SUITE(heartbeat_spread, TEST(beats_all_over_the_interval_pass),
      TEST(eight_of_ten_within_a_second_warn), TEST(seven_of_ten_pass),
      TEST(of_eleven_it_takes_nine), TEST(phases_go_round),
      TEST(beats_of_different_rounds_are_near),
      TEST(beats_that_do_not_follow_the_opening_show_nothing),
      TEST(a_random_first_beat_passes_although_they_open_together),
      TEST(noise_about_the_second_is_inconclusive), TEST(nine_clients_are_too_few),
      TEST(one_client_has_nobody_beside_it), TEST(nobody_lost_anything),
      TEST(who_is_not_seen_to_beat_does_not_count), TEST(who_comes_late_makes_all_wait),
      TEST(what_they_did_before_is_forgotten), TEST(words_of_a_heartbeat_count_as_pings_do),
      TEST(regular_messages_without_a_word_count_too), TEST(pings_do_not_count_for_who_cannot_ping),
      TEST(a_server_that_beats_is_not_the_fleet), TEST(a_beat_a_second_is_too_often),
      TEST(halfopens_own_clients_are_not_judged))
