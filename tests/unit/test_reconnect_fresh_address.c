/* Stories of a client whose name has two addresses, one of which refuses from 10 s on. */
#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc reconnect_fresh_address_rule;

static void tell(struct ended_story *e, double at, int client, const char *family, bool refused)
{
    story_of(&e->story, client, 0);
    struct event *ev = story_add(&e->story, at, EV_TCP_ADDRESS, SIDE_CLIENT, BY_FAULT);
    ev->tcp_address = (struct ev_tcp_address){
        .family = family, .refused = refused, .other_known = true, .why_not = ""};
}

/* What was told last came by IPv6. */
static void by_ipv6(struct ended_story *e)
{
    for (size_t i = e->story.count; i-- > 0;)
        if (e->story.events[i].kind == EV_TCP_OPEN) {
            e->story.events[i].tcp_open.family = "ipv6";
            return;
        }
}

static void no_other_is_known(struct ended_story *e)
{
    for (size_t i = 0; i < e->story.count; i++)
        if (e->story.events[i].kind == EV_TCP_ADDRESS)
            e->story.events[i].tcp_address.other_known = false;
}

static void lose_ipv6(struct ended_story *e, int client)
{
    ended_cut(e, client, 0, 10);
    by_ipv6(e);
    tell(e, 10, client, "ipv6", true);
}

static void lose_ipv4(struct ended_story *e, int client)
{
    ended_cut(e, client, 0, 10);
    tell(e, 10, client, "ipv4", true);
}

static void expect(struct ended_story *e, double at, enum verdict want, const char *part)
{
    ended_expect(e, at, &reconnect_fresh_address_rule, want, part);
}

static void comes_by_ipv4_at(double at, double noise, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    story_noise(&e.story, noise);
    lose_ipv6(&e, 0);
    ended_open(&e, 0, at);
    tell(&e, at + 1, 0, "ipv6", false);
    expect(&e, 200, want, part);
}

static void ten_seconds_pass(void)
{
    comes_by_ipv4_at(20, 0, PASS, "came by the other address of the name 10.0 s after");
}

static void later_than_that_warns(void)
{
    comes_by_ipv4_at(20.001, 0, WARN, "only 10.0 s after the one in use was dead; allowed 10 s");
}

static void noise_is_added_twice(void)
{
    comes_by_ipv4_at(20.4, 0.2, PASS, "10.4 s after");
}

static void the_cap_with_its_jitter_and_five_seconds_warn(void)
{
    comes_by_ipv4_at(60, 0, WARN, "only 50.0 s after");
}

static void later_than_that_fails(void)
{
    comes_by_ipv4_at(60.001, 0, FAIL, "only 50.0 s after");
}

static void a_policy_with_a_longer_first_delay_allows_more(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_policy(&e.story, "{\"backoff.base\": {\"value\": \"6s\"}}");
    lose_ipv6(&e, 0);
    ended_open(&e, 0, 24);
    expect(&e, 200, PASS, "allowed 14 s");
}

/* 10.05: in the same turn, and before the address was told to refuse. */
static void a_loss_told_just_before_the_refusal_counts(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 10);
    by_ipv6(&e);
    tell(&e, 10.05, 0, "ipv6", true);
    ended_open(&e, 0, 12);
    expect(&e, 200, PASS, "2.0 s after");
}

static void a_loss_long_before_the_refusal_does_not(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 10);
    by_ipv6(&e);
    tell(&e, 10.2, 0, "ipv6", true);
    ended_open(&e, 0, 12);
    expect(&e, 200, INCONCLUSIVE, "no client lost a connection by an address that refused");
}

static void who_lost_nothing_by_that_address_is_not_judged(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 10);
    tell(&e, 10, 0, "ipv6", true);
    ended_open(&e, 0, 90);
    expect(&e, 200, INCONCLUSIVE, "no client lost");
}

static void who_slipped_in_before_it_refused_is_not_judged(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 10);
    by_ipv6(&e);
    ended_open(&e, 0, 10.01);
    by_ipv6(&e);
    tell(&e, 10.05, 0, "ipv6", true);
    expect(&e, 200, INCONCLUSIVE, "no client lost");
}

static void returns_faithfully(void (*lose)(struct ended_story *, int client), double at,
                               enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    lose(&e, 0);
    tell(&e, at - 1, 0, lose == lose_ipv6 ? "ipv6" : "ipv4", false);
    ended_open(&e, 0, at);
    if (lose == lose_ipv6)
        by_ipv6(&e);
    expect(&e, 200, want, part);
}

static void who_comes_back_by_the_dead_address_alone_fails(void)
{
    returns_faithfully(lose_ipv6, 61.1, FAIL,
                       "never tried the other address of the name in the 50.1 s");
}

static void in_too_short_a_time_that_says_nothing(void)
{
    returns_faithfully(lose_ipv6, 60.9, INCONCLUSIVE, "more than 50 s would tell");
}

static void who_may_know_no_ipv6_is_warned(void)
{
    returns_faithfully(lose_ipv4, 61.1, WARN, "perhaps all that it asks for");
}

