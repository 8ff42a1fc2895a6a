#include "rules/rule.h"

#include <string.h>

#include "rules/lib/slope.h"
#include "rules/lib/tally.h"
#include "tests/check.h"
#include "tests/unit/story.h"

struct config {
    nsec within;
};

static const struct param params[] = {P_DURATION(config, within, .def = "5s", .doc = ""), P_END};

static void check_within(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    if (trace->end > 0)
        (void)finding_add(out, trace->end <= cfg->within ? PASS : FAIL, "ended");
}

static const struct rule_desc rule = {.name = "test",
                                      .needs = NEEDS(WS_OPEN) | NEEDS(WS_FRAME),
                                      .params = params,
                                      .config_size = sizeof(struct config),
                                      .check = check_within};

static const struct rule_desc of_faults = {.name = "test.of_faults",
                                           .needs = NEEDS(FAULT_ON),
                                           .params = params,
                                           .config_size = sizeof(struct config),
                                           .check = check_within};

/* A step that waits from 2 s on. */
static void wait_with(struct story *s, const char *outcome)
{
    struct event *start = story_add(s, 2, EV_STEP_START, SIDE_NONE, BY_PROXY);
    start->step_start = (struct ev_step_start){.step = 1, .what = "wait until open", .label = ""};
    struct event *end = story_add(s, 3, EV_STEP_END, SIDE_NONE, BY_PROXY);
    end->step_end = (struct ev_step_end){.step = 1, .outcome = outcome};
}

static void that_no_fault_acted_is_told_with_what_was_waited_for(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    wait_with(&s, "ran out");
    story_run_end(&s, 4);
    story_expect(&s, &of_faults, INCONCLUSIVE,
                 "no fault began to act, for what was waited for did not happen (wait until open)");
}

static void where_all_steps_were_done_their_moment_did_not_come(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    wait_with(&s, "done");
    story_run_end(&s, 4);
    story_expect(&s, &of_faults, INCONCLUSIVE, "the connections ended before its moment came");
}

static void in_a_run_cut_short_it_was_over_before(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_expect(&s, &of_faults, INCONCLUSIVE, "no fault began to act before the run was over");
}

static void without_what_it_needs_a_rule_is_not_asked(void)
{
    struct story s;
    story_begin(&s);
    story_attempt(&s, 1);
    CHECK_INT(story_judge(&s, &rule, NULL), INCONCLUSIVE);
    CHECK_CONTAINS(story_text(&s), "nothing to judge: no WebSocket connection was opened");
    story_end(&s);
}

/* A client that sends nothing: the rule knows what to say of it. */
static void that_there_is_no_frame_the_rule_tells_itself(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 1);
    CHECK_INT(story_judge(&s, &rule, NULL), PASS);
    story_end(&s);
}

static void what_the_target_file_does_not_give_is_not_tested(void)
{
    const struct rule_desc hooked = {.name = "test",
                                     .declares = DECLARES_CLOSE | DECLARES_GAVE_UP,
                                     .needs = NEEDS(FAULT_ON),
                                     .params = params,
                                     .config_size = sizeof(struct config),
                                     .check = check_within};
    struct story s;
    story_begin(&s);
    story_target(&s, "{\"hooks\":{\"send\":\"stdin\",\"gave_up\":\"log\"}}");
    story_open(&s, 1);
    CHECK_INT(story_judge(&s, &hooked, NULL), NOT_TESTED);
    CHECK_CONTAINS(story_text(&s), "; give hooks.close");
    CHECK_CONTAINS(findings_worst(&s.findings)->fix, "hooks: {close: {stdin: 'close'}}");
    story_end(&s);
}

static enum verdict with_either(const char *declared)
{
    const struct rule_desc either = {.name = "test",
                                     .declares = DECLARES_CLOSE,
                                     .declares_any = DECLARES_SEND | DECLARES_MESSAGES,
                                     .params = params,
                                     .config_size = sizeof(struct config),
                                     .check = check_within};
    struct story s;
    story_begin(&s);
    story_target(&s, declared);
    story_open(&s, 1);
    enum verdict verdict = story_judge(&s, &either, NULL);
    story_end(&s);
    return verdict;
}

