#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc heartbeat_application_rule;

#define CHROME  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120"
#define BROWSER "{\"can_ping\":{\"value\":\"false\",\"origin\":\"browser profile\"}}"
#define END     170.0

/* A connection whose request says who asks. */
static void opens_as(struct story *s, const char *agent)
{
    size_t first = s->count;
    story_open(s, 0);
    for (size_t i = first; i < s->count; i++)
        if (s->events[i].kind == EV_HTTP_REQUEST)
            s->events[i].http_request.agent = agent;
}

static void begin(struct story *s, const char *agent)
{
    story_begin(s);
    opens_as(s, agent);
}

static void words(struct story *s, double every, enum side from, const char *kind, double late)
{
    for (double at = every; at < END; at += every)
        story_word(s, at + late, from, kind);
}

static void pings(struct story *s, double every, enum side from)
{
    for (double at = every; at < END; at += every) {
        story_ping(s, at, from);
        story_pong(s, at + 0.01, from == SIDE_CLIENT ? SIDE_SERVER : SIDE_CLIENT);
    }
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, END);
    story_expect(s, &heartbeat_application_rule, want, part);
}

static void a_page_whose_messages_are_answered_passes(void)
{
    struct story s;
    begin(&s, CHROME);
    words(&s, 25, SIDE_CLIENT, "ping", 0);
    words(&s, 25, SIDE_SERVER, "pong", 0.02);
    expect(&s, PASS,
           "the client sends a message of its application as a heartbeat every 25.0 s, and the "
           "server answers it");
}

static void halfopens_own_server_cannot_answer(void)
{
    struct story s;
    story_begin(&s);
    s.server_by = BY_BUILTIN;
    opens_as(&s, CHROME);
    words(&s, 25, SIDE_CLIENT, "ping", 0);
    expect(&s, PASS, "halfopen's own server does not answer it");
}

static void what_nothing_answers_warns(void)
{
    struct story s;
    begin(&s, CHROME);
    words(&s, 25, SIDE_CLIENT, "ping", 0);
    expect(&s, WARN, "every 25.0 s, which nothing answers");
}

