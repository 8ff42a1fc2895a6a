#include "endpoint/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/check.h"
#include "ws/frame.h"

#define SECONDS(n) ((nsec)((n)*1e9))
#define UPGRADE                                                                                    \
    "GET /feed HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"               \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

/* One connection whose driver takes everything, or nothing while jammed. */
struct rig {
    struct server_policy policy;
    struct server_conn *conn;
    struct text out;
    bool jammed, aborted, finished;
};

static size_t take_output(void *context, const uint8_t *bytes, size_t len)
{
    struct rig *rig = context;
    if (rig->jammed)
        return 0;
    text_add_bytes(&rig->out, bytes, len);
    return len;
}

static void take_abort(void *context)
{
    ((struct rig *)context)->aborted = true;
}

static void take_finish(void *context)
{
    ((struct rig *)context)->finished = true;
}

static const struct server_ops ops = {
    .on_output = take_output, .on_abort = take_abort, .on_finish = take_finish};

static struct rig *rig_new(void)
{
    struct rig *rig = xcalloc(1, sizeof *rig);
    text_init(&rig->out);
    server_policy_defaults(&rig->policy);
    return rig;
}

static void begin(struct rig *rig)
{
    rig->conn = server_conn_new(&rig->policy, &ops, rig, 0);
}

static void rig_free(struct rig *rig)
{
    server_conn_free(rig->conn);
    text_fini(&rig->out);
    free(rig);
}

static void say(struct rig *rig, const char *words)
{
    server_conn_input(rig->conn, (const uint8_t *)words, strlen(words), SECONDS(1));
}

static void send_frame(struct rig *rig, uint8_t opcode, const char *payload, size_t len)
{
    static const uint8_t key[4] = {1, 2, 3, 4};
    uint8_t *frame = xmalloc(FRAME_HEAD_MAX + len);
    size_t frame_len = frame_build(frame, FRAME_HEAD_MAX + len, opcode, payload, len, key);
    server_conn_input(rig->conn, frame, frame_len, SECONDS(1));
    free(frame);
}

static void open_rig(struct rig *rig)
{
    begin(rig);
    say(rig, UPGRADE "\r\n");
    text_clear(&rig->out);
}

static struct rig *opened(void)
{
    struct rig *rig = rig_new();
    open_rig(rig);
    return rig;
}

#define CHECK_OUT(rig, literal)                                                                    \
    CHECK_BYTES((rig)->out.chars, (rig)->out.len, literal, sizeof(literal) - 1)

