/* permessage-deflate between the built-in endpoints, and the flaws in it. */
#include <string.h>

#include "endpoint/flaws.h"
#include "endpoint/server_request.h"
#include "tests/check.h"
#include "tests/unit/endpoint_world.h"
#include "ws/compress.h"
#include "ws/frame.h"

#define SECONDS(n) ((nsec)((n)*1e9))

/* Five messages a second, sent back, three of five compressed. */
static struct world *talking(const char *flaw)
{
    struct world *w = world_new();
    if (flaw)
        CHECK(client_flaw_apply(&w->client_policy, flaw));
    w->client_policy.message_size = 1000;
    w->client_policy.rate = 5000;
    w->client_policy.deflate = w->server_policy.deflate = w->server_policy.echo = true;
    world_begin(w, 7);
    return w;
}

static void messages_go_both_ways_in_fewer_bytes(void)
{
    struct world *w = talking(NULL);
    world_run(w, SECONDS(10));
    CHECK_INT(w->messages, 50);
    CHECK_INT(w->disorder, 0);
    CHECK_INT(client_stats(w->client).received, 50);
    CHECK_INT(world_count(w, "client failing") + world_count(w, "server failing"), 0);
    CHECK(w->taken < (uint64_t)50 * 300);
    world_free(w);
}

static void each_connection_begins_anew(void)
{
    struct world *w = talking(NULL);
    world_run(w, SECONDS(3));
    world_cut(w);
    world_run(w, SECONDS(10));
    CHECK(w->messages > 50);
    CHECK_INT(world_count(w, "client failing") + world_count(w, "server failing"), 0);
    world_free(w);
}

static void who_does_not_offer_it_has_it_not(void)
{
    struct world *w = world_new();
    w->server_policy.deflate = true;
    w->server_policy.says = SECONDS(1);
    world_begin(w, 7);
    world_run(w, SECONDS(5.5));
    CHECK_INT(client_stats(w->client).received, 5);
    world_to_client(w, "\xc1\x01x", 3);
    world_run(w, SECONDS(0.1));
    CHECK_STR(world_detail(w, "client failing", 0), "1002");
    world_free(w);
}

static void a_context_that_was_not_granted_breaks_the_second_message(void)
{
    struct world *w = talking("keeps_context");
    world_run(w, SECONDS(0.5));
    CHECK_STR(world_detail(w, "server failing", 0), "1007");
    CHECK_INT(w->messages, 1);
    world_free(w);
}

static void a_plain_message_is_no_deflate_stream(void)
{
    struct world *w = talking("inflates_everything");
    world_run(w, SECONDS(1));
    CHECK_STR(world_detail(w, "client failing", 0), "1007");
    CHECK_INT(client_stats(w->client).received, 2);
    world_free(w);
}

/* What comes as a compressed text message: a stream, or garbage. */
static void say_compressed(struct world *w, const void *payload, size_t len)
{
    uint8_t frame[FRAME_HEAD_MAX + 4096];
    size_t frame_len = frame_build(frame, sizeof frame, OPCODE_TEXT, payload, len, NULL);
    frame[0] |= 0x40;
    world_to_client(w, frame, frame_len);
    world_run(w, SECONDS(0.1));
}

static struct world *listening(const char *flaw)
{
    struct world *w = world_new();
    if (flaw)
        CHECK(client_flaw_apply(&w->client_policy, flaw));
    w->client_policy.deflate = w->server_policy.deflate = true;
    world_begin(w, 7);
    world_run(w, SECONDS(1));
    return w;
}

static void garbage_fails_the_connection(void)
{
    struct world *w = listening(NULL);
    say_compressed(w, "\x06garbage", 8);
    CHECK_STR(world_detail(w, "client failing", 0), "1007");
    world_free(w);
    w = listening("accepts_bad_deflate");
    say_compressed(w, "\x06garbage", 8);
    CHECK_INT(world_count(w, "client failing"), 0);
    CHECK_INT(client_stats(w->client).received, 1);
    world_free(w);
}

