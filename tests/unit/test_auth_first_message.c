/* auth.first_message, on traces written by hand. */
#include "tests/check.h"
#include "tests/unit/login_story.h"

extern const struct rule_desc auth_first_message_rule;

static void begin(struct story *s)
{
    story_begin(s);
    story_target(s, LOGIN_TARGET);
    story_open(s, 1);
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 100);
    story_expect(s, &auth_first_message_rule, want, part);
}

static void data_behind_the_acknowledgement_passes(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 5);
    story_data(&s, 6.2, SIDE_CLIENT, "m", 10);
    expect(&s, PASS, "the client sent nothing else until the acknowledgement came, held back for");
}

static void data_before_it_fails(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 5);
    story_data(&s, 6, SIDE_CLIENT, "m", 10);
    story_data(&s, 7, SIDE_CLIENT, "m", 10);
    expect(&s, FAIL, "before the acknowledgement, by 0.1 s");
}

static void it_is_early_too_before_the_server_has_spoken(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    story_data(&s, 1.05, SIDE_CLIENT, "m", 10);
    login_ack(&s, 1.1, 0);
    expect(&s, FAIL, "before the acknowledgement");
}

static void in_the_instant_of_the_acknowledgement_is_not_early(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 5);
    story_data(&s, 6.1, SIDE_CLIENT, "m", 10);
    expect(&s, PASS, "sent nothing else");
}

static void heartbeats_and_further_credentials_may_come(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 5);
    story_word(&s, 2, SIDE_CLIENT, "ping");
    story_ping(&s, 3, SIDE_CLIENT);
    login_message(&s, 4, "a");
    story_data(&s, 6.2, SIDE_CLIENT, "m", 10);
    expect(&s, PASS, "sent nothing else");
}

static void data_ahead_of_the_credential_warns(void)
{
    struct story s;
    begin(&s);
    story_data(&s, 1, SIDE_CLIENT, "hello", 10);
    login_message(&s, 2, "a");
    login_ack(&s, 2.1, 5);
    story_data(&s, 8, SIDE_CLIENT, "m", 10);
    expect(&s, WARN, "sent data before it authenticated");
}

/* Its pattern may be the wrong one. */
static void what_else_the_server_said_may_be_the_answer(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    story_data(&s, 1.5, SIDE_SERVER, "welcome", 10);
    story_data(&s, 2, SIDE_CLIENT, "m", 10);
    login_ack(&s, 3, 0);
    expect(&s, INCONCLUSIVE, "something had come that auth.ack does not match");
}

static void what_the_server_said_and_was_held_is_no_answer_yet(void)
{
    struct story s;
    begin(&s);
    story_data(&s, 0.9, SIDE_SERVER, "hello", 10);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 5);
    story_data(&s, 2, SIDE_CLIENT, "m", 10);
    expect(&s, FAIL, "before the acknowledgement");
}

static void an_acknowledgement_at_once_proves_nothing(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 0.8);
    story_data(&s, 3, SIDE_CLIENT, "m", 10);
    expect(&s, INCONCLUSIVE, "had no time to be early");
}

static void who_sends_nothing_has_not_waited(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 5);
    expect(&s, INCONCLUSIVE, "had nothing to send");
    story_begin(&s);
    story_target(&s, "{\"auth\":{\"message\":true,\"ack\":true,\"answer\":true}}");
    story_open(&s, 1);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 5);
    expect(&s, NOT_TESTED, "give hooks.send");
}

static void no_acknowledgement_decides_nothing(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    story_data(&s, 2, SIDE_CLIENT, "m", 10);
    expect(&s, INCONCLUSIVE, "nothing of the server matched auth.ack");
}

static void one_connection_decides_for_the_others(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 0);
    story_data(&s, 2, SIDE_CLIENT, "m", 10);
    story_cut(&s, 5, "reset", "rst");
    story_of(&s, 0, 2);
    story_open(&s, 6);
    login_message(&s, 6, "a");
    login_ack(&s, 6.1, 5);
    story_data(&s, 12, SIDE_CLIENT, "m", 10);
    expect(&s, PASS, "sent nothing else");
}

static void the_worst_client_counts(void)
{
    struct story s;
    begin(&s);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 5);
    story_data(&s, 7, SIDE_CLIENT, "m", 10);
    story_of(&s, 1, 2);
    story_open(&s, 1);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 5);
    story_data(&s, 2, SIDE_CLIENT, "m", 10);
    expect(&s, FAIL, "1 of 2 clients sent data");
}

static void what_ours_sends_is_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_target(&s, LOGIN_TARGET);
    s.client_by = BY_BUILTIN;
    story_open(&s, 1);
    login_message(&s, 1, "a");
    login_ack(&s, 1.1, 5);
    story_data(&s, 2, SIDE_CLIENT, "m", 10);
    expect(&s, INCONCLUSIVE, "no message matched auth.message");
}

static void without_its_lines_it_is_not_tested(void)
{
    static const char *const targets[] = {"{}", "{\"auth\":{\"message\":true}}",
                                          "{\"auth\":{\"message\":true,\"ack\":true}}"};
    static const char *const lacks[] = {"give auth.message", "give auth.ack", "give auth.answer"};
    for (size_t i = 0; i < 3; i++) {
        struct story s;
        story_begin(&s);
        story_target(&s, targets[i]);
        story_open(&s, 1);
        expect(&s, NOT_TESTED, lacks[i]);
    }
}

SUITE(auth_first_message, TEST(data_behind_the_acknowledgement_passes), TEST(data_before_it_fails),
      TEST(it_is_early_too_before_the_server_has_spoken),
      TEST(in_the_instant_of_the_acknowledgement_is_not_early),
      TEST(heartbeats_and_further_credentials_may_come), TEST(data_ahead_of_the_credential_warns),
      TEST(what_else_the_server_said_may_be_the_answer),
      TEST(what_the_server_said_and_was_held_is_no_answer_yet),
      TEST(an_acknowledgement_at_once_proves_nothing), TEST(who_sends_nothing_has_not_waited),
      TEST(no_acknowledgement_decides_nothing), TEST(one_connection_decides_for_the_others),
      TEST(the_worst_client_counts), TEST(what_ours_sends_is_nothing),
      TEST(without_its_lines_it_is_not_tested))