static void of_some_things_one_is_enough(void)
{
    CHECK_INT(with_either("{\"hooks\":{\"close\":\"http\",\"send\":\"http\"}}"), PASS);
    CHECK_INT(with_either("{\"hooks\":{\"close\":\"http\"},\"messages\":{\"id\":true}}"), PASS);
    CHECK_INT(with_either("{\"hooks\":{\"close\":\"http\"}}"), NOT_TESTED);
    CHECK_INT(with_either("{\"messages\":{\"id\":true}}"), NOT_TESTED);
}

static void of_a_run_that_was_not_begun_nothing_is_tested(void)
{
    struct story s;
    story_begin(&s);
    struct event *end = story_add(&s, 0, EV_RUN_END, SIDE_NONE, BY_PROXY);
    end->run_end = (struct ev_run_end){.reason = RUN_NOT_TESTED "hooks.send"};
    CHECK_INT(story_judge(&s, &rule, NULL), NOT_TESTED);
    CHECK_CONTAINS(story_text(&s), "; give hooks.send");
    story_end(&s);
}

static void what_the_target_file_gives_is_judged_as_ever(void)
{
    const struct rule_desc hooked = {.name = "test",
                                     .declares = DECLARES_CLOSE | DECLARES_GAVE_UP,
                                     .params = params,
                                     .config_size = sizeof(struct config),
                                     .check = check_within};
    struct story s;
    story_begin(&s);
    story_target(&s, "{\"hooks\":{\"close\":\"http\",\"gave_up\":\"log\"}}");
    story_open(&s, 1);
    CHECK_INT(story_judge(&s, &hooked, NULL), PASS);
    CHECK(trace_declares(s.trace, DECLARES_CLOSE));
    CHECK(!trace_declares(s.trace, DECLARES_CLOSE | DECLARES_SEND));
    story_end(&s);
}

static void its_parameters_have_their_defaults_or_what_was_given(void)
{
    for (int given = 0; given < 2; given++) {
        struct story s;
        struct config config = {.within = 20 * NSEC_PER_SEC};
        story_begin(&s);
        story_open(&s, 1);
        story_ping(&s, 10, SIDE_CLIENT);
        CHECK_INT(story_judge(&s, &rule, given ? &config : NULL), given ? PASS : FAIL);
        story_end(&s);
    }
}

static void a_full_trace_says_nothing_about_frames(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 1);
    story_ping(&s, 2, SIDE_CLIENT);
    (void)story_add(&s, 3, EV_TRACE_FULL, SIDE_NONE, BY_PROXY);
    CHECK_INT(story_judge(&s, &rule, NULL), INCONCLUSIVE);
    story_end(&s);
}

static void a_rule_that_found_nothing_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_ping(&s, 0, SIDE_CLIENT);
    CHECK_INT(story_judge(&s, &rule, NULL), INCONCLUSIVE);
    story_end(&s);
}

static void the_worst_finding_counts_and_the_first_of_them_speaks(void)
{
    struct findings findings;
    findings_init(&findings);
    CHECK_INT(findings_verdict(&findings), INCONCLUSIVE);
    CHECK(findings_worst(&findings) == NULL);
    (void)finding_add(&findings, PASS, "one");
    (void)finding_add(&findings, INCONCLUSIVE, "two");
    (void)finding_add(&findings, WARN, "three");
    (void)finding_add(&findings, INCONCLUSIVE, "four");
    CHECK_INT(findings_verdict(&findings), INCONCLUSIVE);
    CHECK_STR(findings_worst(&findings)->text, "two");
    findings_fini(&findings);
}

static void verdicts_merge_as_the_design_says(void)
{
    static const enum verdict ascending[] = {NOT_APPLICABLE, NOT_TESTED,   PASS,
                                             WARN,           INCONCLUSIVE, FAIL};
    for (int a = 0; a < 6; a++)
        for (int b = 0; b < 6; b++)
            CHECK_INT(verdict_worst(ascending[a], ascending[b]), ascending[a > b ? a : b]);
}

static void verdicts_have_names_that_read_back(void)
{
    for (int verdict = NOT_APPLICABLE; verdict <= FAIL; verdict++) {
        enum verdict read = PASS;
        CHECK(verdict_from_name(verdict_name((enum verdict)verdict), &read));
        CHECK_INT(read, verdict);
    }
    enum verdict read = PASS;
    CHECK(!verdict_from_name("passed", &read));
}

