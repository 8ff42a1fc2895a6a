/* reconnect.queue_bound: what is kept while offline does not grow with the outage. */
#include "tests/check.h"
#include "tests/unit/mail_story.h"

extern const struct rule_desc reconnect_queue_bound_rule;

static const struct rule_desc *const rule = &reconnect_queue_bound_rule;

/* 20 messages, an outage of 10 s and one of 20 s with so many more, of which so many came. */
static void begin(struct story *s, unsigned due, unsigned kept, unsigned due_longer)
{
    mail_begin(s, MAIL_HOOKED);
    mail_live(s, 0, 1, 20);
    mail_outage(s, 10, 20);
    mail_ask_all(s, 12, 21, 20 + due);
    mail_burst(s, 20.1, 21 + due - kept, 20 + due);
    mail_outage(s, 40, 60);
    mail_ask_all(s, 42, 21 + due, 20 + due + due_longer);
}

static void as_much_after_twice_the_time_is_a_bound(void)
{
    struct story s;
    begin(&s, 50, 50, 100);
    mail_burst(&s, 60.1, 121, 170);
    mail_expect(&s, 80, rule, PASS, "no more after the longer outage: bounded");
}

static void a_little_more_is_a_bound_too(void)
{
    struct story s;
    begin(&s, 50, 50, 100);
    mail_burst(&s, 60.1, 111, 170);
    mail_expect(&s, 80, rule, PASS, "kept 50 of 50 messages");
}

static void what_the_longer_outage_dropped_shows_the_bound(void)
{
    struct story s;
    begin(&s, 50, 50, 100);
    mail_burst(&s, 60.1, 82, 170);
    mail_expect(&s, 80, rule, PASS, "what was beyond a bound was dropped");
}

static void a_queue_that_takes_no_newer_ones_has_a_bound(void)
{
    struct story s;
    begin(&s, 50, 50, 100);
    mail_burst(&s, 60.1, 71, 159);
    mail_expect(&s, 80, rule, PASS, "what was beyond a bound was dropped");
}

static void everything_and_little_is_a_warning(void)
{
    struct story s;
    begin(&s, 50, 50, 100);
    mail_burst(&s, 60.1, 71, 170);
    mail_expect(&s, 80, rule, WARN, "up to there no bound shows");
}

static void somewhat_more_but_not_in_proportion_is_a_warning(void)
{
    struct story s;
    begin(&s, 50, 50, 80);
    mail_burst(&s, 60.1, 71, 142);
    mail_burst(&s, 60.1, 144, 149);
    mail_expect(&s, 80, rule, WARN, "not in proportion");
}

/* Lost from the middle: that is no queue that dropped what was too much. */
static void holes_show_no_bound(void)
{
    struct story s;
    begin(&s, 50, 50, 100);
    mail_burst(&s, 60.1, 71, 120);
    mail_burst(&s, 60.1, 141, 170);
    mail_expect(&s, 80, rule, WARN, "up to there no bound shows");
}

static void more_than_ten_thousand_fail_and_ten_thousand_do_not(void)
{
    struct story s;
    begin(&s, 100, 100, 10000);
    mail_burst(&s, 60.1, 121, 10120);
    mail_expect(&s, 80, rule, WARN, "10000 of 10000");
    begin(&s, 100, 100, 10001);
    mail_burst(&s, 60.1, 121, 10121);
    mail_expect(&s, 80, rule, FAIL, "grows with the outage, and no bound shows");
}

static void set_lens(struct story *s, double from, uint64_t len)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->events[i].kind == EV_WS_FRAME && s->events[i].at >= nsec_from_seconds(from))
            s->events[i].ws_frame.len = len;
}

static void more_than_8_mib_fail_and_8_do_not(void)
{
    struct story s;
    begin(&s, 50, 50, 128);
    mail_burst(&s, 60.1, 71, 198);
    set_lens(&s, 60, 64 << 10);
    mail_expect(&s, 80, rule, WARN, "(8.00 MiB)");
    begin(&s, 50, 50, 129);
    mail_burst(&s, 60.1, 71, 199);
    set_lens(&s, 60, 64 << 10);
    mail_expect(&s, 80, rule, FAIL, "129 of 129 messages");
}

static void a_great_deal_that_is_not_all_is_a_warning(void)
{
    struct story s;
    begin(&s, 50, 50, 200);
    mail_burst(&s, 60.1, 71, 150);
    mail_burst(&s, 60.1, 191, 270);
    set_lens(&s, 60, 64 << 10);
    mail_expect(&s, 80, rule, WARN, "160 of 200 messages (10 MiB)");
}

static void what_keeps_nothing_is_bounded(void)
{
    struct story s;
    begin(&s, 50, 0, 100);
    mail_expect(&s, 80, rule, PASS, "nothing is kept, see reconnect.replay");
}

