/* close.abnormal, close.failure_code, close.handshake, close.nothing_after. */
#include "tests/check.h"
#include "tests/unit/offence_story.h"

extern const struct rule_desc close_abnormal_rule;
extern const struct rule_desc close_failure_code_rule;
extern const struct rule_desc close_handshake_rule;
extern const struct rule_desc close_nothing_after_rule;

static void begin(struct story *s)
{
    story_begin(s);
    story_open(s, 0);
    story_probe(s, 1);
}

/* --- abnormal --- */

static void expect_abnormal(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 200);
    story_expect(s, &close_abnormal_rule, want, part);
}

static void a_bad_code_answered_with(uint64_t code, const char *wrong, enum verdict want,
                                     const char *part)
{
    struct story s;
    begin(&s);
    story_bad_frame(&s, 5, "bad_close_code");
    struct event *ev = story_add(&s, 5.01, EV_WS_CLOSE, SIDE_CLIENT, BY_ENDPOINT);
    ev->ws_close = (struct ev_ws_close){.code = code, .reason = "", .wrong = wrong};
    story_fin(&s, 5.01, SIDE_CLIENT);
    expect_abnormal(&s, want, part);
}

static void answering_a_bad_code_with_1002_passes(void)
{
    a_bad_code_answered_with(1002, "", PASS, "closed within 10 ms");
}

static void answering_it_with_1000_warns(void)
{
    a_bad_code_answered_with(1000, "", WARN, "with 1000 as if nothing were wrong");
}

static void echoing_it_fails(void)
{
    a_bad_code_answered_with(1006, "a code that must not be sent", FAIL, "sent a Close with 1006");
}

static void cut_and_back_after(double away, enum verdict want, const char *part)
{
    struct story s;
    begin(&s);
    story_bad_frame(&s, 5, "short_close");
    story_fail(&s, 5.01, 1002);
    story_of(&s, 0, 2);
    story_open(&s, 6);
    story_cut(&s, 200 - away, "reset", "rst");
    expect_abnormal(&s, want, part);
}

static void staying_away_for_a_minute_after_a_bare_end_fails(void)
{
    cut_and_back_after(60, FAIL, "1 of 1 connections that ended without a Close");
}

static void less_than_a_minute_is_not_held_against_it(void)
{
    cut_and_back_after(59.9, PASS, "closed within");
}

static void coming_back_passes(void)
{
    struct story s;
    begin(&s);
    story_bad_frame(&s, 5, "short_close");
    story_fail(&s, 5.01, 1002);
    story_of(&s, 0, 2);
    story_open(&s, 6);
    story_cut(&s, 50, "reset", "rst");
    story_of(&s, 0, 3);
    story_open(&s, 55);
    expect_abnormal(&s, PASS, "closed within");
}

/* --- failure_code --- */

static void failed_with(const char *what, uint64_t code, enum verdict want)
{
    struct story s;
    begin(&s);
    story_bad_frame(&s, 5, what);
    if (code > 0)
        story_fail(&s, 5.01, code);
    else
        story_fin(&s, 5.01, SIDE_CLIENT);
    story_run_end(&s, 30);
    story_expect(&s, &close_failure_code_rule, want, "of the connections that failed");
}

static void the_code_that_fits_passes(void)
{
    failed_with("reserved_bits", 1002, PASS);
    failed_with("bad_utf8", 1007, PASS);
    failed_with("huge_length", 1009, PASS);
}

static void another_code_warns(void)
{
    failed_with("reserved_bits", 1008, WARN);
    failed_with("bad_utf8", 1002, WARN);
    failed_with("reserved_bits", 1005, WARN);
}

static void no_close_warns(void)
{
    failed_with("reserved_bits", 0, WARN);
}

static void an_ordinary_code_fails(void)
{
    failed_with("reserved_bits", 1000, FAIL);
}

static void what_was_accepted_is_another_rules(void)
{
    struct story s;
    begin(&s);
    story_bad_frame(&s, 5, "reserved_bits");
    story_run_end(&s, 30);
    story_expect(&s, &close_failure_code_rule, INCONCLUSIVE, "failed none of the 1 connections");
}

static void a_giant_wants_1009(void)
{
    struct story s;
    begin(&s);
    story_offence(&s, 5, "oversize_message", "{\"size\":\"17825792B\"}");
    story_fail(&s, 5.01, 1002);
    story_run_end(&s, 30);
    story_expect(&s, &close_failure_code_rule, WARN, "1009 would say what was wrong");
}

/* --- handshake --- */

static void expect_handshake(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 200);
    story_expect(s, &close_handshake_rule, want, part);
}

static void closed(struct story *s)
{
    begin(s);
    story_offence(s, 5, "close_with", "{\"code\":\"1001\",\"then\":\"nothing\"}");
}

static void answered_after(double took, enum verdict want, const char *part)
{
    struct story s;
    closed(&s);
    story_close(&s, 5 + took, SIDE_CLIENT, 1001);
    story_shut(&s, 5 + took, SIDE_CLIENT, BY_PROXY, "fin");
    expect_handshake(&s, want, part);
}

static void an_answer_within_a_second_passes(void)
{
    answered_after(1, PASS, "answered within 1.00 s");
}

static void an_answer_within_five_warns(void)
{
    answered_after(1.001, WARN, "answered only within");
    answered_after(5, WARN, "answered only within 5.00 s");
}

static void a_later_one_fails(void)
{
    answered_after(5.001, FAIL, "not answered with a Close");
}

