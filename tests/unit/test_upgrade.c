#include "ws/upgrade.h"

#include <string.h>

#include "base/rng.h"
#include "tests/check.h"

#define SAMPLE_KEY "dGhlIHNhbXBsZSBub25jZQ=="

static unsigned request_wrong(const char *text)
{
    struct http_head head;
    struct upgrade_request request;
    CHECK(http_parse(HTTP_REQUEST, text, strlen(text), &head));
    upgrade_read_request(&head, &request);
    CHECK_INT(request.valid, request.wrong == 0);
    http_head_fini(&head);
    return request.wrong;
}

static unsigned response_wrong(const char *text, const char *protocols, const char *extensions)
{
    struct http_head head;
    struct upgrade_response response;
    CHECK(http_parse(HTTP_RESPONSE, text, strlen(text), &head));
    upgrade_read_response(&head, SAMPLE_KEY, protocols, extensions, &response);
    http_head_fini(&head);
    return response.wrong;
}

/* RFC 6455 1.3 */
static void the_accept_value_of_the_rfc(void)
{
    char accept[UPGRADE_ACCEPT_ROOM];
    upgrade_accept(SAMPLE_KEY, accept);
    CHECK_STR(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void a_key_is_sixteen_bytes(void)
{
    char key[UPGRADE_KEY_ROOM];
    upgrade_make_key((const uint8_t *)"the sample nonce", key);
    CHECK_STR(key, SAMPLE_KEY);
}

static void the_request_of_the_rfc_is_valid(void)
{
    CHECK_INT(request_wrong("GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"
                            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Key: " SAMPLE_KEY "\r\n"
                            "Origin: http://example.com\r\n"
                            "Sec-WebSocket-Protocol: chat, superchat\r\n"
                            "Sec-WebSocket-Version: 13\r\n\r\n"),
              0);
}

static void everything_that_is_missing_is_named(void)
{
    unsigned wrong = request_wrong("POST / HTTP/1.0\r\nUpgrade: h2c\r\n\r\n");
    CHECK_INT(wrong, UPGRADE_NOT_GET | UPGRADE_OLD_HTTP | UPGRADE_NO_HOST | UPGRADE_NO_UPGRADE |
                         UPGRADE_NO_CONNECTION | UPGRADE_NO_KEY | UPGRADE_BAD_VERSION);
    struct text out;
    text_init(&out);
    upgrade_add_wrong(&out, UPGRADE_NOT_GET | UPGRADE_ODD_EXTENSION);
    CHECK_STR(text_chars(&out), "not a GET, an extension that was not offered");
    text_fini(&out);
}

static void a_key_of_another_length_is_bad(void)
{
    static const char *const keys[] = {"dGhlIHNhbXBsZSBub25jZQ=", "AAAAAAAAAAAAAAAAAAAAAAAA", "",
                                       "dGhlIHNhbXBsZSBub25j!Q=="};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct text text;
        text_init(&text);
        text_addf(&text,
                  "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n"
                  "Connection: keep-alive, upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: %s\r\n\r\n",
                  keys[i]);
        CHECK_INT(request_wrong(text_chars(&text)), UPGRADE_BAD_KEY);
        text_fini(&text);
    }
}

static void a_plain_request_asks_for_nothing(void)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct http_head head;
    struct upgrade_request request;
    CHECK(http_parse(HTTP_REQUEST, text, sizeof text - 1, &head));
    upgrade_read_request(&head, &request);
    CHECK(!request.asks);
    http_head_fini(&head);
}

#define GOOD_ANSWER                                                                                \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static void the_response_of_the_rfc_is_valid(void)
{
    CHECK_INT(
        response_wrong(GOOD_ANSWER "Sec-WebSocket-Protocol: chat\r\n\r\n", "chat, superchat", ""),
        0);
}