static void who_used_both_before_fails_by_ipv4_too(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 1);
    by_ipv6(&e);
    ended_cut(&e, 0, 2, 8);
    tell(&e, 10, 0, "ipv4", true);
    no_other_is_known(&e);
    tell(&e, 70, 0, "ipv4", false);
    ended_open(&e, 0, 71);
    expect(&e, 200, FAIL, "never tried the other address");
}

static void a_resolver_with_one_address_is_not_the_clients_fault(void)
{
    struct ended_story e;
    ended_begin(&e);
    lose_ipv4(&e, 0);
    tell(&e, 70, 0, "ipv4", false);
    no_other_is_known(&e);
    ended_open(&e, 0, 71);
    expect(&e, 200, NOT_TESTED, "'::1 localhost' in /etc/hosts");
}

static void who_never_comes_back_is_not_judged(void)
{
    struct ended_story e;
    ended_begin(&e);
    lose_ipv6(&e, 0);
    tell(&e, 70, 0, "ipv6", false);
    expect(&e, 200, INCONCLUSIVE, "did not come back at all");
}

static void a_run_that_ends_early_says_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    lose_ipv6(&e, 0);
    expect(&e, 50, INCONCLUSIVE, "in the 40.0 s that the one in use refused");
}

static void a_process_that_ended_is_not_judged(void)
{
    struct ended_story e;
    ended_begin(&e);
    lose_ipv6(&e, 0);
    story_of(&e.story, 0, 0);
    story_exit(&e.story, 12, "exit 1", false);
    expect(&e, 200, INCONCLUSIVE, "had ended its process");
}

static void an_attempt_that_the_server_refuses_tried_the_address(void)
{
    struct ended_story e;
    ended_begin(&e);
    lose_ipv6(&e, 0);
    ended_refuse(&e, 0, 11);
    expect(&e, 200, PASS, "1.0 s after");
}

static void the_worst_client_decides(void)
{
    struct ended_story e;
    ended_begin(&e);
    lose_ipv6(&e, 0);
    lose_ipv6(&e, 1);
    ended_open(&e, 0, 12);
    ended_open(&e, 1, 40);
    expect(&e, 200, WARN, "1 of 2 clients came by the other address of the name only 30.0 s");
}

static void a_second_round_that_was_too_short_hides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    lose_ipv6(&e, 0);
    ended_cut(&e, 0, 12, 10);
    tell(&e, 20, 0, "ipv6", false);
    tell(&e, 22, 0, "ipv4", true);
    expect(&e, 30, PASS, "2.0 s after");
}

static void lacks(const char *why_not, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 10);
    tell(&e, 10, 0, "ipv4", false);
    e.story.events[e.story.count - 1].tcp_address.why_not = why_not;
    ended_open(&e, 0, 11);
    expect(&e, 200, want, part);
}

static void an_address_in_place_of_a_name_is_not_tested(void)
{
    lacks("no name", NOT_TESTED, "address: localhost");
}

static void a_machine_without_ipv6_is_not_tested(void)
{
    lacks("no ipv6", NOT_TESTED, "no ::1");
}

static void a_socket_that_would_not_refuse_is_inconclusive(void)
{
    lacks("Bad file descriptor", INCONCLUSIVE, "could be made to refuse: Bad file descriptor");
}

static void our_own_client_is_not_judged(void)
{
    struct ended_story e;
    ended_begin(&e);
    e.story.client_by = BY_BUILTIN;
    lose_ipv6(&e, 0);
    ended_open(&e, 0, 11);
    expect(&e, 200, NOT_APPLICABLE, "");
}

SUITE(reconnect_fresh_address, TEST(ten_seconds_pass), TEST(later_than_that_warns),
      TEST(noise_is_added_twice), TEST(the_cap_with_its_jitter_and_five_seconds_warn),
      TEST(later_than_that_fails), TEST(a_policy_with_a_longer_first_delay_allows_more),
      TEST(a_loss_told_just_before_the_refusal_counts),
      TEST(a_loss_long_before_the_refusal_does_not),
      TEST(who_lost_nothing_by_that_address_is_not_judged),
      TEST(who_slipped_in_before_it_refused_is_not_judged),
      TEST(who_comes_back_by_the_dead_address_alone_fails),
      TEST(in_too_short_a_time_that_says_nothing), TEST(who_may_know_no_ipv6_is_warned),
      TEST(who_used_both_before_fails_by_ipv4_too),
      TEST(a_resolver_with_one_address_is_not_the_clients_fault),
      TEST(who_never_comes_back_is_not_judged), TEST(a_run_that_ends_early_says_nothing),
      TEST(a_process_that_ended_is_not_judged),
      TEST(an_attempt_that_the_server_refuses_tried_the_address), TEST(the_worst_client_decides),
      TEST(a_second_round_that_was_too_short_hides_nothing),
      TEST(an_address_in_place_of_a_name_is_not_tested), TEST(a_machine_without_ipv6_is_not_tested),
      TEST(a_socket_that_would_not_refuse_is_inconclusive), TEST(our_own_client_is_not_judged))
