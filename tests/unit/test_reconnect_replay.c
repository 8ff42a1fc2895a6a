/* reconnect.replay: what falls due without a connection arrives after it. */
#include "tests/check.h"
#include "tests/unit/mail_story.h"

extern const struct rule_desc reconnect_replay_rule;

static const struct rule_desc *const rule = &reconnect_replay_rule;

/* 50 messages over 10 s, an outage of 8 s with 40 more, what became of them at 18.1 s, and 50
 * further ones. What was asked for in the first second of the outage may have been under way. */
static void begin(struct story *s)
{
    mail_begin(s, MAIL_HOOKED);
    mail_live(s, 0, 1, 50);
    mail_outage(s, 10, 18);
    mail_ask(s, 10.01, 51, 90);
    mail_live(s, 18.5, 91, 140);
}

static void all_of_an_outage_in_order_pass(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 18.1, 51, 90);
    mail_expect(&s, 40, rule, PASS,
                "all 35 messages that fell due while the client had no connection for 8.00 s");
}

static void what_is_missing_fails(void)
{
    struct story s;
    begin(&s);
    mail_expect(&s, 40, rule, FAIL, "35 of 35 messages that fell due");
}

static void one_that_is_missing_is_named(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 18.1, 51, 69);
    mail_burst(&s, 18.1, 71, 90);
    mail_expect(
        &s, 40, rule, FAIL,
        "1 of 35 messages that fell due while the client had no connection for 8.00 s never arrived (id 70)");
}

static void what_was_under_way_at_the_loss_is_not_counted(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 18.1, 56, 90);
    mail_expect(&s, 40, rule, PASS, "all 35");
}

static void noise_makes_that_time_longer(void)
{
    struct story s;
    begin(&s);
    story_noise(&s, 0.1);
    mail_burst(&s, 18.1, 57, 90);
    mail_expect(&s, 40, rule, PASS, "all 34");
}

/* Three seconds of target time at speed 10. */
static void so_does_speed(void)
{
    struct story s;
    story_begin(&s);
    story_target(&s, MAIL_HOOKED);
    s.events[0].run_start.speed = 10;
    story_open(&s, 0);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_live(&s, 18.5, 91, 140);
    mail_burst(&s, 18.1, 66, 90);
    mail_expect(&s, 40, rule, PASS, "all 25");
}

static void a_newer_one_before_an_older_one_fails(void)
{
    struct story s;
    begin(&s);
    mail_burst_reversed(&s, 18.1, 51, 90);
    mail_expect(&s, 40, rule, FAIL, "34 of 35 messages");
}

/* Asked for over HTTP, the second before the first was taken. */
static void what_was_asked_for_at_the_same_time_has_no_order(void)
{
    struct story s;
    begin(&s);
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].kind == EV_HOOK_ASKED && s.events[i].hook_asked.number == 61) {
            s.events[i].at += NSEC_PER_SEC;
            s.events[i].hook_asked.took = NSEC_PER_SEC;
        }
    mail_burst(&s, 18.1, 51, 60);
    mail_burst(&s, 18.1, 62, 62);
    mail_burst(&s, 18.1, 61, 61);
    mail_burst(&s, 18.1, 63, 90);
    mail_expect(&s, 40, rule, PASS, "all 35");
}

static void a_queue_that_dropped_its_oldest_is_a_warning(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 18.1, 81, 90);
    mail_expect(&s, 40, rule, WARN, "25 of 35 messages");
}

static void too_few_of_the_newest_are_no_queue(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 18.1, 82, 90);
    mail_expect(&s, 40, rule, FAIL, "26 of 35 messages");
}

static void a_queue_that_took_no_newer_ones_fails(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 18.1, 51, 80);
    mail_expect(&s, 40, rule, FAIL, "10 of 35 messages");
}

static void four_messages_show_nothing_and_five_do(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 12, 51, 54);
    mail_burst(&s, 18.1, 51, 54);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "only 4 messages fell due");
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 12, 51, 55);
    mail_burst(&s, 18.1, 51, 55);
    mail_expect(&s, 40, rule, PASS, "all 5");
}