static void what_is_measured_becomes_members_of_an_object(void)
{
    struct findings findings;
    findings_init(&findings);
    struct finding *finding = finding_add(&findings, FAIL, "%s", "x");
    finding_measured(finding, "a_s", 1.5);
    finding_measured(finding, "b", 2);
    finding_evidence(finding, 20, 30);
    finding_evidence(finding, 10, 25);
    finding_fix(finding, "do %d", 1);
    finding_fix(finding, "do %d", 2);
    CHECK_STR(finding->measured, "\"a_s\":1.5,\"b\":2");
    CHECK(finding->allowed == NULL);
    CHECK_INT(finding->from, 10);
    CHECK_INT(finding->to, 30);
    CHECK_STR(finding->fix, "do 2");
    findings_fini(&findings);
}

static void a_tally_tells_who_and_the_range(void)
{
    struct tally tally = {0};
    struct text out;
    text_init(&out);
    tally_add(&tally, 39800 * NSEC_PER_MSEC, 50, 60);
    tally_add_who(&tally, 1, &out);
    text_add(&out, "; ");
    tally_add_range(&tally, &out);
    tally_add(&tally, 31 * NSEC_PER_SEC, 40, 70);
    text_add(&out, "; ");
    tally_add_who(&tally, 3, &out);
    text_add(&out, "; ");
    tally_add_range(&tally, &out);
    CHECK_STR(text_chars(&out), "the client; 39.8 s; 2 of 3 clients; 31.0 to 39.8 s");
    CHECK_INT(tally.from, 40);
    CHECK_INT(tally.to, 70);
    text_fini(&out);
}

/* A collector's sawtooth of 40 on top of `rate` bytes a second. */
static bool slope_of(double seconds, double rate, struct slope *slope)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < seconds; i++)
        story_memory(&s, i, 1000 + rate * i + i % 5 * 10);
    struct trace *trace = trace_from(s.events, s.count);
    bool enough = slope_of_memory(trace, 0, 0, nsec_from_seconds(seconds), slope);
    CHECK(!slope_of_memory(trace, 1, 0, nsec_from_seconds(seconds), &(struct slope){0}));
    trace_free(trace);
    story_end(&s);
    return enough;
}

static void memory_is_judged_by_three_blocks_and_not_by_two(void)
{
    struct slope slope;
    CHECK(!slope_of(20, 1, &slope));
    CHECK(slope_of(21, 1, &slope));
}

static void a_sawtooth_does_not_hide_the_slope(void)
{
    struct slope slope;
    CHECK(slope_of(100, 7, &slope));
    CHECK_REAL(slope.per_second, 7, 0.01);
    CHECK_REAL(slope.rise, 630, 0.01);
    CHECK_REAL(slope.error, 0, 0.01);
    CHECK(slope_of(100, 0, &slope));
    CHECK_REAL(slope.per_second, 0, 0.01);
}

SUITE(rule, TEST(without_what_it_needs_a_rule_is_not_asked),
      TEST(that_no_fault_acted_is_told_with_what_was_waited_for),
      TEST(where_all_steps_were_done_their_moment_did_not_come),
      TEST(in_a_run_cut_short_it_was_over_before),
      TEST(that_there_is_no_frame_the_rule_tells_itself),
      TEST(what_the_target_file_does_not_give_is_not_tested), TEST(of_some_things_one_is_enough),
      TEST(of_a_run_that_was_not_begun_nothing_is_tested),
      TEST(what_the_target_file_gives_is_judged_as_ever),
      TEST(its_parameters_have_their_defaults_or_what_was_given),
      TEST(a_full_trace_says_nothing_about_frames), TEST(a_rule_that_found_nothing_is_inconclusive),
      TEST(the_worst_finding_counts_and_the_first_of_them_speaks),
      TEST(verdicts_merge_as_the_design_says), TEST(verdicts_have_names_that_read_back),
      TEST(what_is_measured_becomes_members_of_an_object), TEST(a_tally_tells_who_and_the_range),
      TEST(memory_is_judged_by_three_blocks_and_not_by_two),
      TEST(a_sawtooth_does_not_hide_the_slope))
