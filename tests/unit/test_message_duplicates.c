/* message.duplicates: what is sent again keeps its id. */
#include "tests/check.h"
#include "tests/unit/mail_story.h"

extern const struct rule_desc message_duplicates_rule;

static const struct rule_desc *const rule = &message_duplicates_rule;

/* 50 messages, the last just before the loss at 10 s; back at 12 s. */
static void begin(struct story *s)
{
    mail_begin(s, MAIL_HOOKED);
    mail_live(s, 0, 1, 50);
    mail_outage(s, 10, 12);
}

static void nothing_that_comes_again_passes(void)
{
    struct story s;
    begin(&s);
    mail_live(&s, 12.5, 51, 100);
    mail_expect(&s, 30, rule, PASS,
                "5 messages were sent within a second of a loss, and none was sent again");
}

static void the_same_id_again_passes(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 12.1, 48, 50);
    mail_live(&s, 12.5, 51, 100);
    mail_expect(&s, 30, rule, PASS,
                "3 messages came again on a later connection, under their own ids");
}

/* The copies took the next three numbers. */
static void copies_under_new_ids_fail(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 12.1, 51, 53);
    mail_ask(&s, 12.5, 51, 100);
    mail_send(&s, 12.501, 54, 103);
    mail_expect(&s, 30, rule, FAIL, "asked for 100 messages and sent 103 different ones");
}

static void one_message_more_than_was_asked_for_fails(void)
{
    struct story s;
    begin(&s);
    mail_live(&s, 12.5, 51, 100);
    mail_burst(&s, 12.1, 999, 999);
    mail_expect(&s, 30, rule, FAIL, "asked for 100 messages and sent 101");
}

/* Of a kind of its own, once on each connection. */
static void a_greeting_is_no_copy(void)
{
    struct story s;
    begin(&s);
    mail_live(&s, 12.5, 51, 100);
    mail_burst(&s, 12.1, 999, 999);
    s.events[s.count - 2].ws_frame.sig = "greeting";
    mail_expect(&s, 30, rule, PASS, "none was sent again");
}

/* Two more of a kind than there are connections. */
static void what_comes_more_often_than_connections_is_none(void)
{
    struct story s;
    begin(&s);
    mail_live(&s, 12.5, 51, 100);
    for (unsigned i = 0; i < 3; i++) {
        mail_burst(&s, 12.1, 990 + i, 990 + i);
        s.events[s.count - 2].ws_frame.sig = "greeting";
    }
    mail_expect(&s, 30, rule, FAIL, "sent 103 different ones");
}

/* We gave up waiting for the answer; the application sent all the same. */
static void an_ask_that_was_not_taken_may_have_been_heard(void)
{
    struct story s;
    begin(&s);
    mail_live(&s, 12.5, 51, 100);
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].kind == EV_HOOK_ASKED && s.events[i].hook_asked.number == 70)
            s.events[i].hook_asked.answer = "no answer within 5 s";
    mail_expect(&s, 30, rule, PASS, "none was sent again");
}

static void more_than_was_asked_for_from_the_start_is_inconclusive(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    for (unsigned i = 0; i < 5; i++)
        mail_burst(&s, 3 + i, 900 + i, 900 + i);
    mail_outage(&s, 10, 12);
    mail_live(&s, 12.5, 51, 100);
    mail_burst(&s, 13, 990, 990);
    mail_expect(&s, 30, rule, INCONCLUSIVE, "more comes than is asked for");
}

static void a_quiet_second_before_the_loss_is_inconclusive(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10.9, 13);
    mail_live(&s, 13.5, 51, 100);
    mail_expect(&s, 30, rule, INCONCLUSIVE, "no message was sent within a second of a loss");
}

static void without_the_hook_nothing_repeated_is_not_tested(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    mail_send(&s, 0, 1, 50);
    mail_outage(&s, 10, 12);
    mail_send(&s, 12.5, 51, 100);
    mail_expect(&s, 30, rule, NOT_TESTED, "give hooks.send");
}

static void without_the_hook_the_same_id_again_passes(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    mail_send(&s, 0, 1, 50);
    mail_outage(&s, 10, 12);
    mail_burst(&s, 12.1, 50, 50);
    mail_send(&s, 12.5, 51, 100);
    mail_expect(&s, 30, rule, PASS, "1 messages came again");
}

static void an_id_that_is_used_twice_on_one_connection_is_no_copy(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    mail_send(&s, 0, 1, 50);
    mail_burst(&s, 9.95, 50, 50);
    mail_outage(&s, 10, 12);
    mail_send(&s, 12.5, 51, 100);
    mail_expect(&s, 30, rule, NOT_TESTED, "give hooks.send");
}

static void without_a_loss_it_is_inconclusive(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_expect(&s, 30, rule, INCONCLUSIVE, "never lost its only connection");
}

static void a_silent_client_is_not_tested(void)
{
    struct story s;
    mail_begin(&s, MAIL_NOTHING);
    mail_outage(&s, 10, 12);
    mail_expect(&s, 30, rule, NOT_TESTED, "give hooks.send");
}

SUITE(message_duplicates, TEST(nothing_that_comes_again_passes), TEST(the_same_id_again_passes),
      TEST(copies_under_new_ids_fail), TEST(one_message_more_than_was_asked_for_fails),
      TEST(a_greeting_is_no_copy), TEST(what_comes_more_often_than_connections_is_none),
      TEST(an_ask_that_was_not_taken_may_have_been_heard),
      TEST(more_than_was_asked_for_from_the_start_is_inconclusive),
      TEST(a_quiet_second_before_the_loss_is_inconclusive),
      TEST(without_the_hook_nothing_repeated_is_not_tested),
      TEST(without_the_hook_the_same_id_again_passes),
      TEST(an_id_that_is_used_twice_on_one_connection_is_no_copy),
      TEST(without_a_loss_it_is_inconclusive), TEST(a_silent_client_is_not_tested))