/* Its copies took numbers, so that later ones no longer fit what was asked for. */
static void copies_under_new_ids_lose_nothing(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_burst(&s, 18.1, 51, 93);
    mail_ask(&s, 18.5, 91, 140);
    mail_send(&s, 18.501, 94, 143);
    mail_expect(&s, 40, rule, PASS, "all 35");
}

/* Each connection has a thousand numbers of its own. */
static void ids_that_jump_with_each_connection_are_tallied(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_burst(&s, 18.1, 1051, 1090);
    mail_ask(&s, 18.5, 91, 140);
    mail_send(&s, 18.501, 1091, 1140);
    mail_expect(&s, 40, rule, PASS, "all 35");
}

static void what_was_not_taken_is_not_missing(void)
{
    struct story s;
    begin(&s);
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].kind == EV_HOOK_ASKED && s.events[i].at > 11 * NSEC_PER_SEC &&
            s.events[i].at < 18 * NSEC_PER_SEC)
            s.events[i].hook_asked.answer = "HTTP 503";
    mail_expect(&s, 40, rule, INCONCLUSIVE, "only 0 messages fell due");
}

static void ids_may_be_shifted_against_the_numbers(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_ask(&s, 0, 1, 50);
    mail_send(&s, 0.001, 101, 150);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_burst(&s, 18.1, 151, 189);
    mail_ask(&s, 18.5, 91, 140);
    mail_send(&s, 18.501, 191, 240);
    mail_expect(&s, 40, rule, FAIL, "never arrived (id 190)");
}

/* Ids that count are known from the fifth message on. */
static void what_is_asked_for_needs_no_declared_ids(void)
{
    struct story s;
    mail_begin(&s, "{\"hooks\":{\"send\":\"stdin\"}}");
    mail_how("counted");
    mail_ask(&s, 0, 1, 50);
    mail_send(&s, 0.801, 5, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_live(&s, 18.5, 91, 140);
    mail_expect(&s, 40, rule, FAIL, "35 of 35");
}

static void words_as_ids(struct story *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->events[i].kind == EV_WS_ID) {
            char *word = (char *)s->events[i].ws_id.id;
            if (word[0] <= '9')
                word[0] = (char)(word[0] + ('a' - '0'));
        }
}

static void ids_that_are_no_numbers_are_tallied(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 18.1, 51, 90);
    words_as_ids(&s);
    mail_expect(&s, 40, rule, PASS, "all 35");
}

static void ids_that_are_no_numbers_and_too_few_fail(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 18.1, 51, 70);
    words_as_ids(&s);
    mail_expect(&s, 40, rule, FAIL, "15 of 35 messages");
}

static void what_may_have_been_under_way_is_not_missing_from_a_tally(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 18.1, 63, 90);
    words_as_ids(&s);
    mail_expect(&s, 40, rule, PASS, "all 35");
}

static void more_than_what_is_asked_for_cannot_be_tallied(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 5.05, 300, 302);
    words_as_ids(&s);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "do not tell which of those it was asked to send");
}

static void less_than_what_is_asked_for_cannot_be_tallied(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_ask(&s, 0, 1, 50);
    mail_send(&s, 0.001, 1, 40);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    words_as_ids(&s);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "do not tell which of those it was asked to send");
}

/* Two seconds of them, on a host that is so noisy. */
static void noise_lets_more_be_under_way_at_the_loss(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    story_noise(&s, 0.5);
    mail_ask(&s, 0, 1, 50);
    mail_send(&s, 0.001, 1, 41);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_burst(&s, 18.1, 51, 90);
    words_as_ids(&s);
    mail_expect(&s, 40, rule, PASS, "all 30");
}

static void a_client_that_counts_anew_is_not_judged_by_its_ids(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_ask(&s, 18.5, 91, 140);
    mail_send(&s, 18.501, 1, 50);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "do not tell");
}

/* --- Without the hook --- */

static void by_itself(struct story *s, const char *declares)
{
    mail_begin(s, declares);
    mail_send(s, 0, 1, 50);
    mail_outage(s, 10, 18);
    mail_send(s, 18.5, 91, 140);
}

static void numbers_of_its_own_that_all_come_pass(void)
{
    struct story s;
    by_itself(&s, MAIL_DECLARED);
    mail_burst(&s, 18.1, 51, 90);
    mail_expect(&s, 40, rule, PASS, "arrived afterwards, in order");
}

