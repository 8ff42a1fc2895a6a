/* message.max_size, message.chunking, security.tls, close.truncation. */
#include "tests/check.h"
#include "tests/unit/offence_story.h"

extern const struct rule_desc message_max_size_rule;
extern const struct rule_desc message_chunking_rule;
extern const struct rule_desc security_tls_rule;
extern const struct rule_desc close_truncation_rule;

#define MIB ((uint64_t)1 << 20)

static void begin(struct story *s)
{
    story_begin(s);
    story_open(s, 0);
    story_probe(s, 1);
}

/* --- max_size --- */

static void announced(struct story *s)
{
    begin(s);
    story_offence(s, 5, "oversize_message", "{\"size\":\"17825792B\"}");
}

static void expect_size(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 30);
    story_expect(s, &message_max_size_rule, want, part);
}

static void refusing_with_1009_passes(void)
{
    struct story s;
    announced(&s);
    story_fail(&s, 5.01, 1009);
    expect_size(&s, PASS, "1 message of 17 MiB was refused with 1009 as soon as announced");
}

static void refusing_with_another_code_warns(void)
{
    struct story s;
    announced(&s);
    story_fail(&s, 5.01, 1002);
    expect_size(&s, WARN, "but with 1002; 1009 says what was wrong");
}

static void a_bare_end_warns(void)
{
    struct story s;
    announced(&s);
    story_fin(&s, 5.01, SIDE_CLIENT);
    expect_size(&s, WARN, "but without a Close");
}

static void no_limit_warns(void)
{
    struct story s;
    announced(&s);
    expect_size(&s, WARN, "would have been taken");
}

static void who_does_not_read_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_offence(&s, 5, "oversize_message", "{\"size\":\"17825792B\"}");
    expect_size(&s, INCONCLUSIVE, "nothing shows that the client reads");
}

static void without_a_giant_it_is_inconclusive(void)
{
    struct story s;
    begin(&s);
    story_bad_frame(&s, 5, "reserved_bits");
    expect_size(&s, INCONCLUSIVE, "the fault oversize_message");
}

/* --- chunking --- */

static void largest(uint64_t len, enum side from, enum verdict want, const char *part)
{
    struct story s;
    begin(&s);
    story_data(&s, 2, from, "d", 10);
    story_data(&s, 3, from, "d", len);
    story_run_end(&s, 30);
    story_expect(&s, &message_chunking_rule, want, part);
}

static void a_mebibyte_passes(void)
{
    largest(MIB, SIDE_CLIENT, PASS, "the largest of 2 messages of the client has 1.00 MiB");
}

static void a_byte_more_warns(void)
{
    largest(MIB + 1, SIDE_CLIENT, WARN, "allowed 1.00 MiB");
}

static void sixteen_mebibytes_warn(void)
{
    largest(16 * MIB, SIDE_CLIENT, WARN, "has 16 MiB");
}

static void more_than_sixteen_fail(void)
{
    largest(16 * MIB + 1, SIDE_CLIENT, FAIL, "allowed 1.00 MiB");
}

static void what_the_server_sends_is_not_the_clients(void)
{
    largest(17 * MIB, SIDE_SERVER, NOT_TESTED, "the client sends no messages");
}

static void fragments_are_added_up(void)
{
    struct story s;
    begin(&s);
    struct event *ev = story_add(&s, 2, EV_WS_MESSAGE, SIDE_CLIENT, BY_ENDPOINT);
    ev->ws_message = (struct ev_ws_message){
        .opcode = 2, .len = 17 * MIB, .frames = 17, .hash = "d", .sig = "d", .kind = ""};
    story_data(&s, 3, SIDE_CLIENT, "d", 10);
    story_run_end(&s, 30);
    story_expect(&s, &message_chunking_rule, FAIL, "the largest of 2 messages");
}

