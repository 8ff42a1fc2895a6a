/* What is recorded of a connection as it passes: heads, frames, messages, closes, violations. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/sim/duct.h"
#include "tests/sim/streams.h"
#include "tests/sim/world.h"
#include "ws/frame.h"

struct view {
    struct duct duct;
    struct streams streams;
    struct trace *trace; /* after look */
};

static void view_init(struct view *view, struct plan *plan)
{
    *view = (struct view){0};
    streams_init(&view->streams);
    duct_init(&view->duct, plan, 1);
}

static void view_fini(struct view *view)
{
    duct_fini(&view->duct);
    streams_fini(&view->streams);
    trace_free(view->trace);
}

static void say(struct view *view, enum side from, const char *text)
{
    CHECK(duct_send(&view->duct, from, text, strlen(text)));
}

/* All that is in the streams, the client's first; the streams are empty then. */
static void say_streams(struct view *view)
{
    duct_send_all(&view->duct, SIDE_CLIENT, &view->streams.from_client, 0, NULL);
    duct_send_all(&view->duct, SIDE_SERVER, &view->streams.from_server, 0, NULL);
    buf_clear(&view->streams.from_client);
    buf_clear(&view->streams.from_server);
}

static void open_websocket(struct view *view, bool compressed)
{
    streams_add_upgrade(&view->streams, compressed);
    say_streams(view);
}

static const struct event *look(struct view *view, enum event_kind kind, int nth)
{
    if (!view->trace) {
        duct_end_run(&view->duct);
        view->trace = sim_read(&view->duct.trace);
    }
    const struct event *ev = sim_event(view->trace, kind, nth);
    static const struct event nothing = {.client = -1, .http_request = {.target = ""}};
    CHECK(ev != NULL);
    return ev ? ev : &nothing;
}

/* --- Heads --- */

static void an_upgrade_is_recorded_with_its_secrets_taken_out(void)
{
    struct view view;
    view_init(&view, duct_plan(""));
    open_websocket(&view, true);
    const struct ev_http_request *request = &look(&view, EV_HTTP_REQUEST, 0)->http_request;
    CHECK_STR(request->method, "GET");
    CHECK(strstr(request->target, "/feed") && !strstr(request->target, "secret"));
    CHECK(request->upgrade && request->counts);
    CHECK_STR(request->wrong, "");
    CHECK_STR(request->host, "localhost");
    CHECK_STR(request->extensions, "permessage-deflate");
    const struct ev_http_response *response = &look(&view, EV_HTTP_RESPONSE, 0)->http_response;
    CHECK_INT(response->status, 101);
    CHECK(response->upgrade);
    CHECK_INT(look(&view, EV_WS_OPEN, 0)->side, SIDE_CLIENT);
    view_fini(&view);
}

