/* What counts as an attempt (RULES 3, with its section 0), at the edges in pairs. */
#include "tests/check.h"
#include "tests/unit/outage_story.h"
#include "trace/attempts.h"

static size_t count_attempts(struct story *s)
{
    struct attempts attempts;
    story_trace(s);
    attempts_of_all(s->trace, &attempts);
    size_t count = attempts.count;
    attempts_fini(&attempts);
    story_end(s);
    return count;
}

/* A connection without a byte. */
static void connect_only(struct story *s, uint32_t conn, double at, const char *family)
{
    story_of(s, 0, conn);
    struct event *ev = story_add(s, at, EV_TCP_OPEN, SIDE_CLIENT, BY_ENDPOINT);
    ev->tcp_open = (struct ev_tcp_open){.peer = "", .family = family};
}

/* --- Happy eyeballs --- */

static size_t pair(const char *first, const char *second, double apart)
{
    struct story s;
    story_begin(&s);
    connect_only(&s, 1, 1, first);
    connect_only(&s, 2, 1 + apart, second);
    return count_attempts(&s);
}

static void a_pair_of_families_within_300_ms_is_one_attempt(void)
{
    CHECK_INT(pair("ipv6", "ipv4", 0.3), 1);
    CHECK_INT(pair("ipv6", "ipv4", 0.300001), 2);
    CHECK_INT(pair("ipv4", "ipv6", 0.25), 1);
}

static void two_of_one_family_are_two_attempts(void)
{
    CHECK_INT(pair("ipv4", "ipv4", 0.1), 2);
    CHECK_INT(pair("ipv6", "ipv6", 0.1), 2);
}

static void one_connection_of_each_family_at_most(void)
{
    struct story s;
    story_begin(&s);
    connect_only(&s, 1, 1, "ipv6");
    connect_only(&s, 2, 1.05, "ipv4");
    connect_only(&s, 3, 1.10, "ipv6");
    CHECK_INT(count_attempts(&s), 2);
}

static size_t after_a_failure_at(double failed)
{
    struct story s;
    story_begin(&s);
    connect_only(&s, 1, 1, "ipv6");
    story_shut(&s, failed, SIDE_CLIENT, BY_FAULT, "rst");
    connect_only(&s, 2, 1.1, "ipv4");
    return count_attempts(&s);
}

static void a_retry_after_a_failure_is_no_pair(void)
{
    CHECK_INT(after_a_failure_at(1.1), 2);
    CHECK_INT(after_a_failure_at(1.100001), 1);
}

static void two_that_both_open_are_two(void)
{
    struct story s;
    story_begin(&s);
    connect_only(&s, 1, 1, "ipv6");
    (void)story_add(&s, 1.2, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
    connect_only(&s, 2, 1.1, "ipv4");
    (void)story_add(&s, 1.3, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
    CHECK_INT(count_attempts(&s), 2);
}

static void clients_are_not_merged(void)
{
    struct story s;
    story_begin(&s);
    connect_only(&s, 1, 1, "ipv6");
    connect_only(&s, 2, 1.1, "ipv4");
    s.events[1].client = 1;
    CHECK_INT(count_attempts(&s), 2);
}

/* --- Preconnects --- */

static size_t silent_for(double lasted, uint64_t bytes)
{
    struct story s;
    story_begin(&s);
    connect_only(&s, 1, 1, "ipv4");
    story_fin(&s, 1 + lasted, SIDE_CLIENT);
    s.events[1].tcp_close.bytes = bytes;
    return count_attempts(&s);
}

static void a_socket_closed_at_once_without_a_byte_is_none(void)
{
    CHECK_INT(silent_for(0.049999, 0), 0);
    CHECK_INT(silent_for(0.05, 0), 1);
    CHECK_INT(silent_for(0.01, 1), 1);
}

/* RULES 0.2 */
static void our_own_refuse_makes_an_attempt(void)
{
    struct outage_story o;
    outage_begin(&o);
    story_of(&o.story, 0, 1);
    connect_only(&o.story, 1, 1, "ipv4");
    struct event *ev = story_add(&o.story, 1.001, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){.fault = "refuse", .verb = "refuse", .count = 1};
    story_fin(&o.story, 1.002, SIDE_CLIENT);
    CHECK_INT(count_attempts(&o.story), 1);
}

static void requests_that_are_no_upgrade_are_none(void)
{
    struct story s;
    story_begin(&s);
    story_attempt(&s, 1);
    s.events[1].http_request.counts = false;
    CHECK_INT(count_attempts(&s), 0);
}

static void what_we_end_ourselves_does_not_count(void)
{
    struct story s;
    story_begin(&s);
    connect_only(&s, 1, 1, "ipv4");
    story_run_end(&s, 2);
    connect_only(&s, 2, 3, "ipv4");
    CHECK_INT(count_attempts(&s), 1);
}

SUITE(attempts, TEST(a_pair_of_families_within_300_ms_is_one_attempt),
      TEST(two_of_one_family_are_two_attempts), TEST(one_connection_of_each_family_at_most),
      TEST(a_retry_after_a_failure_is_no_pair), TEST(two_that_both_open_are_two),
      TEST(clients_are_not_merged), TEST(a_socket_closed_at_once_without_a_byte_is_none),
      TEST(our_own_refuse_makes_an_attempt), TEST(requests_that_are_no_upgrade_are_none),
      TEST(what_we_end_ourselves_does_not_count))