static void numbers_of_its_own_that_are_missing_fail(void)
{
    struct story s;
    by_itself(&s, MAIL_DECLARED);
    mail_expect(&s, 40, rule, FAIL, "never arrived (ids from 56 to 90)");
}

static void numbers_that_nobody_declared_decide_nothing_against_it(void)
{
    struct story s;
    mail_begin(&s, MAIL_NOTHING);
    mail_how("counted");
    mail_send(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_send(&s, 18.5, 91, 140);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "messages.id would say so");
}

static void numbers_that_nobody_declared_acquit_it(void)
{
    struct story s;
    mail_begin(&s, MAIL_NOTHING);
    mail_how("counted");
    mail_send(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_burst(&s, 18.1, 51, 90);
    mail_send(&s, 18.5, 91, 140);
    mail_expect(&s, 40, rule, PASS, "arrived afterwards");
}

static void nine_numbers_are_too_few_to_tell_and_ten_are_not(void)
{
    for (unsigned count = 9; count <= 10; count++) {
        struct story s;
        mail_begin(&s, MAIL_DECLARED);
        mail_send(&s, 0, 1, count);
        mail_outage(&s, 2, 18);
        mail_burst(&s, 18.1, count + 1, count + 80);
        mail_expect(&s, 40, rule, count == 9 ? INCONCLUSIVE : PASS,
                    count == 9 ? "do not tell whether one is missing" : "arrived afterwards");
    }
}

/* Two kinds count, each for itself: the commoner is looked at. */
static void kinds_that_count_are_not_mixed(void)
{
    struct story s;
    mail_begin(&s, MAIL_NOTHING);
    mail_how("counted");
    mail_send(&s, 0, 1, 50);
    for (unsigned i = 0; i < 20; i++) {
        mail_burst(&s, i, 900 + i, 900 + i);
        s.events[s.count - 2].ws_frame.sig = "other";
    }
    mail_outage(&s, 10, 18);
    mail_burst(&s, 18.1, 51, 90);
    mail_send(&s, 18.5, 91, 140);
    mail_expect(&s, 40, rule, PASS, "arrived afterwards");
}

static void a_client_that_pauses_while_away_is_not_tested(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    mail_send(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_send(&s, 18.5, 51, 100);
    mail_expect(&s, 40, rule, NOT_TESTED,
                "sends nothing while it has no connection; give hooks.send");
}

/* A rate that is a tenth higher afterwards adds up, and is no burst. */
static void a_client_that_is_a_little_faster_afterwards_kept_nothing(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    mail_send(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    for (unsigned i = 0; i < 300; i++)
        mail_burst(&s, 18.5 + 0.18 * i, 51 + i, 51 + i);
    mail_expect(&s, 90, rule, NOT_TESTED, "sends nothing while it has no connection");
}

static void numbers_with_holes_of_their_own_tell_nothing(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    mail_send(&s, 0, 1, 24);
    mail_send(&s, 5, 26, 50);
    mail_outage(&s, 10, 18);
    mail_send(&s, 18.5, 91, 140);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "do not tell whether one is missing");
}

/* --- Nothing to judge --- */

static void a_silent_client_is_not_tested(void)
{
    struct story s;
    mail_begin(&s, MAIL_NOTHING);
    mail_outage(&s, 10, 18);
    mail_expect(&s, 40, rule, NOT_TESTED, "give hooks.send");
}

static void a_client_without_ids_is_not_tested(void)
{
    struct story s;
    mail_begin(&s, MAIL_NOTHING);
    story_data(&s, 1, SIDE_CLIENT, "x", 5);
    mail_outage(&s, 10, 18);
    mail_expect(&s, 40, rule, NOT_TESTED, "give messages.id");
}

static void a_pattern_that_finds_nothing_is_inconclusive(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    story_data(&s, 1, SIDE_CLIENT, "x", 5);
    mail_outage(&s, 10, 18);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "messages.id finds nothing in the 1 messages");
}

static void a_client_that_does_not_listen_to_its_hook_is_inconclusive(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_ask(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "asked 50 times to send, and no message came");
}

static void a_client_that_never_came_back_is_inconclusive(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    story_cut(&s, 10, "reset", "rst");
    mail_ask(&s, 10.01, 51, 90);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "not connected again");
}

