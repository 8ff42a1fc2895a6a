#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/session_bench.h"

#define REQUEST                                                                                    \
    "GET /feed HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
#define SWITCH "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

/* A tunnel that has been open since 0. */
static struct bench *tunnel(const char *yaml)
{
    struct bench *b = bench_new(yaml);
    b->open = true;
    bench_start(b);
    return b;
}

static struct bench *handshake(const char *yaml)
{
    struct bench *b = bench_new(yaml);
    bench_start(b);
    return b;
}

static void silence_ends_a_tunnel_both_ways(void)
{
    struct bench *b = tunnel("intermediary: {profile: nginx, idle: 10s}");
    bench_until(b, 10 * NSEC_PER_SEC - 1);
    CHECK_STR(bench_did(b), "");
    bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut server close; cut client close");
    bench_free(b);
}

static void bytes_of_either_side_restart_the_timer(void)
{
    struct bench *b = tunnel("intermediary: {profile: nginx, idle: 10s}");
    bench_until(b, 6 * NSEC_PER_SEC);
    bench_traffic(b, TO_SERVER);
    bench_until(b, 12 * NSEC_PER_SEC);
    bench_traffic(b, TO_CLIENT);
    bench_until(b, 22 * NSEC_PER_SEC - 1);
    CHECK_STR(bench_did(b), "");
    bench_until(b, 22 * NSEC_PER_SEC);
    CHECK_CONTAINS(bench_did(b), "cut client close");
    bench_free(b);
}

static void where_only_the_server_counts_a_client_cannot_keep_it_alive(void)
{
    struct bench *b = tunnel("intermediary: {idle: 10s, counts: from_server}");
    bench_until(b, 6 * NSEC_PER_SEC);
    bench_traffic(b, TO_SERVER);
    bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_CONTAINS(bench_did(b), "cut client close");
    bench_free(b);
}

