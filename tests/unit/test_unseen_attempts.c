/* Attempts that never get as far as a request, and times in which none can be seen. */
#include "tests/check.h"
#include "tests/unit/story.h"
#include "trace/attempts.h"

extern const struct rule_desc reconnect_silent_death_rule;

static void tell_act(struct story *s, double at, const char *verb)
{
    struct event *ev = story_add(s, at, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){.fault = "f", .label = "f", .verb = verb, .detail = ""};
}

static void tell_accepted(struct story *s, double at)
{
    struct event *ev = story_add(s, at, EV_TCP_OPEN, SIDE_CLIENT, BY_ENDPOINT);
    ev->tcp_open = (struct ev_tcp_open){.peer = "127.0.0.1:1", .family = "ipv4"};
}

static void tell_failed(struct story *s, double at, enum cause by)
{
    struct event *ev = story_add(s, at, EV_TLS_FAILED, SIDE_CLIENT, by);
    ev->tls_failed = (struct ev_tls_failed){.how = "alert received: unknown CA"};
}

static void tell_door(struct story *s, double at, bool hangs)
{
    story_of(s, s->client, 0);
    struct event *ev = story_add(s, at, EV_TCP_DOOR, SIDE_CLIENT, BY_FAULT);
    ev->tcp_door = (struct ev_tcp_door){.hangs = hangs};
    story_of(s, s->client, 1);
}

static const struct attempts *attempts_in(struct story *s, struct attempts *out)
{
    struct trace trace = {.events = s->events, .count = s->count};
    attempts_of_all(&trace, out);
    return out;
}

static void a_failed_handshake_is_an_attempt_that_failed_then(void)
{
    struct story s;
    struct attempts attempts;
    story_begin(&s);
    tell_accepted(&s, 1);
    tell_failed(&s, 1.02, BY_FAULT);
    story_shut(&s, 1.02, SIDE_CLIENT, BY_FAULT, "close");
    CHECK_INT(attempts_in(&s, &attempts)->count, 1);
    CHECK_INT(attempts.list[0].outcome, ATTEMPT_TLS);
    CHECK_INT(attempts.list[0].failed, 1020 * NSEC_PER_MSEC);
    attempts_fini(&attempts);
    story_end(&s);
}

static void a_client_that_leaves_after_a_handshake_of_ours_that_was_wrong_is_no_preconnect(void)
{
    struct story s;
    struct attempts attempts;
    story_begin(&s);
    tell_accepted(&s, 1);
    tell_act(&s, 1, "tls");
    story_fin(&s, 1.02, SIDE_CLIENT);
    CHECK_INT(attempts_in(&s, &attempts)->count, 1);
    CHECK_INT(attempts.list[0].outcome, ATTEMPT_ABANDONED);
    attempts_fini(&attempts);
    story_end(&s);
}

static void without_any_doing_of_ours_it_is_one(void)
{
    struct story s;
    struct attempts attempts;
    story_begin(&s);
    tell_accepted(&s, 1);
    story_fin(&s, 1.02, SIDE_CLIENT);
    CHECK_INT(attempts_in(&s, &attempts)->count, 0);
    attempts_fini(&attempts);
    story_end(&s);
}

static void a_socket_that_vanished_is_a_silence_and_no_loss(void)
{
    struct story s;
    struct attempts attempts;
    story_begin(&s);
    story_open(&s, 0);
    story_shut(&s, 5, SIDE_CLIENT, BY_FAULT, "vanish");
    CHECK_INT(attempts_in(&s, &attempts)->count, 1);
    CHECK_INT(attempts.list[0].lost, NEVER);
    CHECK_INT(attempts.list[0].silenced, 5 * NSEC_PER_SEC);
    attempts_fini(&attempts);
    story_end(&s);
}

/* --- Doors --- */

static void check_hidden(struct story *s, double from, double to, nsec want)
{
    struct trace trace = {.events = s->events, .count = s->count};
    nsec got =
        attempts_hidden(&trace, s->client, (nsec)(from * NSEC_PER_SEC), (nsec)(to * NSEC_PER_SEC));
    CHECK_INT(got, want);
}

