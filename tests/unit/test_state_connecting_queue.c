/* state.connecting_queue: what was to be sent during a handshake. */
#include "tests/check.h"
#include "tests/unit/mail_story.h"

extern const struct rule_desc state_connecting_queue_rule;

static const struct rule_desc *const rule = &state_connecting_queue_rule;

static void open_late(struct story *s, double at)
{
    struct event *ev = story_add(s, at, EV_HTTP_RESPONSE, SIDE_SERVER, BY_ENDPOINT);
    ev->http_response = (struct ev_http_response){.status = 101, .upgrade = true};
    (void)story_add(s, at, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
}

/* Five messages, a loss at 10 s, and from 11 s a handshake during which 20 more are asked for. */
static void begin_with(struct story *s, const char *declares)
{
    mail_begin(s, declares);
    mail_live(s, 1, 1, 5);
    story_fault(s, 10, "reset", SIDE_CLIENT, false);
    story_cut(s, 10, "reset", "rst");
    story_of(s, 0, 2);
    story_attempt(s, 11);
    mail_ask(s, 11.1, 6, 25);
}

/* ... which ends at 16 s. */
static void begin(struct story *s)
{
    begin_with(s, MAIL_HOOKED);
    open_late(s, 16);
}

static void all_once_and_in_order_pass(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 16.1, 6, 25);
    mail_expect(&s, 30, rule, PASS,
                "all 20 messages that the client was told to send during 1 handshake of up to 5.0 "
                "s arrived once, in order");
}

static void what_is_lost_fails(void)
{
    struct story s;
    begin(&s);
    mail_expect(&s, 30, rule, FAIL, "20 of the 20 messages");
}

static void one_that_is_lost_fails(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 16.1, 6, 14);
    mail_burst(&s, 16.1, 16, 25);
    mail_expect(&s, 30, rule, FAIL, "1 of the 20 messages");
}

static void what_comes_twice_fails(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 16.1, 6, 25);
    mail_burst(&s, 16.2, 7, 8);
    mail_expect(&s, 30, rule, FAIL,
                "2 of the 20 messages that the client was told to send during "
                "1 handshake of up to 5.0 s arrived more than once");
}

/* What it sent before the loss is another rule's. */
static void an_older_message_again_is_not_counted(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 16.1, 5, 25);
    mail_expect(&s, 30, rule, PASS, "all 20 messages");
}

static void what_comes_backwards_fails(void)
{
    struct story s;
    begin(&s);
    mail_burst_reversed(&s, 16.1, 6, 25);
    mail_expect(&s, 30, rule, FAIL, "arrived after newer ones");
}

/* Fewer than five show nothing. */
static void five_are_enough(void)
{
    for (unsigned count = 4; count <= 5; count++) {
        struct story s;
        mail_begin(&s, MAIL_HOOKED);
        mail_live(&s, 1, 1, 5);
        story_fault(&s, 10, "reset", SIDE_CLIENT, false);
        story_cut(&s, 10, "reset", "rst");
        story_of(&s, 0, 2);
        story_attempt(&s, 11);
        mail_ask(&s, 11.1, 6, 5 + count);
        open_late(&s, 16);
        mail_burst(&s, 16.1, 6, 5 + count);
        mail_expect(&s, 30, rule, count == 5 ? PASS : INCONCLUSIVE,
                    count == 5 ? "all 5 messages" : "4 times during handshakes: it takes 5");
    }
}

/* Between two attempts there is no handshake: that is reconnect.replay's. */
static void what_was_asked_for_between_attempts_is_not_counted(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 1, 1, 5);
    story_fault(&s, 10, "reset", SIDE_CLIENT, false);
    story_cut(&s, 10, "reset", "rst");
    mail_ask(&s, 11.1, 6, 25);
    story_of(&s, 0, 2);
    story_open(&s, 16);
    mail_expect(&s, 30, rule, INCONCLUSIVE, "0 times during handshakes");
}

/* A handshake that fails, with 503 or otherwise, and the next one. */
static void what_outlives_a_failed_handshake_passes(void)
{
    for (int lost = 0; lost < 2; lost++) {
        struct story s;
        begin_with(&s, MAIL_HOOKED);
        struct event *ev = story_add(&s, 16, EV_HTTP_RESPONSE, SIDE_SERVER, BY_FAULT);
        ev->http_response = (struct ev_http_response){.status = 503};
        story_shut(&s, 16, SIDE_CLIENT, BY_FAULT, "close");
        story_of(&s, 0, 3);
        story_open(&s, 18);
        if (!lost)
            mail_burst(&s, 18.1, 6, 25);
        mail_expect(&s, 30, rule, lost ? FAIL : PASS,
                    "1 handshake of up to 5.0 s, 1 of which failed,");
    }
}

static void a_connection_that_does_not_open_decides_nothing(void)
{
    struct story s;
    begin_with(&s, MAIL_HOOKED);
    mail_expect(&s, 30, rule, INCONCLUSIVE, "no connection opened");
}

static void a_connection_that_does_not_last_decides_nothing(void)
{
    struct story s;
    begin(&s);
    mail_expect(&s, 20.9, rule, INCONCLUSIVE, "lasted the 5 s");
}

/* It sent something more, and counts that: its numbers are not those that were asked for. */
static void a_client_that_counts_by_itself_decides_nothing(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 1, 1, 5);
    mail_burst(&s, 9, 6, 8);
    story_fault(&s, 10, "reset", SIDE_CLIENT, false);
    story_cut(&s, 10, "reset", "rst");
    story_of(&s, 0, 2);
    story_attempt(&s, 11);
    mail_ask(&s, 11.1, 6, 25);
    open_late(&s, 16);
    mail_burst(&s, 16.1, 9, 28);
    mail_expect(&s, 30, rule, INCONCLUSIVE, "do not tell which");
}

static void without_hook_or_id_it_is_not_tested(void)
{
    struct story s;
    begin_with(&s, MAIL_DECLARED);
    mail_expect(&s, 30, rule, NOT_TESTED, "give hooks.send");
    begin_with(&s, "{\"hooks\":{\"send\":\"stdin\"}}");
    mail_expect(&s, 30, rule, NOT_TESTED, "give messages.id");
}

SUITE(state_connecting_queue, TEST(all_once_and_in_order_pass), TEST(what_is_lost_fails),
      TEST(one_that_is_lost_fails), TEST(what_comes_twice_fails),
      TEST(an_older_message_again_is_not_counted), TEST(what_comes_backwards_fails),
      TEST(five_are_enough), TEST(what_was_asked_for_between_attempts_is_not_counted),
      TEST(what_outlives_a_failed_handshake_passes),
      TEST(a_connection_that_does_not_open_decides_nothing),
      TEST(a_connection_that_does_not_last_decides_nothing),
      TEST(a_client_that_counts_by_itself_decides_nothing),
      TEST(without_hook_or_id_it_is_not_tested))
