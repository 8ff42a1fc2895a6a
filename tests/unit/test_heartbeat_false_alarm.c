#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc heartbeat_false_alarm_rule;

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &heartbeat_false_alarm_rule, want, part);
}

static void end(struct story *s, double at, enum verdict want, const char *part)
{
    story_run_end(s, at);
    expect(s, want, part);
}

static void begin(struct story *s, double noise)
{
    story_begin(s);
    story_noise(s, noise);
    story_fault(s, 0, "delay_pong", SIDE_CLIENT, false);
}

static void hold(struct story *s, double at)
{
    struct event *ev = story_add(s, at, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act.fault = ev->fault_act.label = "delay_pong";
    ev->fault_act.verb = "set_aside";
    ev->fault_act.detail = "";
}

/* A ping whose pong is under way; returns the seq of the pong. */
static uint64_t held_pong(struct story *s, double at)
{
    story_ping(s, at, SIDE_CLIENT);
    story_pong(s, at, SIDE_SERVER);
    s->events[s->count - 1].ws_frame.passed = false;
    uint64_t seq = s->count + 1; /* a run.start comes in front */
    hold(s, at);
    return seq;
}

static void slow_answer(struct story *s, double at, double took)
{
    uint64_t seq = held_pong(s, at);
    struct event *ev = story_add(s, at + took, EV_WS_DELIVERED, SIDE_CLIENT, BY_PROXY);
    ev->ws_delivered.frame = seq;
}

/* So many connections in a row that the client ends so long after a ping. */
static void gives_up(struct story *s, int times, double after)
{
    for (int i = 0; i < times; i++) {
        story_of(s, 0, (uint32_t)i + 1);
        story_open(s, 50.0 * i);
        (void)held_pong(s, 50.0 * i + 30);
        story_fin(s, 50.0 * i + 30 + after, SIDE_CLIENT);
    }
}

static void answers_that_are_waited_for_pass(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    for (double at = 30; at < 100; at += 30)
        slow_answer(&s, at, 3);
    end(&s, 100, PASS,
        "kept the connection while answers to its pings took up to 3.0 s; they may "
        "take 10 s");
}

/* A heartbeat by its regularity, five beats old by then: no word of it is known. */
static void message_answered_late(struct story *s, double at, double took)
{
    story_data(s, at, SIDE_CLIENT, "alive", 20);
    story_data(s, at + 0.01, SIDE_SERVER, "noted", 22);
    s->events[s->count - 1].ws_frame.passed = false;
    uint64_t seq = s->count + 1;
    hold(s, at + 0.01);
    struct event *ev = story_add(s, at + took, EV_WS_DELIVERED, SIDE_CLIENT, BY_PROXY);
    ev->ws_delivered.frame = seq;
}

static void messages_answered_late(struct story *s, double until)
{
    begin(s, 0);
    story_open(s, 0);
    for (double at = 30; at < 155; at += 30) {
        story_data(s, at, SIDE_CLIENT, "alive", 20);
        story_data(s, at + 0.01, SIDE_SERVER, "noted", 22);
    }
    for (double at = 180; at < until; at += 30)
        message_answered_late(s, at, 3);
}

static void a_heartbeat_without_a_known_word_is_waited_for_too(void)
{
    struct story s;
    messages_answered_late(&s, 245);
    end(&s, 260, PASS, "answers to its pings took up to 3.0 s");
}

static void two_of_them_are_too_few(void)
{
    struct story s;
    messages_answered_late(&s, 215);
    end(&s, 260, INCONCLUSIVE, "fewer than 3 times");
}

/* Each side beats by a timer of its own, as in STOMP: no answer of either can be late. */
static void beats_of_both_sides_are_no_answers(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    hold(&s, 1);
    for (double at = 10; at < 165; at += 10) {
        story_word(&s, at, SIDE_SERVER, "ping");
        story_word(&s, at + 0.2, SIDE_CLIENT, "ping");
    }
    end(&s, 170, NOT_APPLICABLE, "sends no pings that are answered");
}

static void pings_that_halfopens_server_does_not_know_are_not_tested(void)
{
    struct story s;
    begin(&s, 0);
    s.server_by = BY_BUILTIN;
    story_open(&s, 0);
    for (double at = 25; at < 165; at += 25)
        story_word(&s, at, SIDE_CLIENT, "ping");
    end(&s, 170, NOT_TESTED, "halfopen's own server cannot answer");
}

/* Regular messages that nobody answers are no questions: their newest is not waited for. */
static void regular_news_are_no_pings(void)
{
    struct story s;
    begin(&s, 0);
    for (uint32_t i = 0; i < 2; i++) {
        double from = 200.0 * i;
        story_of(&s, 0, i + 1);
        story_open(&s, from);
        hold(&s, from + 1);
        for (double at = 30; at < 155; at += 30)
            story_data(&s, from + at, SIDE_CLIENT, "position", 20);
        story_fin(&s, from + 155, SIDE_CLIENT);
    }
    end(&s, 400, INCONCLUSIVE, "not for want of an answer");
}

/* A word that is known, and an answer that is not: the question it answers is the newest. */
static void an_answer_is_not_late_for_questions_before_it(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    for (double at = 30; at < 335; at += 30) {
        story_word(&s, at, SIDE_CLIENT, "ping");
        story_data(&s, at + 0.01, SIDE_SERVER, "noted", 22);
    }
    end(&s, 340, INCONCLUSIVE, "no ping answered later than");
}

static void two_are_too_few(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    for (double at = 30; at < 70; at += 30)
        slow_answer(&s, at, 3);
    end(&s, 70, INCONCLUSIVE, "fewer than 3 times");
}

static void quick_answers_ask_for_no_patience(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    for (double at = 30; at < 130; at += 30)
        slow_answer(&s, at, 0.99);
    end(&s, 130, INCONCLUSIVE, "no ping answered later than 1.00 s");
}

static void a_second_is_slow(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    for (double at = 30; at < 130; at += 30)
        slow_answer(&s, at, 1);
    end(&s, 130, PASS, "up to 1.0 s");
}

static void giving_up_twice_fails(void)
{
    struct story s;
    begin(&s, 0);
    gives_up(&s, 2, 2);
    end(&s, 200, FAIL,
        "gave a living connection up 2.0 s after a ping whose answer was late; it may "
        "take 10 s (2 times in all)");
}

static void giving_up_once_is_inconclusive(void)
{
    struct story s;
    begin(&s, 0);
    gives_up(&s, 1, 2);
    end(&s, 200, INCONCLUSIVE, "once, which may be chance");
}

static void two_clients_once_each_fail(void)
{
    struct story s;
    begin(&s, 0);
    for (int client = 0; client < 2; client++) {
        story_of(&s, client, (uint32_t)client + 1);
        story_open(&s, 100.0 * client);
        (void)held_pong(&s, 100.0 * client + 30);
        story_fin(&s, 100.0 * client + 32, SIDE_CLIENT);
    }
    end(&s, 200, FAIL, "2 of 2 clients gave a living connection up 2.0 s after");
}

static void just_before_the_timeout_fails(void)
{
    struct story s;
    begin(&s, 0);
    gives_up(&s, 2, 9.99);
    end(&s, 200, FAIL, "10.0 s after a ping");
}

static void at_the_timeout_is_no_false_alarm(void)
{
    struct story s;
    begin(&s, 0);
    gives_up(&s, 2, 10);
    end(&s, 200, INCONCLUSIVE, "not for want of an answer");
}

static void the_timeout_less_noise_is_no_false_alarm(void)
{
    struct story s;
    begin(&s, 0.05);
    gives_up(&s, 2, 9.96);
    end(&s, 200, INCONCLUSIVE, "not for want of an answer");
}

static void an_end_right_after_a_ping_is_the_applications_wish(void)
{
    struct story s;
    begin(&s, 0);
    gives_up(&s, 3, 0.9);
    end(&s, 200, INCONCLUSIVE, "not for want of an answer");
}

/* It pings each second through three seconds of delay, and closes when it likes. */
static void who_waited_longer_before_ends_for_other_reasons(void)
{
    struct story s;
    begin(&s, 0);
    for (int i = 0; i < 3; i++) {
        story_of(&s, 0, (uint32_t)i + 1);
        story_open(&s, 50.0 * i);
        slow_answer(&s, 50.0 * i + 10, 3);
        slow_answer(&s, 50.0 * i + 20, 3);
        (void)held_pong(&s, 50.0 * i + 30);
        story_close(&s, 50.0 * i + 32, SIDE_CLIENT, 1000);
    }
    end(&s, 200, INCONCLUSIVE, "not for want of an answer");
}

static void without_a_fault_that_delays_it_is_no_false_alarm(void)
{
    struct story s;
    begin(&s, 0);
    for (int i = 0; i < 2; i++) {
        story_of(&s, 0, (uint32_t)i + 1);
        story_open(&s, 50.0 * i);
        story_ping(&s, 50.0 * i + 30, SIDE_CLIENT);
        story_fin(&s, 50.0 * i + 32, SIDE_CLIENT);
    }
    end(&s, 200, INCONCLUSIVE, "patience was not asked for");
}

static void what_the_server_ends_is_not_held_against_the_client(void)
{
    struct story s;
    begin(&s, 0);
    for (int i = 0; i < 2; i++) {
        story_of(&s, 0, (uint32_t)i + 1);
        story_open(&s, 50.0 * i);
        (void)held_pong(&s, 50.0 * i + 30);
        story_close(&s, 50.0 * i + 32, SIDE_SERVER, 1001);
        story_close(&s, 50.0 * i + 33, SIDE_CLIENT, 1001);
    }
    end(&s, 200, INCONCLUSIVE, "left by the server after 32.0 s");
}

static void what_we_cut_is_not_held_against_the_client(void)
{
    struct story s;
    begin(&s, 0);
    for (int i = 0; i < 2; i++) {
        story_of(&s, 0, (uint32_t)i + 1);
        story_open(&s, 50.0 * i);
        (void)held_pong(&s, 50.0 * i + 30);
        story_cut(&s, 50.0 * i + 32, "reset", "rst");
    }
    end(&s, 200, INCONCLUSIVE, "patience was not asked for");
}

static void a_death_in_silence_is_no_false_alarm(void)
{
    struct story s;
    begin(&s, 0);
    for (int i = 0; i < 2; i++) {
        story_of(&s, 0, (uint32_t)i + 1);
        story_open(&s, 50.0 * i);
        (void)held_pong(&s, 50.0 * i + 30);
        story_fault(&s, 50.0 * i + 31, "drop", SIDE_CLIENT, true);
        story_fin(&s, 50.0 * i + 35, SIDE_CLIENT);
    }
    end(&s, 200, INCONCLUSIVE, "patience was not asked for");
}

static void where_the_server_pings_it_does_not_apply(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_word(&s, at, SIDE_SERVER, "ping");
        story_word(&s, at + 0.01, SIDE_CLIENT, "pong");
    }
    end(&s, 170, NOT_APPLICABLE, "sends no pings");
}

