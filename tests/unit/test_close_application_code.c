#include "tests/check.h"
#include "tests/unit/ended_story.h"
#include "tests/unit/login_story.h"

extern const struct rule_desc close_application_code_rule;

#define CODES "{\"close_codes\":{\"final\":[4401,1008],\"retry\":[4429,1011]}}"

static void begin(struct ended_story *e)
{
    ended_begin(e);
    story_target(&e->story, CODES);
}

static void expect(struct ended_story *e, double end, enum verdict want, const char *part)
{
    ended_expect(e, end, &close_application_code_rule, want, part);
}

static void staying_away_after_a_final_code_passes(void)
{
    static const unsigned codes[] = {4401, 1008};
    for (size_t i = 0; i < 2; i++) {
        struct ended_story e;
        begin(&e);
        ended_close(&e, 0, 0, 10, codes[i]);
        expect(&e, 70, PASS, "the client stayed away");
    }
}

static void less_than_a_minute_after_it_decides_nothing(void)
{
    struct ended_story e;
    begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    expect(&e, 69.9, INCONCLUSIVE, "not seen for long enough");
}

static void coming_back_once_with_another_credential_passes(void)
{
    struct ended_story e;
    begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    login_bearer(&e.story, 0, "a");
    ended_refuse(&e, 0, 12);
    login_bearer(&e.story, 12, "b");
    expect(&e, 100, PASS, "came back once, with another credential");
}

static void coming_back_once_warns_and_twice_fails(void)
{
    for (int twice = 0; twice < 2; twice++) {
        struct ended_story e;
        begin(&e);
        ended_close(&e, 0, 0, 10, 4401);
        ended_refuse(&e, 0, 12);
        if (twice)
            ended_refuse(&e, 0, 69.9);
        else
            ended_refuse(&e, 0, 70.1);
        expect(&e, 100, twice ? FAIL : WARN, "after 4401, the client came back");
    }
}

static void coming_back_after_a_code_to_be_retried_passes(void)
{
    static const unsigned codes[] = {4429, 1011};
    for (size_t i = 0; i < 2; i++) {
        struct ended_story e;
        begin(&e);
        ended_close(&e, 0, 0, 10, codes[i]);
        ended_open(&e, 0, 60);
        expect(&e, 100, PASS, "the client came back, 50.0 s; allowed are 50 s");
    }
}

static void coming_back_late_warns(void)
{
    struct ended_story e;
    begin(&e);
    ended_close(&e, 0, 0, 10, 4429);
    ended_open(&e, 0, 60.1);
    expect(&e, 100, WARN, "the client came back late, 50.1 s");
}

static void staying_away_after_a_code_to_be_retried_fails(void)
{
    for (int enough = 0; enough < 2; enough++) {
        struct ended_story e;
        begin(&e);
        ended_close(&e, 0, 0, 10, 4429);
        expect(&e, enough ? 60.1 : 60, enough ? FAIL : INCONCLUSIVE, "after 4429");
    }
}

static void a_process_that_ends_stays_away_for_good(void)
{
    struct ended_story e;
    begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    story_exit(&e.story, 10.1, "exit 0", false);
    expect(&e, 12, PASS, "stayed away");
    begin(&e);
    ended_close(&e, 0, 0, 10, 4429);
    story_exit(&e.story, 10.1, "exit 0", false);
    expect(&e, 100, INCONCLUSIVE, "not seen for long enough");
}

static void codes_that_are_not_documented_may_be_answered_either_way(void)
{
    struct ended_story e;
    begin(&e);
    ended_close(&e, 0, 0, 10, 4402);
    ended_refuse(&e, 0, 12);
    ended_refuse(&e, 0, 14);
    expect(&e, 100, INCONCLUSIVE, "no client was sent a Close with one of the close_codes");
}

static void each_client_is_judged_by_its_own_code(void)
{
    struct ended_story e;
    begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    ended_close(&e, 1, 0, 10, 4429);
    ended_open(&e, 1, 12);
    expect(&e, 100, PASS, "");
    begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    ended_close(&e, 1, 0, 10, 4429);
    expect(&e, 100, FAIL, "after 4429, the client stayed away, though");
}

/* What came next may be the other one's. */
static void with_another_connection_open_nothing_is_decided(void)
{
    struct ended_story e;
    begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    ended_cut(&e, 0, 1, 20);
    ended_open(&e, 0, 22);
    ended_open(&e, 0, 23);
    expect(&e, 100, INCONCLUSIVE, "had other connections");
}

static void the_answer_to_its_own_close_is_no_order(void)
{
    struct ended_story e;
    begin(&e);
    ended_open(&e, 0, 0);
    story_close(&e.story, 10, SIDE_CLIENT, 4401);
    story_close(&e.story, 10.1, SIDE_SERVER, 4401);
    story_fin(&e.story, 10.2, SIDE_CLIENT);
    ended_open(&e, 0, 12);
    ended_open(&e, 0, 13);
    expect(&e, 100, INCONCLUSIVE, "no client was sent");
}

static void without_the_codes_it_is_not_tested(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    expect(&e, 100, NOT_TESTED, "give close_codes.final");
}

SUITE(close_application_code, TEST(staying_away_after_a_final_code_passes),
      TEST(less_than_a_minute_after_it_decides_nothing),
      TEST(coming_back_once_with_another_credential_passes),
      TEST(coming_back_once_warns_and_twice_fails),
      TEST(coming_back_after_a_code_to_be_retried_passes), TEST(coming_back_late_warns),
      TEST(staying_away_after_a_code_to_be_retried_fails),
      TEST(a_process_that_ends_stays_away_for_good),
      TEST(codes_that_are_not_documented_may_be_answered_either_way),
      TEST(each_client_is_judged_by_its_own_code),
      TEST(with_another_connection_open_nothing_is_decided),
      TEST(the_answer_to_its_own_close_is_no_order), TEST(without_the_codes_it_is_not_tested))
