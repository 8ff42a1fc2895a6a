/* The faults on the opening handshake: what each makes of a head. */
#include "tests/check.h"
#include "tests/unit/fault_bench.h"

#define REQUEST                                                                                    \
    "GET /feed HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"               \
    "Origin: https://good.example\r\n\r\n"
#define SWITCH                                                                                     \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: xbc\r\n\r\n"

static void answers_are_kept_back_for_the_delay(void)
{
    struct bench *b = bench_new("upgrade_delay: {delay: 2s, direction: to_client}");
    bench_upgrade(b, TO_CLIENT, SWITCH);
    CHECK_STR(bench_did(b), "hold until 2s");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void without_a_delay_they_wait_until_it_is_cleared(void)
{
    struct bench *b = bench_new("upgrade_delay: {}");
    bench_upgrade(b, TO_CLIENT, SWITCH);
    CHECK_STR(bench_did(b), "hold for ever");
    bench_free(b);
}

static void plain_requests_are_left_alone(void)
{
    static const char *const faults[] = {
        "upgrade_delay: {}",    "upgrade_status: {}",
        "upgrade_strip: {}",    "upgrade_bad_accept: {}",
        "upgrade_protocol: {}", "upgrade_extension: {}",
        "upgrade_dribble: {}",  "upgrade_rewrite: {header: Host, value: b}"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct bench *b = bench_new(faults[i]);
        bench_head(b, TO_SERVER, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        bench_head(b, TO_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        CHECK_STR(bench_did(b), "pass; pass");
        bench_free(b);
    }
}

static void a_header_is_set(void)
{
    struct bench *b = bench_new(
        "upgrade_rewrite: {header: origin, value: 'https://evil.example', direction: to_server}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_CONTAINS(bench_did(b), "rigin: https://evil.example\\x0d\\x0a\\x0d\\x0a'");
    bench_free(b);
}

static void a_header_that_was_not_there_is_set_too(void)
{
    struct bench *b = bench_new("upgrade_rewrite: {header: Cookie, value: s=1}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_CONTAINS(bench_did(b), "Cookie: s=1\\x0d\\x0a\\x0d\\x0a'");
    bench_free(b);
}

static void a_part_of_a_value_is_replaced(void)
{
    struct bench *b = bench_new(
        "upgrade_rewrite: {header: Origin, action: replace, part: good, value: goodgood}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_CONTAINS(bench_did(b), "Origin: https://goodgood.example\\x0d\\x0a");
    bench_free(b);
}

static void a_part_that_is_not_there_changes_nothing(void)
{
    struct bench *b =
        bench_new("upgrade_rewrite: {header: Origin, action: replace, part: evil, value: x}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void a_header_is_removed(void)
{
    struct bench *b = bench_new("upgrade_rewrite: {header: Upgrade, action: remove}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_STR(bench_did(b),
              "replace 'GET /feed HTTP/1.1\\x0d\\x0aHost: a\\x0d\\x0aConnection: Upgrade\\x0d\\x0a"
              "Origin: https://good.example\\x0d\\x0a\\x0d\\x0a'");
    bench_free(b);
}

static void the_request_is_answered_and_both_legs_end(void)
{
    struct bench *b = bench_new("upgrade_status: {status: 503, retry_after: 20s, body: later}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_STR(bench_did(b),
              "respond 'HTTP/1.1 503 Service Unavailable\\x0d\\x0aRetry-After: 20\\x0d\\x0a"
              "Content-Type: text/plain; charset=utf-8\\x0d\\x0aContent-Length: 5\\x0d\\x0a"
              "Connection: close\\x0d\\x0a\\x0d\\x0alater'; end to_client close; cut server close");
    bench_free(b);
}

static void the_client_may_be_left_with_the_connection(void)
{
    struct bench *b = bench_new("upgrade_status: {status: 200, then: nothing}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_CONTAINS(bench_did(b), "Connection: close\\x0d\\x0a\\x0d\\x0a'; cut server close");
    bench_free(b);
}

static void a_date_is_told_at_the_endpoints_time_of_day(void)
{
    struct bench *b = bench_new("upgrade_status: {status: 429, retry_after: 90s, form: date}");
    b->fault.epoch = 784111777 - 100; /* RFC 9110 5.6.7: 784111777 is Sun, 06 Nov 1994 08:49:37 */
    bench_until(b, 10 * NSEC_PER_SEC);
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_CONTAINS(bench_did(b), "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\\x0d");
    bench_free(b);
}

static void the_upgrade_is_stripped_as_nginx_does(void)
{
    struct bench *b = bench_new("upgrade_strip: {}");
    bench_upgrade(b, TO_SERVER, REQUEST);
    CHECK_STR(bench_did(b),
              "replace 'GET /feed HTTP/1.0\\x0d\\x0aHost: a\\x0d\\x0aConnection: close\\x0d\\x0a"
              "Origin: https://good.example\\x0d\\x0a\\x0d\\x0a'");
    bench_free(b);
}

static void the_proof_is_spoilt(void)
{
    struct bench *b = bench_new("upgrade_bad_accept: {how: wrong}");
    bench_upgrade(b, TO_CLIENT, SWITCH);
    CHECK_CONTAINS(bench_did(b), "Accept: Abc\\x0d");
    bench_free(b);
}

static void an_answer_that_is_no_switch_needs_no_spoiling(void)
{
    struct bench *b = bench_new("upgrade_bad_accept: {how: missing}");
    bench_upgrade(b, TO_CLIENT, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void a_subprotocol_nobody_offered_is_chosen(void)
{
    struct bench *b = bench_new("upgrade_protocol: {name: soap}");
    bench_upgrade(b, TO_CLIENT, SWITCH);
    CHECK_CONTAINS(bench_did(b), "Sec-WebSocket-Protocol: soap\\x0d");
    bench_free(b);
}

static void an_extension_nobody_offered_is_chosen(void)
{
    struct bench *b = bench_new("upgrade_extension: {value: 'x-y; z=1'}");
    bench_upgrade(b, TO_CLIENT, SWITCH);
    CHECK_CONTAINS(bench_did(b), "Sec-WebSocket-Extensions: x-y; z=1\\x0d");
    bench_free(b);
}

static void what_is_not_there_cannot_go_missing(void)
{
    struct bench *b = bench_new("upgrade_extension: {how: missing}");
    bench_upgrade(b, TO_CLIENT, SWITCH);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void a_head_trickles_piece_by_piece(void)
{
    struct bench *b = bench_new("upgrade_dribble: {bytes: 16B, every: 2s, direction: to_server}");
    bench_upgrade(b, TO_SERVER, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: b\r\n\r\n");
    CHECK_STR(bench_did(b), "hold until 0s(16); hold until 2s(16); hold until 4s");
    bench_free(b);
}

SUITE(upgrade_faults, TEST(answers_are_kept_back_for_the_delay),
      TEST(without_a_delay_they_wait_until_it_is_cleared), TEST(plain_requests_are_left_alone),
      TEST(a_header_is_set), TEST(a_header_that_was_not_there_is_set_too),
      TEST(a_part_of_a_value_is_replaced), TEST(a_part_that_is_not_there_changes_nothing),
      TEST(a_header_is_removed), TEST(the_request_is_answered_and_both_legs_end),
      TEST(the_client_may_be_left_with_the_connection),
      TEST(a_date_is_told_at_the_endpoints_time_of_day),
      TEST(the_upgrade_is_stripped_as_nginx_does), TEST(the_proof_is_spoilt),
      TEST(an_answer_that_is_no_switch_needs_no_spoiling),
      TEST(a_subprotocol_nobody_offered_is_chosen), TEST(an_extension_nobody_offered_is_chosen),
      TEST(what_is_not_there_cannot_go_missing), TEST(a_head_trickles_piece_by_piece))