static void a_response_for_another_key_is_wrong(void)
{
    CHECK_INT(response_wrong("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
                             NULL, NULL),
              UPGRADE_BAD_ACCEPT);
    CHECK_INT(response_wrong("HTTP/1.1 200 OK\r\n\r\n", NULL, NULL),
              UPGRADE_NOT_101 | UPGRADE_NO_UPGRADE | UPGRADE_NO_CONNECTION | UPGRADE_NO_ACCEPT);
}

static void answers_that_were_not_offered_are_wrong(void)
{
    const char *odd = GOOD_ANSWER "Sec-WebSocket-Protocol: chat\r\n"
                                  "Sec-WebSocket-Extensions: x-foo; x\r\n\r\n";
    CHECK_INT(response_wrong(odd, "", ""), UPGRADE_ODD_PROTOCOL | UPGRADE_ODD_EXTENSION);
    CHECK_INT(response_wrong(odd, "chat", "a, x-foo; y"), 0);
    CHECK_INT(response_wrong(odd, NULL, NULL), 0);
    CHECK_INT(response_wrong(GOOD_ANSWER "Sec-WebSocket-Protocol: a, b\r\n\r\n", "a, b", ""),
              UPGRADE_ODD_PROTOCOL);
}

static void what_we_build_we_find_valid(void)
{
    struct upgrade_ask ask = {.target = "/x", .host = "h:1", .key = SAMPLE_KEY, .protocols = "p"};
    struct text request, answer;
    text_init(&request);
    text_init(&answer);
    upgrade_add_request(&request, &ask);
    upgrade_add_switch(&answer, SAMPLE_KEY, "p", NULL, "X: y\r\n");
    CHECK_INT(request_wrong(text_chars(&request)), 0);
    CHECK_INT(response_wrong(text_chars(&answer), "p", ""), 0);
    text_fini(&request);
    text_fini(&answer);
}

static void deflate_parameters_are_read(void)
{
    struct upgrade_deflate deflate;
    upgrade_read_deflate("x-foo, permessage-deflate; server_no_context_takeover; "
                         "client_max_window_bits=\"10\"; server_max_window_bits=8",
                         &deflate);
    CHECK(deflate.on && !deflate.wrong);
    CHECK(deflate.server_no_context_takeover && !deflate.client_no_context_takeover);
    CHECK_INT(deflate.client_max_window_bits, 10);
    CHECK_INT(deflate.server_max_window_bits, 8);
}

static void no_deflate_is_off_with_the_full_window(void)
{
    struct upgrade_deflate deflate;
    upgrade_read_deflate("", &deflate);
    CHECK(!deflate.on && !deflate.wrong);
    CHECK_INT(deflate.client_max_window_bits, 15);
}

static void wrong_deflate_parameters_are_reported(void)
{
    static const char *const wrong[] = {"client_max_window_bits=7",
                                        "client_max_window_bits=16",
                                        "server_max_window_bits=09",
                                        "server_max_window_bits",
                                        "what",
                                        "server_no_context_takeover=1",
                                        "server_max_window_bits=9; server_max_window_bits=9",
                                        "server_no_context_takeover; server_no_context_takeover"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct upgrade_deflate deflate;
        struct text text;
        text_init(&text);
        text_addf(&text, "permessage-deflate; %s", wrong[i]);
        upgrade_read_deflate(text_chars(&text), &deflate);
        CHECK(deflate.on && deflate.wrong);
        text_fini(&text);
    }
}

