/* accept_close, connect_delay, connection_cap: what becomes of a new connection. */
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/session_bench.h"

static void an_attempt_is_closed_at_once(void)
{
    struct bench *b = bench_new("accept_close: {}");
    bench_attempt(b);
    CHECK_STR(bench_did(b), "refuse close");
    bench_free(b);
}

static void an_attempt_waits_the_delay_once(void)
{
    struct bench *b = bench_new("connect_delay: {delay: 3s}");
    bench_until(b, NSEC_PER_SEC);
    bench_attempt(b);
    CHECK_STR(bench_did(b), "hang until 4s");
    bench_until(b, 2 * NSEC_PER_SEC);
    bench_attempt(b); /* asked again, since something else ended */
    CHECK_STR(bench_did(b), "hang until 4s");
    bench_until(b, 4 * NSEC_PER_SEC);
    bench_attempt(b);
    CHECK_STR(bench_did(b), "");
    bench_free(b);
}

static void a_delay_is_never_negative(void)
{
    struct bench *b = bench_new("connect_delay: {delay: 0s, jitter: 0s}");
    bench_attempt(b);
    CHECK_STR(bench_did(b), "");
    bench_free(b);
}

static void a_connection_too_many_is_turned_away(void)
{
    static const char *const faults[] = {"connection_cap: {max: 2}",
                                         "connection_cap: {max: 2, beyond: close}",
                                         "connection_cap: {max: 2, beyond: hang}"};
    static const char *const verbs[] = {"refuse rst", "refuse close", "hang for ever"};
    for (size_t i = 0; i < 3; i++) {
        struct bench *b = bench_new(faults[i]);
        b->connections = 2;
        bench_attempt(b);
        CHECK_STR(bench_did(b), "");
        b->connections = 3;
        bench_attempt(b);
        CHECK_STR(bench_did(b), verbs[i]);
        bench_free(b);
    }
}

/* --- In the core --- */

static void who_waited_longest_is_served_next(void)
{
    struct session_bench *b =
        session_bench_new("- connection_cap: {max: 1, beyond: hang}\n  - wait: 60s");
    session_bench_start(b);
    for (size_t i = 0; i < 4; i++)
        session_bench_accept(b, i);
    CHECK_STR(session_bench_saw(b), "0s connect0");
    session_bench_until(b, NSEC_PER_SEC);
    session_bench_end(b, 1, SIDE_CLIENT, CUT_RST); /* it gave up */
    session_bench_until(b, 2 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "1s over1");
    session_bench_end(b, 0, SIDE_CLIENT, CUT_RST);
    session_bench_until(b, 3 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "2s server0 rst; 2s over0; 2s connect2");
    session_bench_free(b);
}

static void its_end_serves_them_all(void)
{
    struct session_bench *b = session_bench_new("- connection_cap: {max: 0, beyond: hang}\n"
                                                "    as: full\n  - wait: 5s\n  - clear: full\n"
                                                "  - wait: 60s");
    session_bench_start(b);
    session_bench_accept(b, 0);
    session_bench_accept(b, 1);
    session_bench_until(b, 6 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "5s connect0; 5s connect1");
    session_bench_free(b);
}

/* Also when their delays are over in one instant. */
static void a_cap_holds_for_those_who_waited_for_something_else(void)
{
    struct session_bench *b = session_bench_new(
        "- connection_cap: {max: 1, beyond: refuse}\n  - connect_delay: {delay: 2s}\n  - wait: 60s");
    session_bench_start(b);
    session_bench_accept(b, 0);
    session_bench_accept(b, 1);
    session_bench_until(b, 5 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "2s client1 rst; 2s over1; 2s connect0");
    CHECK(session_bench_told(b, "tcp.shut", "\"by\":\"fault\""));
    session_bench_free(b);
}

static void a_client_that_goes_while_it_waits_is_gone(void)
{
    struct session_bench *b = session_bench_new("- connect_delay: {delay: 5s}\n  - wait: 60s");
    session_bench_start(b);
    session_bench_accept(b, 0);
    session_bench_until(b, NSEC_PER_SEC);
    session_bench_end(b, 0, SIDE_CLIENT, CUT_FIN);
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "1s over0");
    session_bench_free(b);
}

SUITE(connecting, TEST(an_attempt_is_closed_at_once), TEST(an_attempt_waits_the_delay_once),
      TEST(a_delay_is_never_negative), TEST(a_connection_too_many_is_turned_away),
      TEST(who_waited_longest_is_served_next), TEST(its_end_serves_them_all),
      TEST(a_cap_holds_for_those_who_waited_for_something_else),
      TEST(a_client_that_goes_while_it_waits_is_gone))