static void without_a_longer_outage_it_is_inconclusive(void)
{
    struct story s;
    begin(&s, 50, 50, 79);
    mail_burst(&s, 60.1, 71, 149);
    mail_expect(&s, 80, rule, INCONCLUSIVE, "it takes two outages");
}

static void a_few_messages_are_inconclusive(void)
{
    struct story s;
    begin(&s, 10, 10, 19);
    mail_burst(&s, 60.1, 31, 49);
    mail_expect(&s, 80, rule, INCONCLUSIVE, "it takes two outages, with at least 20");
}

/* Still coming when the run ends. */
static void a_queue_that_still_empties_is_inconclusive(void)
{
    struct story s;
    begin(&s, 50, 50, 100);
    mail_send(&s, 60.1, 71, 100);
    mail_expect(&s, 66.5, rule, INCONCLUSIVE, "did not last until all that was kept");
}

/* How much came can be counted without ids. */
static void messages_without_ids_can_be_counted(void)
{
    struct story s;
    begin(&s, 50, 50, 100);
    mail_burst(&s, 60.1, 71, 170);
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].kind == EV_WS_ID)
            s.events[i].kind = EV_MARK;
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].kind == EV_MARK)
            s.events[i].mark.text = "";
    mail_expect(&s, 80, rule, WARN, "kept 50 of 50 messages");
}

/* By itself, five a second: what comes beyond that was kept. */
static void a_client_that_sends_by_itself_is_judged_by_its_bursts(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    mail_send(&s, 0, 1, 50);
    mail_outage(&s, 10, 20);
    mail_burst(&s, 20.1, 51, 100);
    mail_send(&s, 20.2, 101, 195);
    mail_outage(&s, 40, 60);
    mail_burst(&s, 60.1, 246, 295);
    mail_send(&s, 60.2, 296, 390);
    mail_expect(&s, 80, rule, PASS, "no more after the longer outage");
}

static void a_client_that_pauses_while_away_is_not_tested(void)
{
    struct story s;
    mail_begin(&s, MAIL_DECLARED);
    mail_send(&s, 0, 1, 50);
    mail_outage(&s, 10, 20);
    mail_send(&s, 20.5, 51, 145);
    mail_outage(&s, 40, 60);
    mail_send(&s, 60.5, 146, 240);
    mail_expect(&s, 80, rule, NOT_TESTED,
                "sends nothing while it has no connection; give hooks.send");
}

static void a_client_that_stays_away_is_inconclusive(void)
{
    struct story s;
    mail_begin(&s, MAIL_HOOKED);
    mail_live(&s, 0, 1, 20);
    story_cut(&s, 10, "reset", "rst");
    mail_ask_all(&s, 12, 21, 70);
    mail_expect(&s, 80, rule, INCONCLUSIVE, "the client was not connected again");
}

static void a_silent_client_is_not_tested(void)
{
    struct story s;
    mail_begin(&s, MAIL_NOTHING);
    mail_outage(&s, 10, 20);
    mail_expect(&s, 40, rule, NOT_TESTED, "give hooks.send");
}

static void how_much_the_process_grew_is_told(void)
{
    struct story s;
    begin(&s, 50, 50, 100);
    mail_burst(&s, 60.1, 71, 170);
    story_memory(&s, 39, 1000000);
    story_memory(&s, 50, 3000000);
    story_memory(&s, 70, 9000000);
    story_of(&s, 1, 9);
    story_memory(&s, 51, 8000000);
    story_run_end(&s, 80);
    (void)story_judge(&s, rule, NULL); /* the other client sent nothing */
    CHECK_CONTAINS(s.findings.first->measured, "\"memory_rise_bytes\":2e+06");
    story_end(&s);
}

SUITE(reconnect_queue_bound, TEST(as_much_after_twice_the_time_is_a_bound),
      TEST(a_little_more_is_a_bound_too), TEST(what_the_longer_outage_dropped_shows_the_bound),
      TEST(a_queue_that_takes_no_newer_ones_has_a_bound), TEST(everything_and_little_is_a_warning),
      TEST(somewhat_more_but_not_in_proportion_is_a_warning), TEST(holes_show_no_bound),
      TEST(a_great_deal_that_is_not_all_is_a_warning),
      TEST(more_than_ten_thousand_fail_and_ten_thousand_do_not),
      TEST(more_than_8_mib_fail_and_8_do_not), TEST(what_keeps_nothing_is_bounded),
      TEST(without_a_longer_outage_it_is_inconclusive), TEST(a_few_messages_are_inconclusive),
      TEST(a_queue_that_still_empties_is_inconclusive), TEST(messages_without_ids_can_be_counted),
      TEST(a_client_that_sends_by_itself_is_judged_by_its_bursts),
      TEST(a_client_that_pauses_while_away_is_not_tested),
      TEST(a_client_that_stays_away_is_inconclusive), TEST(a_silent_client_is_not_tested),
      TEST(how_much_the_process_grew_is_told))