/* centrifuge: {} both ways */
static void the_servers_pings_need_no_known_word(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_data(&s, at, SIDE_SERVER, "{}", 2);
        story_data(&s, at + 0.01, SIDE_CLIENT, "{}", 2);
    }
    end(&s, 170, NOT_APPLICABLE, "sends no pings");
}

static void a_client_that_never_pings_is_inconclusive(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    end(&s, 170, INCONCLUSIVE, "no ping answered later than 1.00 s");
}

static void words_are_answered_in_order(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_word(&s, at, SIDE_CLIENT, "ping");
        story_word(&s, at + 4, SIDE_SERVER, "pong");
    }
    end(&s, 170, PASS, "up to 4.0 s");
}

static void pongs_that_answer_none_of_its_pings_do_not_count(void)
{
    struct story s;
    begin(&s, 0);
    story_open(&s, 0);
    for (double at = 30; at < 170; at += 30) {
        story_ping(&s, at, SIDE_CLIENT);
        story_pong(&s, at + 3, SIDE_SERVER);
        s.events[s.count - 1].ws_frame.hash = "other";
    }
    end(&s, 170, INCONCLUSIVE, "no ping answered later than 1.00 s");
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    begin(&s, 0);
    s.client_by = BY_BUILTIN;
    gives_up(&s, 2, 2);
    end(&s, 400, NOT_APPLICABLE, "halfopen's own");
}

