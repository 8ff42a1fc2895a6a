/* Stories of a browser with several tabs: which connections it keeps side by side. */
#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc state_tabs_rule;

#define THREE "{\"browser\":{\"tabs\":3}}"
#define ONE   "{\"browser\":{\"tabs\":1}}"

static void begin(struct ended_story *e, const char *target, uint64_t open)
{
    ended_begin(e);
    if (target)
        story_target(&e->story, target);
    if (open == 0)
        return;
    story_of(&e->story, 0, 0);
    struct event *ev = story_add(&e->story, 0, EV_BROWSER_TABS, SIDE_NONE, BY_PROXY);
    ev->browser_tabs = (struct ev_browser_tabs){.open = open, .wanted = 3, .why_not = ""};
}

static void expect(struct ended_story *e, enum verdict want, const char *part)
{
    ended_expect(e, 60, &state_tabs_rule, want, part);
}

/* The newest request. */
static struct ev_http_request *asked(struct ended_story *e)
{
    for (size_t i = e->story.count; i-- > 0;)
        if (e->story.events[i].kind == EV_HTTP_REQUEST)
            return &e->story.events[i].http_request;
    return NULL;
}

static void of_page(struct ended_story *e, double at, const char *hash)
{
    asked(e)->agent = "Mozilla/5.0";
    asked(e)->origin = "http://localhost:5173";
    struct event *open = &e->story.events[e->story.count - 1];
    struct event last = *open; /* its ws.open comes behind the credential */
    e->story.count--;
    struct event *ev = story_add(&e->story, at, EV_HTTP_CREDENTIAL, SIDE_CLIENT, BY_ENDPOINT);
    ev->http_credential = (struct ev_http_credential){
        .place = "cookie", .name = "session", .shape = "random", .hash = hash};
    *story_add(&e->story, at, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY) = last;
}

static void one_connection_for_all_tabs_passes(void)
{
    struct ended_story e;
    begin(&e, THREE, 3);
    ended_open(&e, 0, 1);
    expect(&e, PASS, "keeps one connection for the 3 tabs");
}

static void one_per_tab_warns(void)
{
    struct ended_story e;
    begin(&e, THREE, 3);
    ended_open(&e, 0, 1);
    ended_open(&e, 0, 2);
    ended_open(&e, 0, 3);
    expect(&e, WARN, "keeps 3 connections to the same path at a time");
}

static void one_that_takes_over_is_no_second_one(void)
{
    struct ended_story e;
    begin(&e, THREE, 3);
    ended_cut(&e, 0, 1, 14.9);
    ended_open(&e, 0, 11);
    expect(&e, PASS, "keeps one connection");
}

static void five_seconds_side_by_side_are_two(void)
{
    struct ended_story e;
    begin(&e, THREE, 3);
    ended_cut(&e, 0, 1, 15);
    ended_open(&e, 0, 11);
    expect(&e, WARN, "keeps 2 connections");
}

static void other_paths_are_other_connections(void)
{
    struct ended_story e;
    begin(&e, THREE, 3);
    ended_open(&e, 0, 1);
    asked(&e)->target = "/feed";
    ended_open(&e, 0, 2);
    asked(&e)->target = "/chat";
    expect(&e, PASS, "keeps one connection");
}

static void what_follows_the_path_does_not_matter(void)
{
    struct ended_story e;
    begin(&e, THREE, 3);
    ended_open(&e, 0, 1);
    asked(&e)->target = "/feed?tab=1";
    ended_open(&e, 0, 2);
    asked(&e)->target = "/feed?tab=2";
    expect(&e, WARN, "keeps 2 connections");
}

static void other_clients_are_other_browsers(void)
{
    struct ended_story e;
    begin(&e, ONE, 0);
    ended_open(&e, 0, 1);
    of_page(&e, 1, "aa");
    ended_open(&e, 1, 1);
    of_page(&e, 1, "aa");
    expect(&e, NOT_TESTED, "a browser with one tab");
}

static void tabs_that_did_not_open_decide_nothing(void)
{
    struct ended_story e;
    begin(&e, THREE, 1);
    ended_open(&e, 0, 1);
    expect(&e, INCONCLUSIVE, "it is not known whether more than one of the 3 tabs was open");
}

static void a_browser_that_was_not_asked_decides_nothing(void)
{
    struct ended_story e;
    begin(&e, THREE, 0);
    ended_open(&e, 0, 1);
    expect(&e, INCONCLUSIVE, "it is not known");
}

static void connections_that_do_not_last_decide_nothing(void)
{
    struct ended_story e;
    begin(&e, THREE, 3);
    ended_cut(&e, 0, 1, 4.9);
    expect(&e, INCONCLUSIVE, "kept no connection open for 5 s");
}

static void a_browser_with_one_tab_is_not_tested(void)
{
    struct ended_story e;
    begin(&e, ONE, 0);
    ended_open(&e, 0, 1);
    expect(&e, NOT_TESTED, "tabs: 2");
}

static void a_client_that_is_no_browser_is_left_out(void)
{
    struct ended_story e;
    begin(&e, NULL, 0);
    ended_open(&e, 0, 1);
    ended_open(&e, 0, 2);
    expect(&e, NOT_APPLICABLE, "is no browser");
}

static void a_page_by_the_policy_has_one_tab(void)
{
    struct ended_story e;
    begin(&e, NULL, 0);
    story_policy(&e.story, "{\"can_ping\": {\"value\": \"false\"}, \"sees_status\": {\"value\": "
                           "\"false\"}}");
    ended_open(&e, 0, 1);
    expect(&e, NOT_TESTED, "a browser with one tab");
}

static void one_session_twice_warns_whoever_opened_it(void)
{
    struct ended_story e;
    begin(&e, NULL, 0);
    ended_open(&e, 0, 1);
    of_page(&e, 1, "aa");
    ended_open(&e, 0, 2);
    of_page(&e, 2, "aa");
    expect(&e, WARN, "keeps 2 connections to the same path at a time, of pages in a browser");
}

static void other_sessions_are_other_people(void)
{
    struct ended_story e;
    begin(&e, NULL, 0);
    ended_open(&e, 0, 1);
    of_page(&e, 1, "aa");
    ended_open(&e, 0, 2);
    of_page(&e, 2, "bb");
    expect(&e, NOT_TESTED, "a browser with one tab");
}

static void our_own_client_is_not_judged(void)
{
    struct ended_story e;
    begin(&e, THREE, 3);
    e.story.client_by = BY_BUILTIN;
    ended_open(&e, 0, 1);
    expect(&e, NOT_APPLICABLE, "");
}

SUITE(state_tabs, TEST(one_connection_for_all_tabs_passes), TEST(one_per_tab_warns),
      TEST(one_that_takes_over_is_no_second_one), TEST(five_seconds_side_by_side_are_two),
      TEST(other_paths_are_other_connections), TEST(what_follows_the_path_does_not_matter),
      TEST(other_clients_are_other_browsers), TEST(tabs_that_did_not_open_decide_nothing),
      TEST(a_browser_that_was_not_asked_decides_nothing),
      TEST(connections_that_do_not_last_decide_nothing), TEST(a_browser_with_one_tab_is_not_tested),
      TEST(a_client_that_is_no_browser_is_left_out), TEST(a_page_by_the_policy_has_one_tab),
      TEST(one_session_twice_warns_whoever_opened_it), TEST(other_sessions_are_other_people),
      TEST(our_own_client_is_not_judged))
