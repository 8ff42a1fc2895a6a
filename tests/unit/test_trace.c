#include "trace/trace.h"

#include <string.h>

#include "tests/check.h"
#include "tests/unit/story.h"

static struct trace *trace_of(struct story *s)
{
    return trace_from(s->events, s->count);
}

static void a_hand_written_trace_begins_with_a_default_start(void)
{
    struct story s;
    struct policy policy;
    story_begin(&s);
    story_open(&s, 1);
    struct trace *trace = trace_of(&s);
    policy_defaults(&policy);
    CHECK_INT(trace->events[0].kind, EV_RUN_START);
    CHECK_INT(trace->count, s.count + 1);
    CHECK_INT(trace->policy.ping, policy.ping);
    CHECK(!trace->complete);
    trace_free(trace);
    story_end(&s);
}

static void strings_are_its_own(void)
{
    char word[] = "mine";
    struct event ev = {.client = -1, .kind = EV_MARK};
    ev.mark.text = word;
    struct trace *trace = trace_from(&ev, 1);
    word[0] = 'X';
    CHECK_STR(trace->events[1].mark.text, "mine");
    trace_free(trace);
}

static void the_larger_noise_counts_wherever_it_was_seen(void)
{
    struct story s;
    story_begin(&s);
    story_noise(&s, 0.3);
    story_noise(&s, 0.2);
    story_run_end(&s, 9);
    struct trace *trace = trace_of(&s);
    CHECK_INT(trace->noise, 300 * NSEC_PER_MSEC);
    CHECK_INT(trace->end, 9 * NSEC_PER_SEC);
    CHECK(trace->complete);
    trace_free(trace);
    story_end(&s);
}

static void events_are_found_by_number_where_some_were_skipped(void)
{
    struct event events[] = {{.seq = 3, .client = -1, .kind = EV_RUN_START},
                             {.seq = 5, .client = -1, .kind = EV_MARK},
                             {.seq = 9, .client = -1, .kind = EV_MARK}};
    struct trace *trace = trace_from(events, 3);
    for (uint64_t seq = 0; seq < 12; seq++) {
        const struct event *found = trace_at_seq(trace, seq);
        CHECK(!found || found->seq == seq);
    }
    CHECK(trace_at_seq(trace, trace->events[2].seq) == &trace->events[2]);
    CHECK(trace_at_seq(trace, 0) == NULL);
    CHECK(trace_at_seq(trace, trace->events[2].seq + 1) == NULL);
    trace_free(trace);
}

static void the_next_of_a_kind_is_behind_the_last(void)
{
    struct story s;
    size_t i = 0;
    story_begin(&s);
    story_open(&s, 1);
    story_open(&s, 2);
    struct trace *trace = trace_of(&s);
    const struct event *first = trace_next(trace, &i, EV_WS_OPEN);
    const struct event *second = trace_next(trace, &i, EV_WS_OPEN);
    CHECK(first && first->at == NSEC_PER_SEC);
    CHECK(second && second->at == 2 * NSEC_PER_SEC);
    CHECK(trace_next(trace, &i, EV_WS_OPEN) == NULL);
    trace_free(trace);
    story_end(&s);
}

static void clients_are_counted_by_the_highest_up_to_the_limit(void)
{
    struct story s;
    story_begin(&s);
    story_of(&s, 6, 1);
    story_open(&s, 1);
    struct trace *trace = trace_of(&s);
    CHECK_INT(trace_clients(trace), 7);
    trace_free(trace);
    story_of(&s, 1000000, 2);
    story_open(&s, 2);
    trace = trace_of(&s);
    CHECK_INT(trace_clients(trace), TRACE_CLIENTS_LIMIT);
    trace_free(trace);
    story_end(&s);
}

static void whole_frames_and_joined_messages_are_messages(void)
{
    struct event ev = {.kind = EV_WS_MESSAGE};
    CHECK(event_is_message(&ev));
    ev = (struct event){.kind = EV_WS_FRAME, .ws_frame = {.opcode = 1, .fin = true}};
    CHECK(event_is_message(&ev));
    ev.ws_frame.fin = false;
    CHECK(!event_is_message(&ev));
    ev.ws_frame = (struct ev_ws_frame){.opcode = 9, .fin = true};
    CHECK(!event_is_message(&ev));
    ev.ws_frame = (struct ev_ws_frame){.opcode = 0, .fin = true};
    CHECK(!event_is_message(&ev));
}

static void every_kind_is_named_and_documented(void)
{
    for (int kind = 0; kind < EV_KINDS; kind++) {
        CHECK(strlen(event_name((enum event_kind)kind)) > 0);
        CHECK(strlen(event_doc((enum event_kind)kind)) > 0);
        for (int other = 0; other < kind; other++)
            CHECK(strcmp(event_name((enum event_kind)kind), event_name((enum event_kind)other)) !=
                  0);
        for (const struct event_field *f = event_fields((enum event_kind)kind); f->name; f++)
            CHECK(strlen(f->doc) > 0);
    }
}

static void sides_have_another_and_causes_a_name(void)
{
    CHECK_INT(side_other(SIDE_CLIENT), SIDE_SERVER);
    CHECK_INT(side_other(SIDE_SERVER), SIDE_CLIENT);
    CHECK_INT(side_other(SIDE_NONE), SIDE_NONE);
    CHECK_STR(cause_name(BY_BUILTIN), "builtin");
    CHECK_STR(side_name(SIDE_NONE), "");
}

static void a_policy_reads_back_as_it_was_written(void)
{
    struct policy policy, read;
    struct text json;
    const char *origins[32] = {"mine"};
    text_init(&json);
    policy_defaults(&policy);
    policy.ping = 7 * NSEC_PER_SEC;
    policy.backoff_factor = 1.5;
    policy_write_json(&policy, origins, &json);
    CHECK_CONTAINS(text_chars(&json), "\"ping\":{\"value\":\"7s\",\"origin\":\"mine\"}");
    CHECK_CONTAINS(text_chars(&json), "\"origin\":\"default\"");
    policy_defaults(&read);
    CHECK(policy_read_json(&read, text_chars(&json)));
    CHECK_BYTES(&read, sizeof read, &policy, sizeof policy);
    text_fini(&json);
}

static void a_policy_that_is_none_is_refused_and_unknown_names_are_not(void)
{
    struct policy policy;
    policy_defaults(&policy);
    CHECK(!policy_read_json(&policy, "[]"));
    CHECK(!policy_read_json(&policy, "{"));
    CHECK(!policy_read_json(&policy, "{\"ping\":{\"value\":\"7\"}}"));
    CHECK_INT(policy.ping, 30 * NSEC_PER_SEC);
    CHECK(policy_read_json(&policy, "{\"of.tomorrow\":{\"value\":\"7s\"},\"ping\":7}"));
    CHECK_INT(policy.ping, 30 * NSEC_PER_SEC);
}

SUITE(trace, TEST(a_hand_written_trace_begins_with_a_default_start), TEST(strings_are_its_own),
      TEST(the_larger_noise_counts_wherever_it_was_seen),
      TEST(events_are_found_by_number_where_some_were_skipped),
      TEST(the_next_of_a_kind_is_behind_the_last),
      TEST(clients_are_counted_by_the_highest_up_to_the_limit),
      TEST(whole_frames_and_joined_messages_are_messages), TEST(every_kind_is_named_and_documented),
      TEST(sides_have_another_and_causes_a_name), TEST(a_policy_reads_back_as_it_was_written),
      TEST(a_policy_that_is_none_is_refused_and_unknown_names_are_not))