SUITE(heartbeat_false_alarm, TEST(answers_that_are_waited_for_pass),
      TEST(a_heartbeat_without_a_known_word_is_waited_for_too), TEST(two_of_them_are_too_few),
      TEST(pings_that_halfopens_server_does_not_know_are_not_tested),
      TEST(regular_news_are_no_pings), TEST(beats_of_both_sides_are_no_answers),
      TEST(an_answer_is_not_late_for_questions_before_it), TEST(two_are_too_few),
      TEST(quick_answers_ask_for_no_patience), TEST(a_second_is_slow), TEST(giving_up_twice_fails),
      TEST(giving_up_once_is_inconclusive), TEST(two_clients_once_each_fail),
      TEST(just_before_the_timeout_fails), TEST(at_the_timeout_is_no_false_alarm),
      TEST(the_timeout_less_noise_is_no_false_alarm),
      TEST(an_end_right_after_a_ping_is_the_applications_wish),
      TEST(who_waited_longer_before_ends_for_other_reasons),
      TEST(without_a_fault_that_delays_it_is_no_false_alarm),
      TEST(what_the_server_ends_is_not_held_against_the_client),
      TEST(what_we_cut_is_not_held_against_the_client), TEST(a_death_in_silence_is_no_false_alarm),
      TEST(where_the_server_pings_it_does_not_apply), TEST(the_servers_pings_need_no_known_word),
      TEST(a_client_that_never_pings_is_inconclusive), TEST(words_are_answered_in_order),
      TEST(pongs_that_answer_none_of_its_pings_do_not_count),
      TEST(halfopens_own_client_is_not_judged))