static void each_direction_has_its_own_timer(void)
{
    struct bench *b = tunnel("intermediary: {profile: lighttpd}");
    bench_until(b, 30 * NSEC_PER_SEC);
    bench_traffic(b, TO_CLIENT);
    bench_until(b, 60 * NSEC_PER_SEC - 1);
    CHECK_STR(bench_did(b), "");
    bench_until(b, 60 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut server close; cut client fin");
    bench_free(b);
}

static void what_lingers_is_closed_later(void)
{
    struct bench *b = tunnel("intermediary: {profile: apache, idle: 10s}");
    bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut server close; cut client fin");
    bench_bytes(b, TO_SERVER, "still here?");
    CHECK_STR(bench_did(b), "drop");
    bench_until(b, 40 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut client close");
    bench_free(b);
}

static void haproxy_resets_the_server(void)
{
    struct bench *b = tunnel("intermediary: {profile: haproxy, idle: 5s}");
    bench_until(b, 5 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut server rst; cut client close");
    bench_free(b);
}

static void a_forgotten_flow_is_met_by_a_reset_when_somebody_speaks(void)
{
    struct bench *b = tunnel("intermediary: {profile: aws-nlb, idle: 5s}");
    bench_until(b, 5 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "");
    bench_bytes(b, TO_SERVER, "ping");
    CHECK_STR(bench_did(b), "drop; cut client rst");
    bench_free(b);
}

static void or_revived(void)
{
    struct bench *b = tunnel("intermediary: {profile: linux-nat, idle: 5s}");
    bench_until(b, 5 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "ping");
    CHECK_STR(bench_did(b), "let_go to_client; pass");
    bench_bytes(b, TO_CLIENT, "pong");
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void a_revived_flow_to_a_side_that_was_reset_is_answered_by_rst(void)
{
    struct bench *b = tunnel("intermediary: {profile: linux-nat, idle: 5s}");
    bench_until(b, 5 * NSEC_PER_SEC);
    bench_bytes(b, TO_CLIENT, "push");
    CHECK_STR(bench_did(b), "drop; cut server rst");
    bench_bytes(b, TO_SERVER, "ping");
    CHECK_STR(bench_did(b), "drop; cut client rst");
    bench_free(b);
}

static void what_was_sent_in_vain_is_sent_again_once_the_flow_is_back(void)
{
    struct session_bench *b = session_bench_new(
        "- intermediary: {profile: gcp-vpc-conntrack, idle: 5s}\n    as: nat\n  - wait: 60s\n");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    session_bench_until(b, 6 * NSEC_PER_SEC);
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_CLIENT, "\x81\x81mask,");
    session_bench_send(b, 0, SIDE_CLIENT, "\x81\x81mask+");
    session_bench_until(b, 7 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "");
    session_bench_send(b, 0, SIDE_SERVER, "\x89\x01x");
    session_bench_until(b, 8 * NSEC_PER_SEC);
    const char *saw = session_bench_saw(b);
    CHECK_CONTAINS(saw, "7s client0 '\\x89\\x01'");
    CHECK_CONTAINS(saw, "7s server0 '\\x81\\x81mask,\\x81\\x81mask+'");
    session_bench_free(b);
}

static void or_silent_for_good(void)
{
    struct bench *b = tunnel("intermediary: {profile: azure-lb, idle: 5s}");
    bench_until(b, 5 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut server silent; cut client silent");
    bench_free(b);
}

static void a_life_limit_ends_a_busy_connection(void)
{
    struct bench *b = tunnel("intermediary: {profile: gcp-external-https-lb}");
    bench_until(b, 29 * NSEC_PER_SEC);
    bench_traffic(b, TO_SERVER);
    bench_traffic(b, TO_CLIENT);
    CHECK_STR(bench_did(b), "");
    bench_until(b, 30 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut server close; cut client close");
    bench_free(b);
}

static void caddy_says_goodbye(void)
{
    struct bench *b = tunnel("intermediary: {profile: caddy, drain: 3s}");
    bench_until(b, 3 * NSEC_PER_SEC);
    CHECK_CONTAINS(bench_did(b), "inject to_client '\\x88\\x02\\x03\\xe9'; end to_client close");
    bench_free(b);
}

static void nginx_leaves_open_tunnels_alone_when_it_reloads(void)
{
    struct bench *b = tunnel("intermediary: {profile: nginx, idle: 0s, drain: 3s}");
    bench_until(b, 3600 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "");
    bench_free(b);
}

static void a_fin_of_one_end_closes_both(void)
{
    struct bench *b = tunnel("intermediary: {profile: nginx}");
    bench_end(b, TO_SERVER, CUT_FIN);
    CHECK_STR(bench_did(b), "drop; end to_server close; cut client close");
    bench_free(b);
}

static void or_is_passed_on(void)
{
    struct bench *b = tunnel("intermediary: {profile: apache}");
    bench_end(b, TO_SERVER, CUT_FIN);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void a_server_s_reset_reaches_the_client_as_fin(void)
{
    struct bench *b = tunnel("intermediary: {profile: nginx}");
    bench_end(b, TO_CLIENT, CUT_RST);
    CHECK_STR(bench_did(b), "drop; end to_client close");
    bench_free(b);
}

static void a_client_s_reset_reaches_the_server_as_its_profile_says(void)
{
    struct bench *b = tunnel("intermediary: {profile: haproxy, idle: 50s}");
    bench_end(b, TO_SERVER, CUT_RST);
    CHECK_STR(bench_did(b), "drop; cut server rst");
    bench_free(b);
}

static void a_handshake_without_connection_is_repaired(void)
{
    struct bench *b = handshake("intermediary: {profile: nginx}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_CONTAINS(bench_did(b), "Connection: upgrade\\x0d\\x0a");
    bench_free(b);
}

static void or_passed_as_it_is(void)
{
    struct bench *b = handshake("intermediary: {profile: haproxy, idle: 50s}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void a_company_s_proxy_strips_it(void)
{
    struct bench *b = handshake("intermediary: {profile: corporate-proxy, lifetime: 0s}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_CONTAINS(bench_did(b),
                   "Host: a\\x0d\\x0aSec-WebSocket-Key: k\\x0d\\x0aConnection: close");
    bench_free(b);
}

static void the_idle_timer_begins_with_the_101(void)
{
    struct bench *b = handshake("intermediary: {profile: nginx, idle: 5s, handshake_timeout: 60s}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    (void)bench_did(b);
    bench_until(b, 20 * NSEC_PER_SEC);
    bench_upgrade(b, TO_CLIENT, SWITCH);
    CHECK_STR(bench_did(b), "pass");
    bench_until(b, 25 * NSEC_PER_SEC);
    CHECK_CONTAINS(bench_did(b), "cut client close");
    bench_free(b);
}

static void a_request_nobody_answers_is_given_up(void)
{
    struct bench *b = handshake("intermediary: {profile: nginx, handshake_timeout: 5s}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    (void)bench_did(b);
    bench_until(b, 5 * NSEC_PER_SEC);
    CHECK_CONTAINS(bench_did(b), "respond 'HTTP/1.1 504 Gateway Timeout");
    bench_free(b);
}

static void a_server_that_is_not_there_is_answered_for(void)
{
    struct bench *b = handshake("intermediary: {profile: haproxy, idle: 50s}");
    bench_unreachable(b);
    CHECK_STR(bench_did(b), "");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_CONTAINS(bench_did(b), "respond 'HTTP/1.1 503 Service Unavailable");
    bench_free(b);
}

static void too_long_a_head_is_refused(void)
{
    struct bench *b = handshake("intermediary: {head_limit: 20B, head_status: 431}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_CONTAINS(bench_did(b), "respond 'HTTP/1.1 431 ");
    bench_free(b);
}

/* A browser's cookies are many lines, none of them long: nginx takes 32 KiB of those. */
static void where_lines_are_limited_the_whole_may_be_longer(void)
{
    struct bench *b = handshake("intermediary: {line_limit: 40B, head_status: 400}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
    b = handshake("intermediary: {line_limit: 10B, head_status: 400}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_CONTAINS(bench_did(b), "respond 'HTTP/1.1 400 ");
    bench_free(b);
}

SUITE(intermediary, TEST(silence_ends_a_tunnel_both_ways),
      TEST(bytes_of_either_side_restart_the_timer),
      TEST(where_only_the_server_counts_a_client_cannot_keep_it_alive),
      TEST(each_direction_has_its_own_timer), TEST(what_lingers_is_closed_later),
      TEST(haproxy_resets_the_server),
      TEST(a_forgotten_flow_is_met_by_a_reset_when_somebody_speaks), TEST(or_revived),
      TEST(a_revived_flow_to_a_side_that_was_reset_is_answered_by_rst),
      TEST(what_was_sent_in_vain_is_sent_again_once_the_flow_is_back), TEST(or_silent_for_good),
      TEST(a_life_limit_ends_a_busy_connection), TEST(caddy_says_goodbye),
      TEST(nginx_leaves_open_tunnels_alone_when_it_reloads), TEST(a_fin_of_one_end_closes_both),
      TEST(or_is_passed_on), TEST(a_server_s_reset_reaches_the_client_as_fin),
      TEST(a_client_s_reset_reaches_the_server_as_its_profile_says),
      TEST(a_handshake_without_connection_is_repaired), TEST(or_passed_as_it_is),
      TEST(a_company_s_proxy_strips_it), TEST(the_idle_timer_begins_with_the_101),
      TEST(a_request_nobody_answers_is_given_up), TEST(a_server_that_is_not_there_is_answered_for),
      TEST(too_long_a_head_is_refused), TEST(where_lines_are_limited_the_whole_may_be_longer))