static void connects_are_hidden_while_the_door_hangs(void)
{
    struct story s;
    story_begin(&s);
    tell_door(&s, 10, true);
    tell_door(&s, 20, false);
    check_hidden(&s, 0, 9, NEVER);
    check_hidden(&s, 0, 10, 10 * NSEC_PER_SEC);
    check_hidden(&s, 15, 30, 15 * NSEC_PER_SEC);
    check_hidden(&s, 20, 30, 20 * NSEC_PER_SEC);
    check_hidden(&s, 21, 30, NEVER);
    tell_door(&s, 40, true);
    check_hidden(&s, 21, 60, 40 * NSEC_PER_SEC);
    s.client = 1;
    check_hidden(&s, 0, 60, NEVER);
    story_end(&s);
}

static size_t outages_in(struct story *s)
{
    struct trace trace = {.events = s->events, .count = s->count};
    struct outages outages;
    outages_of(&trace, &outages);
    size_t count = outages.count;
    outages_fini(&outages);
    return count;
}

static void outage(struct story *s, bool hidden)
{
    story_begin(s);
    story_open(s, 0);
    story_cut(s, 5, "reset", "rst");
    if (hidden)
        tell_door(s, 6, true);
    if (hidden)
        tell_door(s, 20, false);
    story_of(s, 0, 2);
    story_open(s, 45);
    story_run_end(s, 60);
}

static void delays_of_which_some_were_not_seen_are_not_judged(void)
{
    struct story s;
    outage(&s, false);
    CHECK_INT(outages_in(&s), 1);
    story_end(&s);
    outage(&s, true);
    CHECK_INT(outages_in(&s), 0);
    story_end(&s);
}

/* A client that noticed the silence in time and then found no door open did nothing wrong. */
static void no_return_is_held_against_a_client_whose_connects_hang(void)
{
    struct story s;
    for (int hidden = 0; hidden < 2; hidden++) {
        story_begin(&s);
        story_pings(&s, 30, 30, 60, true);
        story_open(&s, 0);
        story_fault(&s, 60.002, "drop", SIDE_CLIENT, true);
        if (hidden)
            tell_door(&s, 61, true);
        story_ping(&s, 90, SIDE_CLIENT);
        story_fin(&s, 100, SIDE_CLIENT);
        story_run_end(&s, 400);
        enum verdict verdict = story_judge(&s, &reconnect_silent_death_rule, NULL);
        CHECK_STR(verdict_name(verdict), hidden ? "inconclusive" : "fail");
        story_end(&s);
    }
}

static void nor_is_a_silence_that_may_have_been_noticed_by_a_connect(void)
{
    struct story s;
    story_begin(&s);
    story_pings(&s, 30, 30, 60, true);
    story_open(&s, 0);
    story_fault(&s, 60.002, "blackhole", SIDE_CLIENT, true);
    tell_door(&s, 60.002, true);
    tell_door(&s, 200, false);
    story_of(&s, 0, 2);
    story_open(&s, 207);
    story_run_end(&s, 400);
    enum verdict verdict = story_judge(&s, &reconnect_silent_death_rule, NULL);
    CHECK_STR(verdict_name(verdict), "inconclusive");
    story_end(&s);
}

SUITE(unseen_attempts, TEST(a_failed_handshake_is_an_attempt_that_failed_then),
      TEST(a_client_that_leaves_after_a_handshake_of_ours_that_was_wrong_is_no_preconnect),
      TEST(without_any_doing_of_ours_it_is_one),
      TEST(a_socket_that_vanished_is_a_silence_and_no_loss),
      TEST(connects_are_hidden_while_the_door_hangs),
      TEST(delays_of_which_some_were_not_seen_are_not_judged),
      TEST(no_return_is_held_against_a_client_whose_connects_hang),
      TEST(nor_is_a_silence_that_may_have_been_noticed_by_a_connect))
