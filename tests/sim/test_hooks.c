/* What a scenario asks of clients and hears of them, with the reference client. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/sim/world.h"

#define SECONDS(n) ((nsec)((n)*1e9))
#define BEGIN      SECONDS(0.025) /* with two clients: the second starts so much later */

struct show {
    struct trace *trace;
    const char *reason;
};

/* declared: NULL: all. flaw: NULL: sound. */
static struct show play(const char *steps, const char *declared, const char *flaw)
{
    struct show show;
    struct sim_config cfg;
    struct text lines;
    char *yaml = xprintf("scenario: hooks\nstory: Hooks.\nclients: 2\nsteps:\n%s", steps);
    struct plan *plan = sim_plan_of(yaml);
    sim_config_init(&cfg, plan);
    if (declared)
        cfg.declared = declared;
    if (flaw)
        CHECK(client_flaw_apply(&cfg.client, flaw));
    text_init(&lines);
    show.reason = sim_run(&cfg, &lines);
    show.trace = sim_read(&lines);
    text_fini(&lines);
    plan_free(plan);
    free(yaml);
    return show;
}

static void end(struct show *show)
{
    trace_free(show->trace);
}

static int count_of_client(const struct show *show, enum event_kind kind, int client)
{
    int count = 0;
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(show->trace, &i, kind));)
        count += ev->client == client;
    return count;
}

static int messages_of(const struct show *show, int client)
{
    int count = 0;
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(show->trace, &i, EV_WS_FRAME));)
        count += ev->client == client && ev->side == SIDE_CLIENT && event_is_message(ev);
    return count;
}

static void each_client_sends_as_often_as_it_is_asked(void)
{
    struct show show = play("  - hook: {send: 3, every: 2s}\n  - wait: 10s\n", NULL, NULL);
    CHECK_INT(sim_count(show.trace, EV_HOOK_ASKED), 6);
    CHECK_INT(messages_of(&show, 0), 3);
    CHECK_INT(messages_of(&show, 1), 3);
    for (int i = 0; i < 6; i++) {
        const struct event *asked = sim_event(show.trace, EV_HOOK_ASKED, i);
        CHECK_INT(asked->at, BEGIN + SECONDS(2) * (i / 2));
        CHECK_INT(asked->hook_asked.number, i / 2 + 1);
        CHECK_INT(asked->client, i % 2);
        CHECK_STR(asked->hook_asked.answer, "taken");
    }
    end(&show);
}

static void without_every_all_is_asked_at_once_and_the_steps_go_on(void)
{
    struct show show =
        play("  - hook: {send: 4}\n    clients: {client: 1}\n  - mark: behind\n", NULL, NULL);
    CHECK_INT(count_of_client(&show, EV_HOOK_ASKED, 0), 0);
    CHECK_INT(count_of_client(&show, EV_HOOK_ASKED, 1), 4);
    CHECK_INT(sim_event(show.trace, EV_HOOK_ASKED, 3)->at, BEGIN);
    CHECK(sim_event(show.trace, EV_MARK, 0)->seq > sim_event(show.trace, EV_HOOK_ASKED, 3)->seq);
    end(&show);
}

static void numbers_go_on_from_one_step_to_the_next(void)
{
    struct show show =
        play("  - hook: {send: 2}\n  - hook: send\n  - hook: close\n  - wait: 1s\n", NULL, NULL);
    CHECK_INT(sim_event(show.trace, EV_HOOK_ASKED, 4)->hook_asked.number, 3);
    CHECK_STR(sim_event(show.trace, EV_HOOK_ASKED, 6)->hook_asked.hook, "close");
    CHECK_INT(sim_event(show.trace, EV_HOOK_ASKED, 6)->hook_asked.number, 1);
    end(&show);
}

static void who_is_asked_to_close_closes_and_stays_away(void)
{
    struct show show = play(
        "  - wait: 1s\n  - hook: close\n    clients: {client: 0}\n  - wait: 60s\n", NULL, NULL);
    const struct event *close = sim_event(show.trace, EV_WS_CLOSE, 0);
    CHECK_INT(close->side, SIDE_CLIENT);
    CHECK_INT(close->ws_close.code, 1000);
    CHECK_INT(count_of_client(&show, EV_TCP_OPEN, 0), 1);
    CHECK_INT(count_of_client(&show, EV_WS_CLOSE, 1), 0);
    end(&show);
}

static void a_hook_that_is_not_declared_is_over_at_once(void)
{
    struct show show = play("  - hook: send\n  - hook: close\n  - wait: 5s\n",
                            "{\"hooks\":{\"close\":\"builtin\"}}", NULL);
    CHECK_STR(sim_event(show.trace, EV_STEP_END, 0)->step_end.outcome, "no hook");
    CHECK_STR(sim_event(show.trace, EV_STEP_END, 1)->step_end.outcome, "done");
    CHECK_INT(sim_count(show.trace, EV_HOOK_ASKED), 2);
    end(&show);
}

static void what_is_not_asked_yet_ends_with_the_scenario(void)
{
    struct show show = play("  - hook: {send: 100, every: 1s}\n  - wait: 3500ms\n", NULL, NULL);
    CHECK_STR(show.reason, "finished");
    CHECK_INT(sim_count(show.trace, EV_HOOK_ASKED), 8);
    end(&show);
}

