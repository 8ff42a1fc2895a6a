/* message.deflate, on traces written by hand. */
#include <string.h>

#include "tests/check.h"
#include "tests/unit/offence_story.h"
#include "ws/frame.h"

extern const struct rule_desc message_deflate_rule;

static void message(struct story *s, double at, enum side side, uint64_t rsv)
{
    struct event *ev =
        story_add(s, at, EV_WS_FRAME, side, side == SIDE_CLIENT ? s->client_by : s->server_by);
    ev->ws_frame = (struct ev_ws_frame){
        .opcode = OPCODE_TEXT, .fin = true, .rsv = rsv, .passed = true, .hash = "m", .sig = "m"};
}

static void compressed(struct story *s, double at, enum side side)
{
    message(s, at, side, RSV1);
}

static void error(struct story *s, double at, enum side side, const char *what)
{
    struct event *ev = story_add(s, at, EV_WS_ERROR, side, BY_ENDPOINT);
    ev->ws_error = (struct ev_ws_error){.what = what};
}

/* A fault changes the answer on its way. */
static void change_answer(struct story *s, double at, const char *params)
{
    story_fault_with(s, at, "upgrade_extension", params);
    struct event *ev = story_add(s, at, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){
        .fault = "upgrade_extension", .label = "upgrade_extension", .verb = "replace", .count = 1};
    ev = story_add(s, at, EV_HTTP_REWRITE, SIDE_CLIENT, BY_FAULT);
    ev->http_rewrite = (struct ev_http_rewrite){.what = "the response is not the server's"};
}

/* The open connection's events, but for the last, which is that it opened. */
static void open_changed(struct story *s, double at, const char *params)
{
    story_open_deflate(s, at);
    s->count--;
    change_answer(s, at, params);
    (void)story_add(s, at, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
}

/* A connection on which all is well. */
static void agreed(struct story *s)
{
    story_begin(s);
    story_open_deflate(s, 0);
    story_probe(s, 1);
    compressed(s, 2, SIDE_SERVER);
    message(s, 3, SIDE_SERVER, 0);
    compressed(s, 4, SIDE_CLIENT);
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 100);
    story_expect(s, &message_deflate_rule, want, part);
}

static void lawful_messages_alone_show_half_of_it(void)
{
    struct story s;
    agreed(&s);
    expect(&s, INCONCLUSIVE,
           "the client took 1 compressed and 1 plain messages, and sent 1 and 0 as agreed; whether "
           "it refuses what breaks the agreement takes the fault bad_frame");
}

static void without_an_agreement_it_does_not_apply(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    expect(&s, NOT_APPLICABLE, "the client offers no permessage-deflate");
    story_begin(&s);
    story_open_deflate(&s, 0);
    s.events[2].http_response.extensions = "";
    expect(&s, NOT_APPLICABLE, "the server agreed to no permessage-deflate");
}

static void an_agreement_without_a_message_shows_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_open_deflate(&s, 0);
    expect(&s, INCONCLUSIVE, "nothing came that would show");
}

/* --- What the client sends --- */

static void what_does_not_inflate_fails(void)
{
    struct story s;
    agreed(&s);
    error(&s, 5, SIDE_CLIENT, "a compressed message that does not inflate as agreed");
    expect(&s, FAIL, "1 frame of the client breaks what was agreed on: a compressed message that");
}

static void a_bit_that_no_extension_explains_fails(void)
{
    struct story s;
    agreed(&s);
    error(&s, 5, SIDE_CLIENT, "a reserved bit is set that no extension explains");
    error(&s, 6, SIDE_CLIENT, "a reserved bit is set that no extension explains");
    expect(&s, FAIL, "2 frames of the client break what was agreed on: a reserved bit");
}

static void other_errors_and_the_servers_are_not_its(void)
{
    struct story s;
    agreed(&s);
    error(&s, 5, SIDE_CLIENT, "the length is not in its shortest form");
    error(&s, 6, SIDE_SERVER, "a compressed message that does not inflate as agreed");
    expect(&s, INCONCLUSIVE, "as agreed; whether it refuses");
}