static void an_upgrade_is_accepted_on_any_path(void)
{
    struct rig *rig = rig_new();
    begin(rig);
    say(rig, UPGRADE "\r\n");
    CHECK_CONTAINS(text_chars(&rig->out), "HTTP/1.1 101 ");
    CHECK_CONTAINS(text_chars(&rig->out), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK_INT(server_conn_state(rig->conn), SERVER_OPEN);
    rig_free(rig);
}

static void an_upgrade_may_come_byte_by_byte(void)
{
    struct rig *rig = rig_new();
    begin(rig);
    for (const char *c = UPGRADE "\r\n"; *c; c++)
        server_conn_input(rig->conn, (const uint8_t *)c, 1, 0);
    CHECK_INT(server_conn_state(rig->conn), SERVER_OPEN);
    rig_free(rig);
}

static void what_authenticates_is_answered_as_told(void)
{
    struct rig *rig = rig_new();
    rig->policy.auth_message = "\"login\"";
    rig->policy.auth_answer = "ok";
    rig->policy.echo = true;
    open_rig(rig);
    send_frame(rig, OPCODE_TEXT, "[\"login\"]", 9);
    CHECK_OUT(rig, "\x81\x02ok");
    text_clear(&rig->out);
    send_frame(rig, OPCODE_TEXT, "[\"other\"]", 9);
    CHECK_OUT(rig, "\x81\x09[\"other\"]");
    rig_free(rig);
}

static void the_first_subprotocol_is_taken_and_no_extension(void)
{
    struct rig *rig = rig_new();
    begin(rig);
    say(rig, UPGRADE "Sec-WebSocket-Protocol: one, two\r\n"
                     "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    CHECK_CONTAINS(text_chars(&rig->out), "Sec-WebSocket-Protocol: one\r\n");
    CHECK(!strstr(text_chars(&rig->out), "Extensions"));
    rig_free(rig);
}

static void plain_requests_are_answered_and_closed(void)
{
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 "},
        {"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 "},
        {"GET /feed HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 426 "},
        {"POST /feed HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /feed HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
         "HTTP/1.1 400 "},
        {"GET /feed HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12\r\n\r\n",
         "Sec-WebSocket-Version: 13\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = rig_new();
        begin(rig);
        say(rig, cases[i].request);
        CHECK_CONTAINS(text_chars(&rig->out), cases[i].status);
        CHECK(rig->finished);
        rig_free(rig);
    }
}

static void a_health_check_says_halfopen(void)
{
    struct rig *rig = rig_new();
    begin(rig);
    say(rig, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_CONTAINS(text_chars(&rig->out), "\r\n\r\nhalfopen");
    rig_free(rig);
}

static void a_slow_request_is_cut_at_the_timeout(void)
{
    struct rig *rig = rig_new();
    begin(rig);
    say(rig, "GET / HTTP");
    server_conn_expire(rig->conn, SECONDS(10) - 1);
    CHECK(!rig->aborted);
    server_conn_expire(rig->conn, SECONDS(10));
    CHECK(rig->aborted);
    rig_free(rig);
}

static void it_is_mute_but_answers_pings(void)
{
    struct rig *rig = opened();
    send_frame(rig, OPCODE_TEXT, "hello", 5);
    CHECK_INT(rig->out.len, 0);
    CHECK_INT(server_conn_received(rig->conn), 1);
    send_frame(rig, OPCODE_PING, "abc", 3);
    CHECK_OUT(rig, "\x8a\x03"
                   "abc");
    CHECK_INT(server_conn_deadline(rig->conn), NEVER);
    rig_free(rig);
}

static void frames_may_share_a_segment_with_the_request(void)
{
    struct rig *rig = rig_new();
    begin(rig);
    say(rig, UPGRADE "\r\n\x89\x81\x01\x01\x01\x01`");
    CHECK_BYTES(rig->out.chars + rig->out.len - 3, 3,
                "\x8a\x01"
                "a",
                3);
    rig_free(rig);
}

static void an_echo_returns_whole_messages(void)
{
    struct rig *rig = rig_new();
    rig->policy.echo = true;
    open_rig(rig);
    server_conn_input(rig->conn, (const uint8_t *)"\x01\x81\0\0\0\0a\x80\x81\0\0\0\0b", 14, 0);
    CHECK_OUT(rig, "\x81\x02"
                   "ab");
    rig_free(rig);
}

static void a_close_is_answered_with_its_code_then_fin(void)
{
    struct rig *rig = opened();
    send_frame(rig, OPCODE_CLOSE,
               "\x0f\xa1"
               "bye",
               5);
    CHECK_OUT(rig, "\x88\x02\x0f\xa1");
    CHECK(rig->finished);
    CHECK(!rig->aborted);
    server_conn_eof(rig->conn, SECONDS(2));
    CHECK(rig->aborted);
    CHECK_INT(server_conn_state(rig->conn), SERVER_OVER);
    rig_free(rig);
}

static void a_close_without_code_is_answered_without(void)
{
    struct rig *rig = opened();
    send_frame(rig, OPCODE_CLOSE, "", 0);
    CHECK_OUT(rig, "\x88\x00");
    rig_free(rig);
}

static void nothing_is_read_after_a_close(void)
{
    struct rig *rig = rig_new();
    rig->policy.echo = true;
    open_rig(rig);
    send_frame(rig, OPCODE_CLOSE, "", 0);
    send_frame(rig, OPCODE_TEXT, "late", 4);
    CHECK_INT(server_conn_received(rig->conn), 0);
    rig_free(rig);
}

static void an_unmasked_frame_fails_the_connection(void)
{
    struct rig *rig = opened();
    say(rig, "\x81\x01"
             "a");
    CHECK_OUT(rig, "\x88\x02\x03\xea");
    CHECK(rig->finished);
    rig_free(rig);
}

static void a_client_that_stays_after_the_close_is_cut(void)
{
    struct rig *rig = opened();
    send_frame(rig, OPCODE_CLOSE, "", 0); /* at 1 s */
    server_conn_expire(rig->conn, SECONDS(11) - 1);
    CHECK(!rig->aborted);
    server_conn_expire(rig->conn, SECONDS(11));
    CHECK(rig->aborted);
    rig_free(rig);
}

static void shutting_down_closes_with_a_code_and_waits(void)
{
    struct rig *rig = opened();
    server_conn_close(rig->conn, 1001, "bye", SECONDS(2));
    CHECK_OUT(rig, "\x88\x05\x03\xe9"
                   "bye");
    CHECK(!rig->finished);
    send_frame(rig, OPCODE_CLOSE, "\x03\xe9", 2);
    CHECK_INT(rig->out.len, 7);
    CHECK(rig->finished);
    rig_free(rig);
}

static void a_pinging_server_reaps_a_dead_client(void)
{
    struct rig *rig = rig_new();
    rig->policy.ping = SECONDS(30);
    open_rig(rig);
    CHECK_INT(server_conn_deadline(rig->conn), SECONDS(31));
    server_conn_expire(rig->conn, SECONDS(31));
    CHECK_OUT(rig, "\x89\x08halfopen");
    server_conn_expire(rig->conn, SECONDS(41));
    CHECK(rig->aborted);
    rig_free(rig);
}

static void a_pinging_server_keeps_a_living_client(void)
{
    struct rig *rig = rig_new();
    rig->policy.ping = SECONDS(30);
    open_rig(rig);
    server_conn_expire(rig->conn, SECONDS(31));
    send_frame(rig, OPCODE_PONG, "halfopen", 8);
    server_conn_expire(rig->conn, SECONDS(41));
    CHECK(!rig->aborted);
    CHECK_INT(server_conn_deadline(rig->conn), SECONDS(61));
    rig_free(rig);
}

static void it_stops_reading_at_the_bound_of_its_send_buffer(void)
{
    struct rig *rig = rig_new();
    rig->policy.echo = true;
    rig->policy.send_buffer = 10;
    open_rig(rig);
    rig->jammed = true;
    send_frame(rig, OPCODE_TEXT, "1234567", 7);
    CHECK_INT(server_conn_buffered(rig->conn), 9);
    CHECK(server_conn_wants_input(rig->conn));
    send_frame(rig, OPCODE_TEXT, "", 0);
    CHECK(!server_conn_wants_input(rig->conn));
    rig->jammed = false;
    server_conn_writable(rig->conn, SECONDS(2));
    CHECK(server_conn_wants_input(rig->conn));
    rig_free(rig);
}

static void pongs_to_a_client_that_does_not_read_do_not_pile_up(void)
{
    struct rig *rig = opened();
    rig->jammed = true;
    for (int i = 0; i < 100000; i++)
        send_frame(rig, OPCODE_PING, i % 2 ? "odd" : "even", i % 2 ? 3 : 4);
    CHECK(server_conn_buffered(rig->conn) <= 4096 + 127);
    rig->jammed = false;
    server_conn_writable(rig->conn, SECONDS(2));
    CHECK_BYTES(rig->out.chars + rig->out.len - 3, 3, "odd", 3);
    rig_free(rig);
}

static void fin_follows_the_output_that_was_held_up(void)
{
    struct rig *rig = opened();
    rig->jammed = true;
    send_frame(rig, OPCODE_CLOSE, "", 0);
    CHECK(!rig->finished);
    rig->jammed = false;
    server_conn_writable(rig->conn, SECONDS(2));
    CHECK(rig->finished);
    rig_free(rig);
}

static void messages_are_refused_at_one_byte_over_the_limit(void)
{
    struct rig *rig = rig_new();
    rig->policy.max_message = 10;
    open_rig(rig);
    send_frame(rig, OPCODE_TEXT, "0123456789", 10);
    CHECK_INT(rig->out.len, 0);
    send_frame(rig, OPCODE_TEXT, "0123456789x", 11);
    CHECK_OUT(rig, "\x88\x02\x03\xf1");
    rig_free(rig);
}

static void fragments_count_together_towards_the_limit(void)
{
    struct rig *rig = rig_new();
    rig->policy.max_message = 2;
    open_rig(rig);
    server_conn_input(rig->conn, (const uint8_t *)"\x01\x82\0\0\0\0ab\x80\x81\0\0\0\0c", 15, 0);
    CHECK_OUT(rig, "\x88\x02\x03\xf1");
    rig_free(rig);
}

SUITE(endpoint_server, TEST(an_upgrade_is_accepted_on_any_path),
      TEST(an_upgrade_may_come_byte_by_byte), TEST(what_authenticates_is_answered_as_told),
      TEST(the_first_subprotocol_is_taken_and_no_extension),
      TEST(plain_requests_are_answered_and_closed), TEST(a_health_check_says_halfopen),
      TEST(a_slow_request_is_cut_at_the_timeout), TEST(it_is_mute_but_answers_pings),
      TEST(frames_may_share_a_segment_with_the_request), TEST(an_echo_returns_whole_messages),
      TEST(a_close_is_answered_with_its_code_then_fin),
      TEST(a_close_without_code_is_answered_without), TEST(nothing_is_read_after_a_close),
      TEST(an_unmasked_frame_fails_the_connection),
      TEST(a_client_that_stays_after_the_close_is_cut),
      TEST(shutting_down_closes_with_a_code_and_waits), TEST(a_pinging_server_reaps_a_dead_client),
      TEST(a_pinging_server_keeps_a_living_client),
      TEST(it_stops_reading_at_the_bound_of_its_send_buffer),
      TEST(pongs_to_a_client_that_does_not_read_do_not_pile_up),
      TEST(fin_follows_the_output_that_was_held_up),
      TEST(messages_are_refused_at_one_byte_over_the_limit),
      TEST(fragments_count_together_towards_the_limit))