static void a_connection_that_did_not_last_is_inconclusive(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_expect(&s, 22.9, rule, INCONCLUSIVE, "no new connection lasted the 5 s");
}

static void without_a_loss_there_is_nothing_to_replay(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "never lost its only connection");
}

/* What it had to send could go out on the other one. */
static void losing_one_of_two_connections_is_no_outage(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    story_of(&s, 0, 9);
    story_open(&s, 0.01);
    story_of(&s, 0, 1);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "never lost its only connection");
}

static void a_connection_that_the_client_ends_is_not_lost(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 50);
    story_close(&s, 10, SIDE_CLIENT, 1000);
    story_fin(&s, 10, SIDE_CLIENT);
    story_of(&s, 0, 2);
    story_open(&s, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_expect(&s, 40, rule, INCONCLUSIVE, "never lost its only connection");
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_open(&s, 0);
    mail_outage(&s, 10, 18);
    mail_expect(&s, 40, rule, NOT_APPLICABLE, "halfopen's own");
}

/* Another client's messages are not this one's. */
static void clients_are_judged_apart(void)
{
    struct story s;
    begin(&s);
    mail_burst(&s, 18.1, 51, 90);
    story_of(&s, 1, 11);
    story_open(&s, 0);
    mail_live(&s, 0, 1, 50);
    mail_outage(&s, 10, 18);
    mail_ask(&s, 10.01, 51, 90);
    mail_live(&s, 18.5, 91, 140);
    mail_expect(&s, 40, rule, FAIL, "35 of 35");
}

SUITE(reconnect_replay, TEST(four_messages_show_nothing_and_five_do),
      TEST(copies_under_new_ids_lose_nothing), TEST(ids_that_jump_with_each_connection_are_tallied),
      TEST(what_may_have_been_under_way_is_not_missing_from_a_tally),
      TEST(more_than_what_is_asked_for_cannot_be_tallied),
      TEST(less_than_what_is_asked_for_cannot_be_tallied),
      TEST(noise_lets_more_be_under_way_at_the_loss),
      TEST(nine_numbers_are_too_few_to_tell_and_ten_are_not), TEST(kinds_that_count_are_not_mixed),
      TEST(losing_one_of_two_connections_is_no_outage),
      TEST(a_connection_that_the_client_ends_is_not_lost), TEST(all_of_an_outage_in_order_pass),
      TEST(what_is_missing_fails), TEST(one_that_is_missing_is_named),
      TEST(what_was_under_way_at_the_loss_is_not_counted), TEST(noise_makes_that_time_longer),
      TEST(so_does_speed), TEST(a_newer_one_before_an_older_one_fails),
      TEST(what_was_asked_for_at_the_same_time_has_no_order),
      TEST(a_queue_that_dropped_its_oldest_is_a_warning), TEST(too_few_of_the_newest_are_no_queue),
      TEST(a_queue_that_took_no_newer_ones_fails), TEST(what_was_not_taken_is_not_missing),
      TEST(ids_may_be_shifted_against_the_numbers), TEST(what_is_asked_for_needs_no_declared_ids),
      TEST(ids_that_are_no_numbers_are_tallied), TEST(ids_that_are_no_numbers_and_too_few_fail),
      TEST(a_client_that_counts_anew_is_not_judged_by_its_ids),
      TEST(numbers_of_its_own_that_all_come_pass), TEST(numbers_of_its_own_that_are_missing_fail),
      TEST(numbers_that_nobody_declared_decide_nothing_against_it),
      TEST(numbers_that_nobody_declared_acquit_it),
      TEST(a_client_that_pauses_while_away_is_not_tested),
      TEST(a_client_that_is_a_little_faster_afterwards_kept_nothing),
      TEST(numbers_with_holes_of_their_own_tell_nothing), TEST(a_silent_client_is_not_tested),
      TEST(a_client_without_ids_is_not_tested), TEST(a_pattern_that_finds_nothing_is_inconclusive),
      TEST(a_client_that_does_not_listen_to_its_hook_is_inconclusive),
      TEST(a_client_that_never_came_back_is_inconclusive),
      TEST(a_connection_that_did_not_last_is_inconclusive),
      TEST(without_a_loss_there_is_nothing_to_replay), TEST(halfopens_own_client_is_not_judged),
      TEST(clients_are_judged_apart))