static void compressing_where_the_answer_names_nothing_fails(void)
{
    struct story s;
    agreed(&s);
    story_of(&s, 0, 2);
    open_changed(&s, 10, "{\"how\":\"missing\"}");
    compressed(&s, 11, SIDE_CLIENT);
    expect(&s, FAIL, "a compressed message that nobody agreed to");
}

/* Nobody knows what it makes of an answer that a fault wrote. */
static void after_another_answer_nothing_is_held_against_it(void)
{
    struct story s;
    agreed(&s);
    story_of(&s, 0, 2);
    open_changed(&s, 10, "{\"how\":\"other\",\"value\":\"permessage-deflate\"}");
    error(&s, 11, SIDE_CLIENT, "a compressed message that does not inflate as agreed");
    compressed(&s, 12, SIDE_SERVER);
    story_fail(&s, 12.01, 1007);
    expect(&s, INCONCLUSIVE, "as agreed; whether it refuses");
}

/* --- What it takes --- */

static void refusing_a_plain_message_fails(void)
{
    struct story s;
    agreed(&s);
    message(&s, 5, SIDE_SERVER, 0);
    story_fail(&s, 5.01, 1007);
    expect(&s, FAIL, "1 time the client closed with 1007 at a message that was not compressed");
}

static void refusing_a_compressed_message_fails(void)
{
    struct story s;
    agreed(&s);
    compressed(&s, 5, SIDE_SERVER);
    story_fail(&s, 6, 1002);
    expect(&s, FAIL, "closed with 1002 at a message that was compressed as agreed");
}

static void a_close_for_another_reason_is_no_refusal(void)
{
    struct story s;
    agreed(&s);
    message(&s, 5, SIDE_SERVER, 0);
    story_fail(&s, 5.01, 1000);
    expect(&s, INCONCLUSIVE, "as agreed; whether it refuses");
    agreed(&s);
    message(&s, 5, SIDE_SERVER, 0);
    story_fail(&s, 6.1, 1007);
    expect(&s, INCONCLUSIVE, "as agreed; whether it refuses");
    agreed(&s);
    message(&s, 5, SIDE_SERVER, 0);
    story_close(&s, 5.005, SIDE_SERVER, 1001);
    story_fail(&s, 5.01, 1002);
    expect(&s, INCONCLUSIVE, "as agreed; whether it refuses");
}