static void an_answer_has_to_fit_the_offer(void)
{
    static const struct {
        const char *offer, *answer;
        bool fits;
    } cases[] = {
        {"permessage-deflate", "permessage-deflate", true},
        {"permessage-deflate", "", true},
        {"x-foo", "x-foo", true},
        {"x-foo", "permessage-deflate", false},
        {"permessage-deflate", "permessage-deflate; server_max_window_bits=10", true},
        {"permessage-deflate", "permessage-deflate; client_no_context_takeover", true},
        {"permessage-deflate", "permessage-deflate; server_max_window_bits=16", false},
        {"permessage-deflate", "permessage-deflate; client_max_window_bits=10", false},
        {"permessage-deflate; client_max_window_bits",
         "permessage-deflate; client_max_window_bits=10", true},
        {"permessage-deflate; client_max_window_bits=12",
         "permessage-deflate; client_max_window_bits=10", true},
        {"permessage-deflate; server_max_window_bits=10",
         "permessage-deflate; server_max_window_bits=10", true},
        {"permessage-deflate; server_max_window_bits=10",
         "permessage-deflate; server_max_window_bits=11", false},
        {"permessage-deflate; server_max_window_bits=10", "permessage-deflate", false},
        {"permessage-deflate; server_max_window_bits=10, permessage-deflate", "permessage-deflate",
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_STR(upgrade_deflate_fits(cases[i].offer, cases[i].answer) == cases[i].fits
                      ? ""
                      : cases[i].answer,
                  "");
}

static void parameters_that_do_not_fit_make_the_answer_wrong(void)
{
    struct text answer;
    text_init(&answer);
    upgrade_add_switch(&answer, SAMPLE_KEY, NULL, "permessage-deflate; client_max_window_bits=10",
                       NULL);
    CHECK_INT(response_wrong(text_chars(&answer), "", "permessage-deflate"), UPGRADE_BAD_DEFLATE);
    CHECK_INT(response_wrong(text_chars(&answer), "", "permessage-deflate; client_max_window_bits"),
              0);
    CHECK_INT(response_wrong(text_chars(&answer), "", ""), UPGRADE_ODD_EXTENSION);
    text_fini(&answer);
}

static void what_is_offered_is_read(void)
{
    struct upgrade_deflate_offer offer;
    CHECK(!upgrade_read_deflate_offer("x-foo", &offer));
    CHECK(upgrade_read_deflate_offer("x-foo, permessage-deflate; client_max_window_bits; "
                                     "server_max_window_bits=9; server_no_context_takeover",
                                     &offer));
    CHECK(offer.client_bits && offer.server_no_context_takeover);
    CHECK_INT(offer.client_max_window_bits, 15);
    CHECK_INT(offer.server_max_window_bits, 9);
}

static void random_extensions_do_no_harm(void)
{
    static const char *const parts[] = {
        "permessage-deflate",        ";", ",", "=", "\"", "\\", "9", " ", "client_max_window_bits",
        "server_no_context_takeover"};
    struct rng rng;
    size_t out_of_bounds = 0;
    rng_init(&rng, 7, "extensions", 0);
    for (int round = 0; round < 5000; round++) {
        struct upgrade_deflate deflate;
        struct text text;
        text_init(&text);
        for (int i = 0; i < 10; i++)
            text_add(&text, parts[rng_next(&rng) % (sizeof parts / sizeof *parts)]);
        upgrade_read_deflate(text_chars(&text), &deflate);
        out_of_bounds += deflate.client_max_window_bits < 8 || deflate.client_max_window_bits > 15;
        text_fini(&text);
    }
    CHECK_INT(out_of_bounds, 0);
}

SUITE(upgrade, TEST(the_accept_value_of_the_rfc), TEST(a_key_is_sixteen_bytes),
      TEST(the_request_of_the_rfc_is_valid), TEST(everything_that_is_missing_is_named),
      TEST(a_key_of_another_length_is_bad), TEST(a_plain_request_asks_for_nothing),
      TEST(the_response_of_the_rfc_is_valid), TEST(a_response_for_another_key_is_wrong),
      TEST(answers_that_were_not_offered_are_wrong), TEST(what_we_build_we_find_valid),
      TEST(deflate_parameters_are_read), TEST(no_deflate_is_off_with_the_full_window),
      TEST(wrong_deflate_parameters_are_reported), TEST(an_answer_has_to_fit_the_offer),
      TEST(parameters_that_do_not_fit_make_the_answer_wrong), TEST(what_is_offered_is_read),
      TEST(random_extensions_do_no_harm))