/* After two failures this client stops, and its user is told. */
static void giving_up_is_heard_and_waited_for(void)
{
    struct show show = play("  - refuse: {}\n    as: outage\n  - reset: {}\n"
                            "  - wait: {until: gave_up, at_most: 60s, since: outage}\n",
                            NULL, "gives_up");
    CHECK_STR(sim_event(show.trace, EV_STEP_END, 2)->step_end.outcome, "done");
    CHECK_INT(sim_count(show.trace, EV_HOOK_HEARD), 2);
    const struct event *heard = sim_event(show.trace, EV_HOOK_HEARD, 1);
    CHECK_INT(sim_event(show.trace, EV_STEP_END, 2)->at, heard->at);
    CHECK_STR(heard->hook_heard.hook, "gave_up");
    CHECK_INT(heard->by, BY_ENDPOINT);
    end(&show);
}

static void a_wait_for_giving_up_runs_out(void)
{
    struct show show = play("  - wait: {until: gave_up, at_most: 9s}\n", NULL, NULL);
    CHECK_STR(sim_event(show.trace, EV_STEP_END, 0)->step_end.outcome, "ran out");
    end(&show);
}

static void a_process_that_is_told_to_end_says_goodbye(void)
{
    struct show show = play("  - wait: 1s\n  - signal: TERM\n    clients: {client: 1}\n"
                            "  - wait: {until: exited, at_most: 20s, of: {client: 1}}\n",
                            NULL, NULL);
    CHECK_STR(sim_event(show.trace, EV_PROCESS_SIGNAL, 0)->process_signal.name, "TERM");
    CHECK_INT(sim_event(show.trace, EV_PROCESS_SIGNAL, 0)->client, 1);
    CHECK_INT(sim_event(show.trace, EV_WS_CLOSE, 0)->ws_close.code, 1001);
    CHECK_INT(sim_count(show.trace, EV_PROCESS_EXIT), 1);
    CHECK(sim_event(show.trace, EV_PROCESS_EXIT, 0)->process_exit.asked);
    CHECK_STR(sim_event(show.trace, EV_STEP_END, 2)->step_end.outcome, "done");
    end(&show);
}

#define STATES                                                                                     \
    "  - wait: 2s\n  - hook: state\n  - wait: 1s\n  - hook: state\n"                               \
    "  - reset: {connections: existing}\n  - wait: {until: reopened, at_most: 60s}\n"              \
    "  - wait: 2s\n  - hook: state\n"

/* nth: of the first client. */
static const struct event *state(const struct show *show, int nth)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(show->trace, &i, EV_HOOK_STATE));)
        if (ev->client == 0 && nth-- == 0)
            return ev;
    return NULL;
}

static void what_a_client_says_of_its_state_is_kept_as_a_hash(void)
{
    struct show show = play("  - wait: 2s\n  - hook: state\nclient: {session: true, topics: 1}\n"
                            "server: {sessions: true}\n",
                            NULL, NULL);
    const struct event *said = state(&show, 0);
    CHECK_INT(said->hook_state.number, 1);
    CHECK_STR(said->hook_state.how, "builtin");
    CHECK_INT(said->hook_state.len, strlen("session 1, 1 topics"));
    CHECK_INT(strlen(said->hook_state.hash), 16);
    CHECK_INT(said->by, BY_ENDPOINT);
    CHECK_INT(sim_count(show.trace, EV_HOOK_STATE), 2);
    end(&show);
}

static bool is_the_same_after_all(const char *flaw)
{
    struct show show =
        play(STATES "client: {session: true}\nserver: {sessions: true}\n", NULL, flaw);
    const char *first = state(&show, 0)->hook_state.hash;
    CHECK_STR(state(&show, 1)->hook_state.hash, first);
    bool same = strcmp(state(&show, 2)->hook_state.hash, first) == 0;
    end(&show);
    return same;
}

static void the_same_state_has_the_same_hash(void)
{
    CHECK(is_the_same_after_all(NULL));
    CHECK(!is_the_same_after_all("forgets_state"));
}

static void what_the_server_tells_of_a_session_is_seen(void)
{
    struct show show =
        play("  - wait: 2s\nclient: {session: true}\nserver: {sessions: true}\n", NULL, NULL);
    const struct event *told = sim_event(show.trace, EV_WS_SESSION, 0);
    const struct event *message = trace_at_seq(show.trace, told->ws_session.frame);
    CHECK_STR(told->ws_session.what, "state");
    CHECK_INT(strlen(told->ws_session.hash), 16);
    CHECK_INT(told->side, SIDE_SERVER);
    CHECK(message && event_is_message(message) && message->conn == told->conn);
    CHECK_INT(sim_count(show.trace, EV_WS_SESSION), 2);
    end(&show);
}

static void who_has_exited_takes_nothing(void)
{
    struct show show = play("  - signal: {name: TERM, clients: {client: 0}}\n"
                            "  - wait: {until: exited, at_most: 20s, of: {client: 0}}\n"
                            "  - hook: send\n    clients: {client: 0}\n",
                            NULL, NULL);
    CHECK_STR(sim_event(show.trace, EV_HOOK_ASKED, 0)->hook_asked.answer, "it has exited");
    end(&show);
}

SUITE(hooks, TEST(each_client_sends_as_often_as_it_is_asked),
      TEST(without_every_all_is_asked_at_once_and_the_steps_go_on),
      TEST(numbers_go_on_from_one_step_to_the_next),
      TEST(who_is_asked_to_close_closes_and_stays_away),
      TEST(a_hook_that_is_not_declared_is_over_at_once),
      TEST(what_is_not_asked_yet_ends_with_the_scenario), TEST(giving_up_is_heard_and_waited_for),
      TEST(a_wait_for_giving_up_runs_out), TEST(a_process_that_is_told_to_end_says_goodbye),
      TEST(what_a_client_says_of_its_state_is_kept_as_a_hash),
      TEST(the_same_state_has_the_same_hash), TEST(what_the_server_tells_of_a_session_is_seen),
      TEST(who_has_exited_takes_nothing))
