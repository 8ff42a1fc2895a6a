#include "endpoint/client_upgrade.h"

#include <string.h>

#include "endpoint/comeback.h"
#include "tests/check.h"

/* What a client makes of a response, fed in pieces of the given size. */
static enum upgrade_progress answer_in_pieces(struct client_upgrade *upgrade, const char *response,
                                              size_t piece, size_t *unused)
{
    enum upgrade_progress progress = UPGRADE_MORE;
    size_t left = strlen(response), used = 0;
    while (progress == UPGRADE_MORE && left > 0) {
        size_t len = piece < left ? piece : left;
        progress = client_upgrade_input(upgrade, (const uint8_t *)response, len, &used);
        response += used;
        left -= used;
    }
    *unused = left;
    return progress;
}

static enum upgrade_progress answer(struct client_upgrade *upgrade, const char *response)
{
    struct text request;
    size_t unused;
    text_init(&request);
    client_upgrade_begin(upgrade, &request);
    text_fini(&request);
    return answer_in_pieces(upgrade, response, 100000, &unused);
}

static nsec retry_after(const char *response)
{
    struct client_upgrade *upgrade = client_upgrade_new("a", 1);
    (void)answer(upgrade, response);
    nsec result = client_upgrade_retry_after(upgrade);
    client_upgrade_free(upgrade);
    return result;
}

static void each_attempt_asks_with_a_fresh_key(void)
{
    struct client_upgrade *upgrade = client_upgrade_new("host:80", 1);
    client_upgrade_ask(upgrade, "/feed?a=b", "");
    struct text first, second;
    text_init(&first);
    text_init(&second);
    client_upgrade_begin(upgrade, &first);
    client_upgrade_begin(upgrade, &second);
    CHECK_CONTAINS(text_chars(&first), "GET /feed?a=b HTTP/1.1\r\n");
    CHECK_CONTAINS(text_chars(&first), "Host: host:80\r\n");
    CHECK(strcmp(text_chars(&first), text_chars(&second)) != 0);
    text_fini(&first);
    text_fini(&second);
    client_upgrade_free(upgrade);
}

static void a_wrong_accept_is_refused(void)
{
    struct client_upgrade *upgrade = client_upgrade_new("a", 1);
    CHECK_INT(answer(upgrade, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"),
              UPGRADE_REFUSED);
    CHECK_INT(client_upgrade_status(upgrade), 101);
    client_upgrade_free(upgrade);
}

static void a_flawed_client_takes_it_and_a_page(void)
{
    struct client_upgrade *upgrade = client_upgrade_new("a", 1);
    client_upgrade_trust(upgrade);
    CHECK_INT(answer(upgrade, "HTTP/1.1 101 Switching Protocols\r\n\r\n"), UPGRADE_DONE);
    CHECK_INT(answer(upgrade, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), UPGRADE_DONE);
    CHECK_INT(answer(upgrade, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), UPGRADE_REFUSED);
    client_upgrade_free(upgrade);
}

static void what_is_not_http_is_refused(void)
{
    struct client_upgrade *upgrade = client_upgrade_new("a", 1);
    CHECK_INT(answer(upgrade, "SSH-2.0-OpenSSH_9.2\r\n\r\n"), UPGRADE_REFUSED);
    CHECK_INT(client_upgrade_status(upgrade), 0);
    client_upgrade_free(upgrade);
}

static void an_interim_response_is_skipped_at_every_slicing(void)
{
    static const char response[] = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 Busy\r\n\r\nbody";
    for (size_t piece = 1; piece < sizeof response; piece++) {
        struct client_upgrade *upgrade = client_upgrade_new("a", 1);
        size_t unused;
        CHECK_INT(answer_in_pieces(upgrade, response, piece, &unused), UPGRADE_REFUSED);
        CHECK_INT(client_upgrade_status(upgrade), 503);
        CHECK_INT(unused, 4);
        client_upgrade_free(upgrade);
    }
}

static void retry_after_is_read_in_both_forms(void)
{
    CHECK_INT(retry_after("HTTP/1.1 503 Busy\r\nRetry-After: 20\r\n\r\n"), 20 * NSEC_PER_SEC);
    CHECK_INT(retry_after("HTTP/1.1 503 Busy\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                          "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n\r\n"),
              30 * NSEC_PER_SEC);
    CHECK_INT(retry_after("HTTP/1.1 503 Busy\r\n\r\n"), RETRY_AFTER_ABSENT);
    CHECK_INT(retry_after("HTTP/1.1 503 Busy\r\nRetry-After: soon\r\n\r\n"), RETRY_AFTER_ABSENT);
}

static nsec wait_after(int status, nsec told, bool heeds)
{
    struct client_policy policy;
    struct rng rng;
    client_policy_defaults(&policy);
    policy.heeds_status = heeds;
    rng_init(&rng, 1, "test", 0);
    return comeback_delay(comeback_after_status(&policy, status, told), &policy, 1, &rng);
}

static void the_wait_is_never_shorter_than_retry_after(void)
{
    nsec wait = wait_after(503, 20 * NSEC_PER_SEC, true);
    CHECK(wait > 20 * NSEC_PER_SEC && wait <= 22 * NSEC_PER_SEC);
    CHECK(wait_after(503, 20 * NSEC_PER_SEC, false) < 2 * NSEC_PER_SEC);
}

static void a_client_error_is_retried_at_the_cap(void)
{
    CHECK(wait_after(404, RETRY_AFTER_ABSENT, true) >= 15 * NSEC_PER_SEC);
    CHECK(wait_after(429, RETRY_AFTER_ABSENT, true) < 2 * NSEC_PER_SEC);
    CHECK(wait_after(503, RETRY_AFTER_ABSENT, true) < 2 * NSEC_PER_SEC);
}

SUITE(endpoint_upgrade, TEST(each_attempt_asks_with_a_fresh_key), TEST(a_wrong_accept_is_refused),
      TEST(a_flawed_client_takes_it_and_a_page), TEST(what_is_not_http_is_refused),
      TEST(an_interim_response_is_skipped_at_every_slicing),
      TEST(retry_after_is_read_in_both_forms), TEST(the_wait_is_never_shorter_than_retry_after),
      TEST(a_client_error_is_retried_at_the_cap))