static void inflated_text_is_checked(void)
{
    struct text payload;
    struct compress *compress = compress_new(15, DEFLATE_CONTEXT_KEPT);
    struct world *w = listening(NULL);
    text_init(&payload);
    compress_feed(compress, "no \xff", 4, DEFLATE_LAST, &payload);
    say_compressed(w, payload.chars, payload.len);
    CHECK_STR(world_detail(w, "client failing", 0), "1007");
    text_fini(&payload);
    compress_free(compress);
    world_free(w);
}

static void add_long(struct text *payload, size_t len)
{
    static const uint8_t piece[4096];
    struct compress *compress = compress_new(15, DEFLATE_CONTEXT_KEPT);
    for (; len > 0; len -= sizeof piece)
        compress_feed(compress, piece, sizeof piece,
                      len > sizeof piece ? DEFLATE_PART : DEFLATE_LAST, payload);
    compress_free(compress);
}

static void the_limit_holds_for_what_a_message_inflates_to(void)
{
    static const struct {
        const char *flaw, *code;
        size_t len;
    } cases[] = {{NULL, "", 64 << 10},
                 {NULL, "1009", (64 << 10) + 4096},
                 {"no_inflate_limit", "", (64 << 10) + 4096}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text payload;
        struct world *w = world_new();
        if (cases[i].flaw)
            CHECK(client_flaw_apply(&w->client_policy, cases[i].flaw));
        w->client_policy.deflate = w->server_policy.deflate = true;
        w->client_policy.max_message = 64 << 10;
        world_begin(w, 7);
        world_run(w, SECONDS(1));
        text_init(&payload);
        add_long(&payload, cases[i].len);
        say_compressed(w, payload.chars, payload.len);
        CHECK_STR(world_detail(w, "client failing", 0), cases[i].code);
        text_fini(&payload);
        world_free(w);
    }
}

static void control_frames_are_never_compressed(void)
{
    struct world *w = listening(NULL);
    world_to_client(w, "\xc9\x00", 2);
    world_run(w, SECONDS(0.1));
    CHECK_STR(world_detail(w, "client failing", 0), "1002");
    world_free(w);
}

/* --- What the server agrees to --- */

static void check_answer(const char *offer, const char *want)
{
    struct server_request *request = server_request_new();
    struct text head, answer;
    size_t used;
    text_init(&head);
    text_init(&answer);
    text_addf(&head,
              "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
              "Sec-WebSocket-Extensions: %s\r\n\r\n",
              offer);
    server_request_deflate(request);
    CHECK_INT(
        server_request_input(request, (const uint8_t *)text_chars(&head), head.len, &used, &answer),
        REQUEST_UPGRADE);
    CHECK_STR(server_request_extensions(request), want);
    CHECK(strstr(text_chars(&answer), "Sec-WebSocket-Extensions") || !want[0]);
    text_fini(&head);
    text_fini(&answer);
    server_request_free(request);
}

static void the_server_grants_what_was_asked(void)
{
    check_answer("x-foo", "");
    check_answer("permessage-deflate", "permessage-deflate; client_no_context_takeover");
    check_answer("permessage-deflate; client_max_window_bits",
                 "permessage-deflate; client_no_context_takeover; client_max_window_bits=10");
    check_answer("permessage-deflate; client_max_window_bits=9",
                 "permessage-deflate; client_no_context_takeover; client_max_window_bits=9");
    check_answer("permessage-deflate; server_max_window_bits=12; server_no_context_takeover",
                 "permessage-deflate; client_no_context_takeover; server_max_window_bits=12; "
                 "server_no_context_takeover");
    check_answer("permessage-deflate; server_max_window_bits=8", "");
}

SUITE(endpoint_deflate, TEST(messages_go_both_ways_in_fewer_bytes),
      TEST(each_connection_begins_anew), TEST(who_does_not_offer_it_has_it_not),
      TEST(a_context_that_was_not_granted_breaks_the_second_message),
      TEST(a_plain_message_is_no_deflate_stream), TEST(garbage_fails_the_connection),
      TEST(inflated_text_is_checked), TEST(the_limit_holds_for_what_a_message_inflates_to),
      TEST(control_frames_are_never_compressed), TEST(the_server_grants_what_was_asked))
