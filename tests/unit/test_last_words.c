/* What a fault sends before it ends a connection arrives before the end, whatever other faults hold
 * it back and in whichever order they stand. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/unit/session_bench.h"

#define REQUEST                                                                                    \
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

static const char late[] = "latency: {delay: 1s}";

static struct session_bench *both(const char *one, const char *other)
{
    char *steps = xprintf("- %s\n    as: one\n  - %s\n    as: other\n  - wait: 60s\n", one, other);
    struct session_bench *b = session_bench_new(steps);
    free(steps);
    return b;
}

/* Both words, the first before the second. */
static void check_order(struct session_bench *b, const char *first, const char *then)
{
    char *saw = xstrdup(session_bench_saw(b));
    const char *found = strstr(saw, first);
    CHECK_STR(found ? first : saw, first);
    if (found)
        CHECK_STR(strstr(found, then) ? then : saw, then);
    free(saw);
}

static void check_answer(const char *one, const char *other, const char *status)
{
    struct session_bench *b = both(one, other);
    session_bench_start(b);
    session_bench_accept(b, 0);
    session_bench_send(b, 0, SIDE_CLIENT, REQUEST);
    session_bench_until(b, 5 * NSEC_PER_SEC);
    check_order(b, status, "client0 close");
    session_bench_free(b);
}

static void a_refusal_is_read_before_the_end(void)
{
    check_answer("upgrade_status: {status: 503}", late, "HTTP/1.1 503");
    check_answer(late, "upgrade_status: {status: 503}", "HTTP/1.1 503");
    check_answer("intermediary: {profile: nginx, head_limit: 20B}", late, "HTTP/1.1 400");
    check_answer(late, "intermediary: {profile: nginx, head_limit: 20B}", "HTTP/1.1 400");
}

static void check_fin(const char *one, const char *other)
{
    struct session_bench *b = both(one, other);
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    session_bench_send(b, 0, SIDE_CLIENT, "\x81\x83zzzz\x1b\x18\x19");
    session_bench_end(b, 0, SIDE_CLIENT, CUT_FIN);
    session_bench_until(b, 5 * NSEC_PER_SEC);
    check_order(b, "server0 '\\x81\\x83zzzz", "server0 close");
    session_bench_free(b);
}

static void a_proxy_passes_the_fin_on_behind_the_data(void)
{
    check_fin("intermediary: {profile: nginx}", late);
    check_fin(late, "intermediary: {profile: nginx}");
}

static void check_close(const char *one, const char *other)
{
    struct session_bench *b = both(one, other);
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    session_bench_until(b, 5 * NSEC_PER_SEC);
    check_order(b, "client0 '\\x88\\x02", "client0 fin");
    session_bench_free(b);
}

static void a_close_frame_comes_before_its_fin(void)
{
    check_close("close_with: {code: 1001, then: fin, direction: to_client}", late);
    check_close(late, "close_with: {code: 1001, then: fin, direction: to_client}");
}

static void check_goodbye(const char *one, const char *other)
{
    struct session_bench *b = both(one, other);
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    session_bench_until(b, 5 * NSEC_PER_SEC);
    check_order(b, "client0 '\\x88\\x02", "client0 close");
    session_bench_free(b);
}

static void so_does_that_of_a_proxy(void)
{
    check_goodbye("intermediary: {profile: caddy, drain: 1s}", late);
    check_goodbye(late, "intermediary: {profile: caddy, drain: 1s}");
}

static void check_cut(const char *one, const char *other)
{
    struct session_bench *b = both(one, other);
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x03"
                       "abc");
    session_bench_until(b, 5 * NSEC_PER_SEC);
    check_order(b, "client0 '\\x81\\x03a'", "client0 close");
    session_bench_free(b);
}

static void the_beginning_of_a_frame_arrives_before_the_cut(void)
{
    check_cut("truncate_frame: {after: 1B, direction: to_client}", late);
    check_cut(late, "truncate_frame: {after: 1B, direction: to_client}");
    check_cut("cut_after: {bytes: 3B, direction: to_client}", late);
    check_cut(late, "cut_after: {bytes: 3B, direction: to_client}");
}

SUITE(last_words, TEST(a_refusal_is_read_before_the_end),
      TEST(a_proxy_passes_the_fin_on_behind_the_data), TEST(a_close_frame_comes_before_its_fin),
      TEST(so_does_that_of_a_proxy), TEST(the_beginning_of_a_frame_arrives_before_the_cut))