static void a_wrong_accept_is_said_and_passes(void)
{
    struct view view;
    view_init(&view, duct_plan(""));
    streams_add_upgrade(&view.streams, false);
    duct_send_all(&view.duct, SIDE_CLIENT, &view.streams.from_client, 0, NULL);
    say(&view, SIDE_SERVER,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
    const struct ev_http_response *response = &look(&view, EV_HTTP_RESPONSE, 0)->http_response;
    CHECK(!response->upgrade);
    CHECK(*response->wrong != '\0');
    view_fini(&view);
}

static void a_refused_upgrade_leaves_http(void)
{
    struct view view;
    view_init(&view, duct_plan(""));
    streams_add_upgrade(&view.streams, false);
    duct_send_all(&view.duct, SIDE_CLIENT, &view.streams.from_client, 0, NULL);
    say(&view, SIDE_SERVER, "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno");
    say(&view, SIDE_CLIENT, "GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    say(&view, SIDE_SERVER, "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK_INT(look(&view, EV_HTTP_RESPONSE, 0)->http_response.status, 503);
    CHECK_STR(look(&view, EV_HTTP_REQUEST, 1)->http_request.target, "/second");
    CHECK_INT(look(&view, EV_HTTP_RESPONSE, 1)->http_response.status, 204);
    CHECK_INT(sim_count(view.trace, EV_WS_OPEN), 0);
    view_fini(&view);
}

static void a_request_that_is_not_the_selected_one_is_no_attempt(void)
{
    struct plan *plan = duct_plan("");
    struct view view;
    plan->path = xstrdup("/other");
    view_init(&view, plan);
    open_websocket(&view, false);
    const struct ev_http_request *request = &look(&view, EV_HTTP_REQUEST, 0)->http_request;
    CHECK(request->upgrade && !request->counts);
    CHECK_INT(sim_count(view.trace, EV_WS_OPEN), 0);
    view_fini(&view);
}

static void the_selected_path_host_and_protocol_count(void)
{
    struct plan *plan = duct_plan("");
    struct view view;
    plan->path = xstrdup("/feed");
    plan->host = xstrdup("localhost");
    view_init(&view, plan);
    open_websocket(&view, false);
    CHECK(look(&view, EV_HTTP_REQUEST, 0)->http_request.counts);
    view_fini(&view);
    plan = duct_plan("");
    plan->protocol = xstrdup("chat");
    view_init(&view, plan);
    open_websocket(&view, false);
    CHECK(!look(&view, EV_HTTP_REQUEST, 0)->http_request.counts);
    view_fini(&view);
}

static bool heard(const struct view *view, enum side by, const char *words)
{
    const struct buf *got = &view->duct.got[by];
    return memmem(buf_bytes(got), buf_len(got), words, strlen(words)) != NULL;
}

static void deflate_is_taken_out_of_the_offer_when_asked(void)
{
    struct plan *plan = duct_plan("");
    struct view view;
    plan->strip_deflate = true;
    view_init(&view, plan);
    open_websocket(&view, true);
    CHECK(!heard(&view, SIDE_SERVER, "permessage-deflate"));
    CHECK(heard(&view, SIDE_SERVER, "Sec-WebSocket-Key"));
    CHECK_CONTAINS(look(&view, EV_HTTP_REWRITE, 0)->http_rewrite.what, "permessage-deflate");
    view_fini(&view);
}

static void the_host_is_the_servers_when_asked(void)
{
    struct plan *plan = duct_plan("");
    struct view view;
    plan->rewrite_host = xstrdup("example.test:8080");
    plan->strip_deflate = true;
    view_init(&view, plan);
    open_websocket(&view, true);
    CHECK(heard(&view, SIDE_SERVER, "Host: example.test:8080\r\n"));
    CHECK(!heard(&view, SIDE_SERVER, "localhost"));
    CHECK(!heard(&view, SIDE_SERVER, "permessage-deflate"));
    view_fini(&view);
}

/* --- Frames --- */

static void a_frame_is_recorded_as_it_is(void)
{
    struct view view;
    view_init(&view, duct_plan(""));
    open_websocket(&view, false);
    streams_add_frame(&view.streams, SIDE_CLIENT, OPCODE_TEXT, "hello", 5);
    streams_add_frame(&view.streams, SIDE_SERVER, OPCODE_PING, "", 0);
    say_streams(&view);
    const struct event *text = look(&view, EV_WS_FRAME, 0), *ping = look(&view, EV_WS_FRAME, 1);
    CHECK_INT(text->side, SIDE_CLIENT);
    CHECK_INT(text->ws_frame.opcode, OPCODE_TEXT);
    CHECK_INT(text->ws_frame.len, 5);
    CHECK(text->ws_frame.fin && text->ws_frame.masked && text->ws_frame.passed);
    CHECK_INT(ping->side, SIDE_SERVER);
    CHECK_INT(ping->ws_frame.opcode, OPCODE_PING);
    CHECK(!ping->ws_frame.masked);
    view_fini(&view);
}

/* The hash is of what was said, whoever masked it; digits do not matter to the kind of message. */
static void the_same_words_have_the_same_hash(void)
{
    struct view view;
    view_init(&view, duct_plan(""));
    open_websocket(&view, false);
    streams_add_frame(&view.streams, SIDE_CLIENT, OPCODE_TEXT, "{\"id\":1}", 8);
    streams_add_frame(&view.streams, SIDE_CLIENT, OPCODE_TEXT, "{\"id\":2}", 8);
    streams_add_frame(&view.streams, SIDE_SERVER, OPCODE_TEXT, "{\"id\":1}", 8);
    say_streams(&view);
    const struct ev_ws_frame *one = &look(&view, EV_WS_FRAME, 0)->ws_frame;
    const struct ev_ws_frame *two = &look(&view, EV_WS_FRAME, 1)->ws_frame;
    const struct ev_ws_frame *echo = &look(&view, EV_WS_FRAME, 2)->ws_frame;
    CHECK(strcmp(one->hash, two->hash) != 0);
    CHECK_STR(one->hash, echo->hash);
    CHECK_STR(one->sig, two->sig);
    view_fini(&view);
}

static void a_fragmented_message_is_one_message(void)
{
    static const char fragments[] = "\x01\x03"
                                    "hel"
                                    "\x89\x00"
                                    "\x80\x02"
                                    "lo";
    struct view view;
    view_init(&view, duct_plan(""));
    open_websocket(&view, false);
    CHECK(duct_send(&view.duct, SIDE_SERVER, fragments, sizeof fragments - 1));
    streams_add_frame(&view.streams, SIDE_CLIENT, OPCODE_TEXT, "hello", 5);
    say_streams(&view);
    const struct ev_ws_message *message = &look(&view, EV_WS_MESSAGE, 0)->ws_message;
    CHECK_INT(message->opcode, OPCODE_TEXT);
    CHECK_INT(message->len, 5);
    CHECK_INT(message->frames, 2);
    CHECK_STR(message->hash, look(&view, EV_WS_FRAME, 3)->ws_frame.hash);
    CHECK_INT(sim_count(view.trace, EV_WS_MESSAGE), 1);
    CHECK_INT(sim_count(view.trace, EV_WS_ERROR), 0);
    view_fini(&view);
}

/* RFC 7692 7.2.3.1: "Hello" compressed, and once more with what went before as its context. */
static void a_compressed_message_is_looked_into(void)
{
    static const char twice[] = "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"
                                "\xc1\x05\xf2\x00\x11\x00\x00";
    struct view view;
    view_init(&view, duct_plan(""));
    open_websocket(&view, true);
    CHECK(duct_send(&view.duct, SIDE_SERVER, twice, sizeof twice - 1));
    streams_add_frame(&view.streams, SIDE_SERVER, OPCODE_TEXT, "Hello", 5);
    say_streams(&view);
    const struct ev_ws_frame *one = &look(&view, EV_WS_FRAME, 0)->ws_frame;
    const struct ev_ws_frame *two = &look(&view, EV_WS_FRAME, 1)->ws_frame;
    CHECK_INT(one->rsv, RSV1);
    CHECK_INT(one->len, 7);
    const struct ev_ws_frame *plain = &look(&view, EV_WS_FRAME, 2)->ws_frame;
    CHECK_STR(one->sig, plain->sig);
    CHECK_STR(two->sig, plain->sig);
    CHECK_INT(sim_count(view.trace, EV_WS_ERROR), 0);
    view_fini(&view);
}

static void a_close_is_recorded_with_code_and_reason(void)
{
    struct view view;
    view_init(&view, duct_plan(""));
    open_websocket(&view, false);
    streams_add_frame(&view.streams, SIDE_CLIENT, OPCODE_CLOSE, "\x03\xe9goodbye", 9);
    streams_add_frame(&view.streams, SIDE_SERVER, OPCODE_CLOSE, "", 0);
    say_streams(&view);
    const struct event *theirs = look(&view, EV_WS_CLOSE, 0), *answer = look(&view, EV_WS_CLOSE, 1);
    CHECK_INT(theirs->ws_close.code, 1001);
    CHECK_STR(theirs->ws_close.reason, "goodbye");
    CHECK_INT(theirs->side, SIDE_CLIENT);
    CHECK_INT(answer->ws_close.code, 1005);
    CHECK_INT(answer->side, SIDE_SERVER);
    view_fini(&view);
}

static void what_the_standard_forbids_is_said_and_passes(void)
{
    static const char unmasked[] = "\x81\x02hi", reserved[] = "\x83\x00";
    struct view view;
    view_init(&view, duct_plan(""));
    open_websocket(&view, false);
    CHECK(duct_send(&view.duct, SIDE_CLIENT, unmasked, 4));
    CHECK(duct_send(&view.duct, SIDE_SERVER, reserved, 2));
    CHECK_INT(look(&view, EV_WS_ERROR, 0)->side, SIDE_CLIENT);
    CHECK_INT(look(&view, EV_WS_ERROR, 1)->side, SIDE_SERVER);
    CHECK_INT(sim_count(view.trace, EV_WS_FRAME), 2);
    CHECK(heard(&view, SIDE_SERVER, unmasked));
    view_fini(&view);
}

static void a_frame_that_waited_is_delivered_when_it_is(void)
{
    struct view view;
    view_init(&view, duct_plan("  - wait: 1s\n  - latency: {delay: 3s, direction: to_client}\n"
                               "    as: x\n"));
    open_websocket(&view, false);
    duct_until(&view.duct, NSEC_PER_SEC);
    streams_add_frame(&view.streams, SIDE_SERVER, OPCODE_TEXT, "late", 4);
    say_streams(&view);
    duct_until(&view.duct, 10 * NSEC_PER_SEC);
    const struct event *frame = look(&view, EV_WS_FRAME, 0);
    const struct event *delivered = look(&view, EV_WS_DELIVERED, 0);
    CHECK(!frame->ws_frame.passed);
    CHECK_INT(delivered->ws_delivered.frame, frame->seq);
    CHECK_INT(delivered->at - frame->at, 3 * NSEC_PER_SEC);
    CHECK_INT(delivered->side, SIDE_CLIENT);
    view_fini(&view);
}

/* --- Ends --- */

static void ends_tell_how_many_bytes_there_were(void)
{
    struct view view;
    view_init(&view, duct_plan(""));
    say(&view, SIDE_CLIENT, "garbage\n");
    duct_end(&view.duct, SIDE_CLIENT, CUT_FIN);
    const struct event *closed = look(&view, EV_TCP_CLOSE, 0), *shut = look(&view, EV_TCP_SHUT, 0);
    CHECK_STR(closed->tcp_close.how, "fin");
    CHECK_INT(closed->tcp_close.bytes, 8);
    CHECK_INT(closed->by, BY_ENDPOINT);
    CHECK_INT(shut->side, SIDE_SERVER);
    CHECK_INT(shut->tcp_shut.bytes, 8);
    CHECK_INT(shut->by, BY_PROXY);
    view_fini(&view);
}

SUITE(observer, TEST(an_upgrade_is_recorded_with_its_secrets_taken_out),
      TEST(a_wrong_accept_is_said_and_passes), TEST(a_refused_upgrade_leaves_http),
      TEST(a_request_that_is_not_the_selected_one_is_no_attempt),
      TEST(the_selected_path_host_and_protocol_count),
      TEST(deflate_is_taken_out_of_the_offer_when_asked), TEST(the_host_is_the_servers_when_asked),
      TEST(a_frame_is_recorded_as_it_is), TEST(the_same_words_have_the_same_hash),
      TEST(a_fragmented_message_is_one_message), TEST(a_compressed_message_is_looked_into),
      TEST(a_close_is_recorded_with_code_and_reason),
      TEST(what_the_standard_forbids_is_said_and_passes),
      TEST(a_frame_that_waited_is_delivered_when_it_is), TEST(ends_tell_how_many_bytes_there_were))