static void refused_by(enum cause server, bool clients_first, enum verdict want, const char *part)
{
    struct story s;
    begin(&s);
    s.server_by = server;
    story_data(&s, 2, SIDE_CLIENT, "d", 10);
    if (clients_first)
        story_close(&s, 4, SIDE_CLIENT, 1009);
    story_close(&s, 5, SIDE_SERVER, 1009);
    story_run_end(&s, 30);
    story_expect(&s, &message_chunking_rule, want, part);
}

static void what_our_server_refuses_fails(void)
{
    refused_by(BY_BUILTIN, false, FAIL, "larger than 16 MiB");
}

static void what_another_server_refuses_warns(void)
{
    refused_by(BY_ENDPOINT, false, WARN, "the server refused a message");
}

static void a_servers_echo_refuses_nothing(void)
{
    refused_by(BY_ENDPOINT, true, PASS, "the largest of 1 messages");
}

/* --- tls --- */

static void good(struct story *s)
{
    story_begin(s);
    (void)story_add(s, 0, EV_TLS_OPEN, SIDE_CLIENT, BY_PROXY);
    story_open(s, 0);
}

static void met(struct story *s, double at, const char *fault)
{
    story_of(s, 0, s->conn + 1);
    story_fault(s, at, fault, SIDE_CLIENT, false);
    struct event *ev = story_add(s, at, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){
        .fault = fault, .label = fault, .verb = "tls", .detail = "", .count = 1};
}

static void refused(struct story *s, double at)
{
    (void)story_add(s, at, EV_TLS_FAILED, SIDE_CLIENT, BY_FAULT);
}

static void expect_tls(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 100);
    story_expect(s, &security_tls_rule, want, part);
}

static void refusing_all_three_passes(void)
{
    struct story s;
    good(&s);
    met(&s, 10, "tls_untrusted");
    refused(&s, 10.01);
    met(&s, 20, "tls_wrong_name");
    refused(&s, 20.01);
    met(&s, 30, "tls_expired");
    refused(&s, 30.01);
    expect_tls(
        &s, PASS,
        "3 connections with a certificate by an authority nobody trusts, for another name and "
        "that has expired were given up");
}

static void one_request_fails(void)
{
    struct story s;
    good(&s);
    met(&s, 10, "tls_untrusted");
    refused(&s, 10.01);
    met(&s, 20, "tls_expired");
    (void)story_add(&s, 20.01, EV_TLS_OPEN, SIDE_CLIENT, BY_PROXY);
    story_open(&s, 20.02);
    expect_tls(&s, FAIL, "1 of 2 connections went on with a certificate that has expired");
}

/* TLS 1.3: node looks at the certificate when the handshake is over. */
static void an_open_handshake_without_a_request_is_a_refusal(void)
{
    struct story s;
    good(&s);
    met(&s, 10, "tls_untrusted");
    (void)story_add(&s, 10.01, EV_TLS_OPEN, SIDE_CLIENT, BY_PROXY);
    story_fin(&s, 10.02, SIDE_CLIENT);
    expect_tls(&s, PASS, "1 connections with a certificate");
}

static void who_trusts_nothing_shows_nothing(void)
{
    struct story s;
    story_begin(&s);
    met(&s, 10, "tls_expired");
    refused(&s, 10.01);
    expect_tls(&s, INCONCLUSIVE, "no good one was seen to be accepted");
}

static void a_handshake_under_way_at_the_end_shows_nothing(void)
{
    struct story s;
    good(&s);
    met(&s, 99, "tls_expired");
    expect_tls(&s, INCONCLUSIVE, "before the client had made up its mind");
}

static void other_faults_of_tls_are_no_certificates(void)
{
    struct story s;
    good(&s);
    met(&s, 10, "tls_alert");
    refused(&s, 10.01);
    expect_tls(&s, INCONCLUSIVE, "no connection met a wrong certificate");
}

/* --- truncation --- */