static void an_end_without_a_close_fails(void)
{
    struct story s;
    closed(&s);
    story_fin(&s, 5.1, SIDE_CLIENT);
    expect_handshake(&s, FAIL, "not answered with a Close");
}

/* The fault ends TCP on the answer, and its FIN is recorded before the answer is. */
static void our_fin_on_the_answer_comes_after_it(void)
{
    struct story s;
    closed(&s);
    story_shut(&s, 5.1, SIDE_CLIENT, BY_FAULT, "fin");
    story_close(&s, 5.1, SIDE_CLIENT, 1001);
    expect_handshake(&s, PASS, "answered within 100 ms");
}

static void a_client_that_reads_nothing_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_offence(&s, 5, "close_with", "{\"code\":\"1001\"}");
    expect_handshake(&s, INCONCLUSIVE, "nothing shows that the client reads");
}

static void held_for(double held, enum verdict want, const char *part)
{
    struct story s;
    closed(&s);
    story_close(&s, 5.1, SIDE_CLIENT, 1001);
    if (held > 0)
        story_fin(&s, 5.1 + held, SIDE_CLIENT);
    expect_handshake(&s, want, part);
}

static void ten_seconds_without_an_end_of_tcp_pass(void)
{
    held_for(10, PASS, "it ended TCP itself after 10 s");
}

static void longer_than_ten_warns(void)
{
    held_for(10.001, WARN, "it ended TCP only after 10.0 s, allowed 10 s");
    held_for(60, WARN, "only after 60 s");
}

static void longer_than_sixty_fails(void)
{
    held_for(60.001, FAIL, "held on to the connection for 60.0 s");
    held_for(0, FAIL, "held on to the connection for 195 s");
}

static void an_end_by_the_server_is_no_holding_on(void)
{
    struct story s;
    closed(&s);
    story_close(&s, 5.1, SIDE_CLIENT, 1001);
    story_fin(&s, 5.2, SIDE_SERVER);
    story_shut(&s, 5.2, SIDE_CLIENT, BY_PROXY, "fin");
    expect_handshake(&s, PASS, "answered within 100 ms");
}

static void a_run_that_ends_first_shows_nothing(void)
{
    struct story s;
    closed(&s);
    story_close(&s, 5.1, SIDE_CLIENT, 1001);
    story_run_end(&s, 30);
    story_expect(&s, &close_handshake_rule, INCONCLUSIVE, "still held on to the connection");
}

/* --- nothing_after --- */

static void expect_nothing(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 200);
    story_expect(s, &close_nothing_after_rule, want, part);
}

static void closed_while_sending(struct story *s)
{
    begin(s);
    story_data(s, 2, SIDE_CLIENT, "d", 10);
    story_close(s, 5, SIDE_CLIENT, 1001);
}

static void silence_behind_a_close_passes(void)
{
    struct story s;
    closed_while_sending(&s);
    expect_nothing(&s, PASS, "no data came behind the client's Close on 1 connection");
}

static void data_behind_a_close_fails(void)
{
    struct story s;
    closed_while_sending(&s);
    story_data(&s, 5.1, SIDE_CLIENT, "d", 10);
    expect_nothing(&s, FAIL, "on 1 of 1 connections, 1 frames");
}

static void a_servers_data_is_not_the_clients(void)
{
    struct story s;
    closed_while_sending(&s);
    story_data(&s, 5.1, SIDE_SERVER, "d", 10);
    expect_nothing(&s, PASS, "no data came");
}

static void data_on_the_next_connection_is_fine(void)
{
    struct story s;
    closed_while_sending(&s);
    story_of(&s, 0, 2);
    story_open(&s, 6);
    story_data(&s, 7, SIDE_CLIENT, "d", 10);
    expect_nothing(&s, PASS, "no data came");
}

static void a_client_that_never_sends_is_not_tested(void)
{
    struct story s;
    begin(&s);
    story_close(&s, 5, SIDE_CLIENT, 1001);
    expect_nothing(&s, NOT_TESTED, "hooks.send");
}

static void without_a_close_it_is_inconclusive(void)
{
    struct story s;
    begin(&s);
    story_data(&s, 2, SIDE_CLIENT, "d", 10);
    expect_nothing(&s, INCONCLUSIVE, "the client sent no Close");
}

SUITE(close_rules, TEST(answering_a_bad_code_with_1002_passes), TEST(answering_it_with_1000_warns),
      TEST(echoing_it_fails), TEST(staying_away_for_a_minute_after_a_bare_end_fails),
      TEST(less_than_a_minute_is_not_held_against_it), TEST(coming_back_passes),
      TEST(the_code_that_fits_passes), TEST(another_code_warns), TEST(no_close_warns),
      TEST(an_ordinary_code_fails), TEST(what_was_accepted_is_another_rules),
      TEST(a_giant_wants_1009), TEST(an_answer_within_a_second_passes),
      TEST(an_answer_within_five_warns), TEST(a_later_one_fails),
      TEST(an_end_without_a_close_fails), TEST(our_fin_on_the_answer_comes_after_it),
      TEST(a_client_that_reads_nothing_is_not_judged), TEST(ten_seconds_without_an_end_of_tcp_pass),
      TEST(longer_than_ten_warns), TEST(longer_than_sixty_fails),
      TEST(an_end_by_the_server_is_no_holding_on), TEST(a_run_that_ends_first_shows_nothing),
      TEST(silence_behind_a_close_passes), TEST(data_behind_a_close_fails),
      TEST(a_servers_data_is_not_the_clients), TEST(data_on_the_next_connection_is_fine),
      TEST(a_client_that_never_sends_is_not_tested), TEST(without_a_close_it_is_inconclusive))