static void answers_that_a_fault_may_have_taken_are_not_missing(void)
{
    struct story s;
    begin(&s, CHROME);
    words(&s, 25, SIDE_CLIENT, "ping", 0);
    struct event *act = story_add(&s, 26, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    act->fault_act = (struct ev_fault_act){
        .fault = "drop_pong", .label = "drop_pong", .verb = "drop", .detail = "", .count = 1};
    expect(&s, INCONCLUSIVE, "a fault may have kept the answers away");
}

static void a_servers_message_passes_since_a_script_can_miss_it(void)
{
    struct story s;
    begin(&s, CHROME);
    words(&s, 25, SIDE_SERVER, "ping", 0);
    words(&s, 25, SIDE_CLIENT, "pong", 0.02);
    expect(&s, PASS, "gets a heartbeat of the application every 25.0 s from the server");
}

static void pings_of_the_server_alone_warn(void)
{
    struct story s;
    begin(&s, CHROME);
    pings(&s, 30, SIDE_SERVER);
    expect(&s, WARN, "gets pings every 30.0 s from the server, which the browser answers");
}

static void halfopens_own_pings_count_for_nothing(void)
{
    struct story s;
    story_begin(&s);
    s.server_by = BY_BUILTIN;
    opens_as(&s, CHROME);
    pings(&s, 30, SIDE_SERVER);
    expect(&s, FAIL, "has no heartbeat of its application: in 170.0 s of idle connection");
}

static void nothing_at_all_fails(void)
{
    struct story s;
    begin(&s, CHROME);
    expect(&s, FAIL, "in 170.0 s of idle connection neither side sent one");
}

static void a_mute_server_in_its_place_is_named(void)
{
    struct story s;
    story_begin(&s);
    s.server_by = BY_BUILTIN;
    opens_as(&s, CHROME);
    (void)story_add(&s, 1, EV_WS_DELIVERED, SIDE_SERVER, BY_BUILTIN);
    expect(&s, FAIL, "(halfopen's own server, in place of yours, never does)");
}

static void idles_for(double idle, enum verdict want, const char *part)
{
    struct story s;
    begin(&s, CHROME);
    story_run_end(&s, idle);
    story_expect(&s, &heartbeat_application_rule, want, part);
}

static void five_intervals_are_enough(void)
{
    idles_for(150, FAIL, "in 150.0 s of idle connection");
    idles_for(149.9, INCONCLUSIVE, "observed for only 149.9 s; 150 s of undisturbed connection");
}

static void who_is_never_idle_is_not_judged(void)
{
    struct story s;
    begin(&s, CHROME);
    for (int i = 1; i < 17; i++)
        story_data(&s, 10 * i + (i % 3) * 4, SIDE_CLIENT, i % 2 ? "chat" : "move", 20);
    expect(&s, INCONCLUSIVE, "never idle for 150 s (the longest pause was 14.0 s)");
}

/* --- Who is a browser --- */

static void no_browser_is_not_meant(void)
{
    struct story s;
    begin(&s, "node");
    expect(&s, NOT_APPLICABLE, "is no browser: it can send pings, and has no heartbeat of its");
}

static void neither_is_who_does_not_say(void)
{
    struct story s;
    begin(&s, NULL);
    pings(&s, 30, SIDE_SERVER);
    expect(&s, NOT_APPLICABLE, "is no browser");
}

static void one_that_has_such_a_heartbeat_passes_all_the_same(void)
{
    struct story s;
    begin(&s, "node");
    pings(&s, 20, SIDE_CLIENT);
    words(&s, 25, SIDE_CLIENT, "ping", 0.5);
    words(&s, 25, SIDE_SERVER, "pong", 0.52);
    expect(&s, PASS, "every 25.0 s");
}

static void one_whose_messages_nothing_answers_is_not_meant(void)
{
    struct story s;
    begin(&s, "node");
    words(&s, 25, SIDE_CLIENT, "ping", 0);
    expect(&s, NOT_APPLICABLE, "is no browser");
}

static void the_policy_makes_a_browser(void)
{
    struct story s;
    begin(&s, "node");
    story_policy(&s, BROWSER);
    expect(&s, FAIL, "neither side sent one");
}

static void pings_unmask_a_pretender(void)
{
    struct story s;
    begin(&s, CHROME);
    pings(&s, 30, SIDE_CLIENT);
    expect(&s, NOT_APPLICABLE, "is no browser");
}

static void unless_the_policy_says_that_it_has_none(void)
{
    struct story s;
    begin(&s, CHROME);
    pings(&s, 30, SIDE_CLIENT);
    story_policy(&s, BROWSER);
    expect(&s, FAIL, "neither side sent one");
}

static void a_single_ping_unmasks_nobody(void)
{
    struct story s;
    begin(&s, CHROME);
    story_ping(&s, 20, SIDE_CLIENT);
    expect(&s, FAIL, "neither side sent one");
}

/* --- More --- */

static void the_worst_of_several_clients_counts(void)
{
    struct story s;
    begin(&s, CHROME);
    words(&s, 25, SIDE_CLIENT, "ping", 0);
    words(&s, 25, SIDE_SERVER, "pong", 0.02);
    story_of(&s, 1, 2);
    opens_as(&s, CHROME);
    expect(&s, FAIL, "1 of 2 clients have no heartbeat of their application");
}

static void the_idle_time_is_a_parameter(void)
{
    struct story s;
    nsec idle = 60 * NSEC_PER_SEC;
    begin(&s, CHROME);
    story_run_end(&s, 60);
    CHECK_STR(verdict_name(story_judge(&s, &heartbeat_application_rule, &idle)), "fail");
    story_end(&s);
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    opens_as(&s, CHROME);
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

SUITE(heartbeat_application, TEST(a_page_whose_messages_are_answered_passes),
      TEST(halfopens_own_server_cannot_answer), TEST(what_nothing_answers_warns),
      TEST(answers_that_a_fault_may_have_taken_are_not_missing),
      TEST(a_servers_message_passes_since_a_script_can_miss_it),
      TEST(pings_of_the_server_alone_warn), TEST(halfopens_own_pings_count_for_nothing),
      TEST(nothing_at_all_fails), TEST(a_mute_server_in_its_place_is_named),
      TEST(five_intervals_are_enough), TEST(who_is_never_idle_is_not_judged),
      TEST(no_browser_is_not_meant), TEST(neither_is_who_does_not_say),
      TEST(one_that_has_such_a_heartbeat_passes_all_the_same),
      TEST(one_whose_messages_nothing_answers_is_not_meant), TEST(the_policy_makes_a_browser),
      TEST(pings_unmask_a_pretender), TEST(unless_the_policy_says_that_it_has_none),
      TEST(a_single_ping_unmasks_nobody), TEST(the_worst_of_several_clients_counts),
      TEST(the_idle_time_is_a_parameter), TEST(halfopens_own_client_is_not_judged))
