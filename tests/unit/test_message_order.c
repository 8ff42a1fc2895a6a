/* message.order: no message comes after a newer one. */
#include "tests/check.h"
#include "tests/unit/mail_story.h"

extern const struct rule_desc message_order_rule;

static const struct rule_desc *const rule = &message_order_rule;

static void in_order_on_one_connection_passes(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_expect(&s, 20, rule, PASS, "50 messages of the client came in order, over 1 connection");
}

static void a_swap_on_one_connection_fails(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_ask(&s, 0, 1, 50);
    mail_send(&s, 0.001, 1, 29);
    mail_burst_reversed(&s, 6.1, 30, 31);
    mail_send(&s, 6.401, 32, 50);
    mail_expect(
        &s, 20, rule, FAIL,
        "1 of 50 messages of the client came after a newer one: the first is 30, after 31 on "
        "the same connection");
}

static void what_was_kept_comes_before_what_is_newer(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_burst(&s, 18.1, 51, 90);
    mail_live(&s, 18.5, 91, 140);
    mail_expect(&s, 40, rule, PASS, "140 messages of the client came in order, over 2 connections");
}

static void what_is_newer_before_what_was_kept_fails(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_live(&s, 18.05, 91, 91);
    mail_burst(&s, 18.1, 51, 90);
    mail_live(&s, 18.5, 92, 140);
    mail_expect(
        &s, 40, rule, FAIL,
        "40 of 140 messages of the client came after a newer one: the first is 51, after 91");
}

static void a_late_one_on_the_next_connection_fails(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_ask(&s, 0, 1, 50);
    mail_send(&s, 0.001, 1, 48);
    mail_burst(&s, 9.9, 50, 50);
    mail_outage(&s, 10, 18);
    mail_burst(&s, 18.1, 49, 49);
    mail_expect(&s, 40, rule, FAIL, "the first is 49, after 50 of the connection before");
}

static void a_message_that_is_sent_again_is_no_question_of_order(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_burst(&s, 18.1, 46, 50);
    mail_live(&s, 18.5, 51, 90);
    mail_expect(&s, 40, rule, PASS, "90 messages");
}

/* The answer to one was still out when the other was asked for. */
static void what_was_asked_for_at_the_same_time_has_no_order(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_ask(&s, 0, 1, 50);
    mail_send(&s, 0.001, 1, 29);
    mail_burst_reversed(&s, 6.2, 30, 31);
    mail_send(&s, 6.401, 32, 50);
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].kind == EV_HOOK_ASKED && s.events[i].hook_asked.number == 30) {
            s.events[i].at += NSEC_PER_SEC;
            s.events[i].hook_asked.took = NSEC_PER_SEC;
        }
    mail_expect(&s, 20, rule, PASS, "50 messages");
}

static void connections_that_are_open_together_have_no_order(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    story_of(&s, 0, 2);
    story_open(&s, 0);
    for (unsigned i = 1; i <= 40; i += 2) {
        story_of(&s, 0, 1);
        mail_burst(&s, i, i + 1, i + 1);
        story_of(&s, 0, 2);
        mail_burst(&s, i + 0.5, i, i);
    }
    story_fault(&s, 50, "reset", SIDE_CLIENT, false);
    mail_expect(&s, 60, rule, PASS, "40 messages");
}

static void too_few_are_inconclusive_and_twenty_are_not(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 19);
    mail_expect(&s, 20, rule, INCONCLUSIVE, "only 19 numbered messages came: it takes 20");
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 20);
    mail_expect(&s, 20, rule, PASS, "20 messages");
}

static void numbers_of_its_own_are_judged_alike(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    mail_send(&s, 0, 1, 29);
    mail_burst_reversed(&s, 6.1, 30, 31);
    mail_send(&s, 6.4, 32, 50);
    mail_expect(&s, 20, rule, FAIL, "the first is 30, after 31");
}

static void numbers_that_nobody_declared_decide_nothing_against_it(void)
{
    struct story s;
    mail_begin(&s, MAIL_NOTHING);
    mail_how("counted");
    mail_send(&s, 0, 1, 29);
    mail_burst_reversed(&s, 6.1, 30, 31);
    mail_send(&s, 6.4, 32, 50);
    mail_expect(&s, 20, rule, INCONCLUSIVE, "messages.id would say so");
}

/* As random as request ids may be. */
static void numbers_with_holes_tell_nothing(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    for (unsigned i = 0; i < 50; i++)
        mail_burst(&s, i, (i * 7919) % 10007, (i * 7919) % 10007);
    mail_expect(&s, 60, rule, INCONCLUSIVE, "do not tell");
}

static void without_ids_it_is_not_tested(void)
{
    struct story s;
    mail_begin(&s, MAIL_NOTHING);
    story_data(&s, 1, SIDE_CLIENT, "x", 5);
    mail_expect(&s, 20, rule, NOT_TESTED, "give messages.id");
}

static void a_full_trace_is_inconclusive(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    struct event *ev = story_add(&s, 11, EV_TRACE_FULL, SIDE_NONE, BY_PROXY);
    ev->conn = 0;
    mail_expect(&s, 20, rule, INCONCLUSIVE, "the trace is full");
}

SUITE(message_order, TEST(in_order_on_one_connection_passes), TEST(a_swap_on_one_connection_fails),
      TEST(what_was_kept_comes_before_what_is_newer),
      TEST(what_is_newer_before_what_was_kept_fails), TEST(a_late_one_on_the_next_connection_fails),
      TEST(a_message_that_is_sent_again_is_no_question_of_order),
      TEST(what_was_asked_for_at_the_same_time_has_no_order),
      TEST(connections_that_are_open_together_have_no_order),
      TEST(too_few_are_inconclusive_and_twenty_are_not), TEST(numbers_of_its_own_are_judged_alike),
      TEST(numbers_that_nobody_declared_decide_nothing_against_it),
      TEST(numbers_with_holes_tell_nothing), TEST(without_ids_it_is_not_tested),
      TEST(a_full_trace_is_inconclusive))