static void truncated(struct story *s)
{
    begin(s);
    story_cut(s, 10, "tls_truncate", "truncate");
}

static void coming_back_passes(void)
{
    struct story s;
    truncated(&s);
    story_of(&s, 0, 2);
    story_open(&s, 12);
    story_run_end(&s, 100);
    story_expect(&s, &close_truncation_rule, PASS, "after 1 of 1 truncated connections");
}

static void staying_away_for_a_minute_fails(void)
{
    struct story s;
    truncated(&s);
    story_run_end(&s, 70);
    story_expect(&s, &close_truncation_rule, FAIL, "no new one within 60 s");
}

static void less_than_a_minute_shows_nothing(void)
{
    struct story s;
    truncated(&s);
    story_run_end(&s, 69.9);
    story_expect(&s, &close_truncation_rule, INCONCLUSIVE, "60 s would have shown");
}

static void a_process_that_ends_stays_away(void)
{
    struct story s;
    truncated(&s);
    story_exit(&s, 11, "exit 0", false);
    story_run_end(&s, 12);
    story_expect(&s, &close_truncation_rule, FAIL, "the process ended (exit 0)");
}

static void a_process_that_we_ended_does_not(void)
{
    struct story s;
    truncated(&s);
    story_exit(&s, 11, "signal 15", true);
    story_run_end(&s, 12);
    story_expect(&s, &close_truncation_rule, INCONCLUSIVE, "60 s would have shown");
}

static void another_kind_of_cut_is_no_truncation(void)
{
    struct story s;
    begin(&s);
    story_cut(&s, 10, "reset", "rst");
    story_run_end(&s, 100);
    story_expect(&s, &close_truncation_rule, INCONCLUSIVE, "no open connection was truncated");
}

static void behind_a_close_it_is_none(void)
{
    struct story s;
    begin(&s);
    story_close(&s, 9, SIDE_CLIENT, 1000);
    story_cut(&s, 10, "tls_truncate", "truncate");
    story_run_end(&s, 100);
    story_expect(&s, &close_truncation_rule, INCONCLUSIVE, "no open connection was truncated");
}

/* It has lost nothing that it would have to make good. */
static void a_second_connection_that_lives_on_is_enough(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_of(&s, 0, 2);
    story_open(&s, 1);
    story_cut(&s, 10, "tls_truncate", "truncate");
    story_run_end(&s, 100);
    story_expect(&s, &close_truncation_rule, INCONCLUSIVE, "no open connection was truncated");
}

SUITE(size_and_tls_rules, TEST(refusing_with_1009_passes), TEST(refusing_with_another_code_warns),
      TEST(a_bare_end_warns), TEST(no_limit_warns), TEST(who_does_not_read_is_not_judged),
      TEST(without_a_giant_it_is_inconclusive), TEST(a_mebibyte_passes), TEST(a_byte_more_warns),
      TEST(sixteen_mebibytes_warn), TEST(more_than_sixteen_fail),
      TEST(what_the_server_sends_is_not_the_clients), TEST(fragments_are_added_up),
      TEST(what_our_server_refuses_fails), TEST(what_another_server_refuses_warns),
      TEST(a_servers_echo_refuses_nothing), TEST(refusing_all_three_passes),
      TEST(one_request_fails), TEST(an_open_handshake_without_a_request_is_a_refusal),
      TEST(who_trusts_nothing_shows_nothing), TEST(a_handshake_under_way_at_the_end_shows_nothing),
      TEST(other_faults_of_tls_are_no_certificates), TEST(coming_back_passes),
      TEST(staying_away_for_a_minute_fails), TEST(less_than_a_minute_shows_nothing),
      TEST(a_process_that_ends_stays_away), TEST(a_process_that_we_ended_does_not),
      TEST(another_kind_of_cut_is_no_truncation), TEST(behind_a_close_it_is_none),
      TEST(a_second_connection_that_lives_on_is_enough))