static void what_a_fault_did_to_the_stream_is_not_the_clients(void)
{
    struct story s;
    agreed(&s);
    struct event *ev = story_add(&s, 5, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act =
        (struct ev_fault_act){.fault = "corrupt", .label = "corrupt", .verb = "replace"};
    compressed(&s, 5.1, SIDE_SERVER);
    story_fail(&s, 5.2, 1007);
    expect(&s, INCONCLUSIVE, "as agreed; whether it refuses");
}

static void pings_of_a_fault_do_no_harm(void)
{
    struct story s;
    agreed(&s);
    struct event *ev = story_add(&s, 5, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act =
        (struct ev_fault_act){.fault = "ping_flood", .label = "ping_flood", .verb = "inject"};
    message(&s, 5.1, SIDE_SERVER, 0);
    story_fail(&s, 5.2, 1007);
    expect(&s, FAIL, "not compressed");
}

static void what_is_delivered_later_counts_then(void)
{
    struct story s;
    agreed(&s);
    message(&s, 5, SIDE_SERVER, 0);
    s.events[s.count - 1].ws_frame.passed = false;
    story_fail(&s, 5.1, 1007);
    expect(&s, INCONCLUSIVE, "as agreed; whether it refuses");
}

/* --- Frames that are forbidden under it --- */

static void each_kind_of_bad_frame_is_asked_about(void)
{
    static const struct {
        const char *what, *words;
    } kinds[] = {
        {"compressed_control", "after a ping with RSV1"},
        {"compressed_continuation", "after a second frame of a message with RSV1"},
        {"bad_deflate", "after a compressed message that does not inflate"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct story s;
        agreed(&s);
        story_bad_frame(&s, 10, kinds[i].what);
        story_fail(&s, 10.5, 1002);
        expect(&s, PASS, kinds[i].words);
        agreed(&s);
        story_bad_frame(&s, 10, kinds[i].what);
        expect(&s, FAIL, kinds[i].words);
    }
}

static void without_an_agreement_they_are_for_another_rule(void)
{
    struct story s;
    agreed(&s);
    story_of(&s, 0, 2);
    story_open(&s, 10);
    story_bad_frame(&s, 11, "bad_deflate");
    expect(&s, INCONCLUSIVE, "as agreed; whether it refuses");
}

/* --- Compression that the answer did not name --- */

static void surprised(struct story *s)
{
    agreed(s);
    story_shut(s, 8, SIDE_CLIENT, BY_FAULT, "rst");
    story_of(s, 0, 2);
    open_changed(s, 10, "{\"how\":\"missing\"}");
    compressed(s, 12, SIDE_SERVER);
}

/* What the probe shows of a client counts where it was offended. */
static void known_to_read(struct story *s)
{
    story_of(s, 0, 3);
    story_open_deflate(s, 50);
    story_bad_frame(s, 51, "bad_deflate");
    story_fail(s, 51.01, 1007);
}

static void closing_over_it_passes(void)
{
    struct story s;
    surprised(&s);
    story_fail(&s, 12.01, 1002);
    known_to_read(&s);
    story_run_end(&s, 100);
    CHECK_STR(verdict_name(story_judge(&s, &message_deflate_rule, NULL)), "pass");
    bool told = false;
    for (const struct finding *f = s.findings.first; f; f = f->next)
        told = told || strstr(f->text, "where the answer named no extension");
    CHECK(told);
    story_end(&s);
}

static void going_on_fails(void)
{
    struct story s;
    surprised(&s);
    story_shut(&s, 14, SIDE_CLIENT, BY_FAULT, "rst");
    known_to_read(&s);
    expect(&s, FAIL, "the client went on for 2.00 s after a compressed message");
}

static void a_client_that_is_not_known_to_read_is_not_blamed(void)
{
    struct story s;
    surprised(&s);
    expect(&s, INCONCLUSIVE, "as agreed; whether it refuses");
}

static void an_end_too_soon_shows_nothing(void)
{
    struct story s;
    surprised(&s);
    story_shut(&s, 13.9, SIDE_CLIENT, BY_FAULT, "rst");
    known_to_read(&s);
    expect(&s, PASS, "a compressed message that does not inflate");
}

/* --- Answers that cannot be --- */

static void answered(struct story *s, double at)
{
    agreed(s);
    story_of(s, 0, 2);
    story_open_deflate(s, at);
    s->count--;
    change_answer(
        s, at, "{\"how\":\"other\",\"value\":\"permessage-deflate; server_max_window_bits=16\"}");
}

static void a_window_that_cannot_be_has_to_be_refused(void)
{
    struct story s;
    answered(&s, 10);
    story_fin(&s, 10.01, SIDE_CLIENT);
    expect(&s, PASS, "the client refused an answer with parameters");
    answered(&s, 10);
    expect(&s, FAIL, "the client took an answer with parameters of permessage-deflate");
}

static void our_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_open_deflate(&s, 0);
    error(&s, 5, SIDE_CLIENT, "a compressed message that does not inflate as agreed");
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

SUITE(message_deflate, TEST(lawful_messages_alone_show_half_of_it),
      TEST(without_an_agreement_it_does_not_apply),
      TEST(an_agreement_without_a_message_shows_nothing), TEST(what_does_not_inflate_fails),
      TEST(a_bit_that_no_extension_explains_fails), TEST(other_errors_and_the_servers_are_not_its),
      TEST(compressing_where_the_answer_names_nothing_fails),
      TEST(after_another_answer_nothing_is_held_against_it), TEST(refusing_a_plain_message_fails),
      TEST(refusing_a_compressed_message_fails), TEST(a_close_for_another_reason_is_no_refusal),
      TEST(what_a_fault_did_to_the_stream_is_not_the_clients), TEST(pings_of_a_fault_do_no_harm),
      TEST(what_is_delivered_later_counts_then), TEST(each_kind_of_bad_frame_is_asked_about),
      TEST(without_an_agreement_they_are_for_another_rule), TEST(closing_over_it_passes),
      TEST(going_on_fails), TEST(a_client_that_is_not_known_to_read_is_not_blamed),
      TEST(an_end_too_soon_shows_nothing), TEST(a_window_that_cannot_be_has_to_be_refused),
      TEST(our_own_client_is_not_judged))
