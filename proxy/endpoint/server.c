#include "endpoint/server.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "base/text.h"
#include "ws/close.h"
#include "ws/frame.h"
#include "endpoint/agreement.h"
#include "endpoint/inbound.h"
#include "endpoint/outbound.h"
#include "endpoint/server_request.h"

struct server_conn {
    struct server_policy policy;
    struct server_ops ops;
    void *context;
    enum server_state state;
    nsec state_by; /* when the state's timeout comes */
    nsec ping_at, pong_by, say_at;
    struct server_request *request;
    struct outbound out;
    struct inbound *in;
    struct bulletin *bulletin; /* NULL: it publishes nothing */
    struct publisher publisher;
    struct pattern *auth; /* NULL: nothing authenticates */
    uint64_t received, said;
};

#define PLAIN_EVERY 3 /* messages: compression is a sender's choice, message by message */

/* What a state does with each thing that can happen; NULL: nothing, such reports come too late. */
struct behaviour {
    const char *name;
    void (*input)(struct server_conn *, const uint8_t *bytes, size_t len, nsec now);
    void (*close)(struct server_conn *, uint16_t code, const char *reason, nsec now);
    const char *lost; /* what an end of input means */
};

static const struct behaviour behaviours[SERVER_STATES];

static void note(struct server_conn *s, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct server_conn *s, const char *event, const char *format, ...)
{
    char detail[160];
    va_list arguments;
    if (!s->ops.on_log)
        return;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    s->ops.on_log(s->context, event, detail);
}

/* now + length, where a length of 0 means there is no limit. */
static nsec limit(nsec now, nsec length)
{
    return length > 0 ? nsec_add(now, length) : NEVER;
}

static void enter(struct server_conn *s, enum server_state state, nsec by)
{
    s->state = state;
    s->state_by = by;
    s->ping_at = s->pong_by = s->say_at = NEVER;
    if (state != SERVER_OPEN && s->bulletin)
        publisher_stop(&s->publisher);
}

static void end(struct server_conn *s, const char *event, const char *how)
{
    enter(s, SERVER_OVER, NEVER);
    note(s, event, "%s", how);
    s->ops.on_abort(s->context);
}

/* RFC 6455 7.1.1: the server closes TCP first; the client's FIN is awaited, not for ever. */
static void drain(struct server_conn *s, nsec now)
{
    enter(s, SERVER_DRAINING, limit(now, s->policy.close_timeout));
    outbound_finish(&s->out);
}

static void take_frames(struct server_conn *s, const uint8_t *bytes, size_t len, nsec now)
{
    s->pong_by = NEVER; /* any traffic proves life */
    uint16_t problem = inbound_feed(s->in, bytes, len, now);
    if (problem == 0)
        return;
    note(s, "failing", "%u", (unsigned)problem);
    if (s->state == SERVER_OPEN)
        (void)outbound_close(&s->out, problem, "");
    drain(s, now);
}

static void open(struct server_conn *s, nsec now)
{
    enter(s, SERVER_OPEN, NEVER);
    agreement_begin(server_request_extensions(s->request), PEER_IS_CLIENT, AGREEMENT_KEPT, s->in,
                    &s->out);
    s->ping_at = limit(now, s->policy.ping);
    s->say_at = limit(now, s->policy.says);
    note(s, "open", "%s", "");
}

static void answer(struct server_conn *s, enum request_progress progress, nsec now)
{
    note(s, "http", "%d", server_request_status(s->request));
    if (progress == REQUEST_UPGRADE)
        open(s, now);
    else
        drain(s, now);
}

static void take_request(struct server_conn *s, const uint8_t *bytes, size_t len, nsec now)
{
    struct text response;
    size_t used = 0;
    text_init(&response);
    enum request_progress progress = server_request_input(s->request, bytes, len, &used, &response);
    (void)outbound_bytes(&s->out, text_chars(&response), response.len);
    text_fini(&response);
    if (progress == REQUEST_MORE)
        return;
    answer(s, progress, now);
    if (s->state == SERVER_OPEN && used < len)
        take_frames(s, bytes + used, len - used, now);
}

static void close_request(struct server_conn *s, uint16_t code, const char *reason, nsec now)
{
    (void)code;
    (void)reason;
    drain(s, now);
}

static void close_open(struct server_conn *s, uint16_t code, const char *reason, nsec now)
{
    note(s, "close_sent", "%u", (unsigned)code);
    enter(s, SERVER_CLOSING, limit(now, s->policy.close_timeout));
    (void)outbound_close(&s->out, code, reason);
}

static const struct behaviour behaviours[SERVER_STATES] = {
    [SERVER_REQUEST] = {"request", take_request, close_request, "closed before the upgrade"},
    [SERVER_OPEN] = {"open", take_frames, close_open, "no Close frame"},
    [SERVER_CLOSING] = {"closing", take_frames, NULL, "no Close frame"},
    [SERVER_DRAINING] = {"draining", NULL, NULL, NULL},
    [SERVER_OVER] = {"over", NULL, NULL, NULL},
};

static void on_ping(void *context, const uint8_t *payload, size_t len, nsec now)
{
    struct server_conn *s = context;
    (void)now;
    if (s->policy.answers_pings && s->state == SERVER_OPEN)
        outbound_pong(&s->out, payload, len);
}

static void on_pong(void *context, nsec now)
{
    (void)now;
    note(context, "pong", "%s", "");
}

static void on_close(void *context, uint16_t code, nsec now)
{
    struct server_conn *s = context;
    note(s, "close_received", "%u", (unsigned)code);
    if (s->state == SERVER_OPEN && !s->policy.echo_close)
        return;
    if (s->state == SERVER_OPEN)
        (void)outbound_close(&s->out, code == CLOSE_NO_STATUS ? 0 : code, "");
    drain(s, now);
}

static bool send_message(struct server_conn *s, uint8_t opcode, const void *bytes, size_t len)
{
    bool plain = s->said++ % PLAIN_EVERY == PLAIN_EVERY - 1;
    return plain ? outbound_frame(&s->out, opcode, bytes, len)
                 : outbound_message(&s->out, opcode, bytes, len);
}

static void on_message(void *context, uint8_t opcode, const uint8_t *bytes, size_t len, nsec now)
{
    struct server_conn *s = context;
    const char *answer = s->policy.auth_answer;
    s->received++;
    if (s->ops.on_message)
        s->ops.on_message(s->context, bytes, len);
    if (s->bulletin && s->state == SERVER_OPEN)
        publisher_hear(&s->publisher, bytes, len, now);
    if (s->auth && pattern_matches(s->auth, bytes, len))
        (void)server_conn_send_text(s, answer, now);
    else if (s->policy.echo && s->state == SERVER_OPEN)
        (void)send_message(s, opcode, bytes, len);
}

static const struct inbound_ops inbound_ops = {
    .on_ping = on_ping, .on_pong = on_pong, .on_close = on_close, .on_message = on_message};

struct server_conn *server_conn_new(const struct server_policy *policy,
                                    const struct server_ops *ops, void *context, nsec now)
{
    struct server_conn *s = xcalloc(1, sizeof *s);
    s->policy = *policy;
    s->ops = *ops;
    s->context = context;
    s->request = server_request_new();
    if (policy->deflate)
        server_request_deflate(s->request);
    outbound_init(&s->out, MASKING_NONE, 0, ops->on_output, ops->on_finish, context);
    if (policy->auth_message && policy->auth_answer)
        s->auth = pattern_known(policy->auth_message);
    bool keeps_messages =
        policy->echo || policy->publishes > 0 || policy->sessions || ops->on_message || s->auth;
    s->in = inbound_new(PEER_IS_CLIENT, policy->max_message, keeps_messages, &inbound_ops, s);
    enter(s, SERVER_REQUEST, limit(now, policy->request_timeout));
    return s;
}

struct bulletin server_bulletin(const struct server_policy *policy, nsec now)
{
    return (struct bulletin){
        .every = policy->publishes, .began = now, .has_sessions = policy->sessions};
}

static bool publish(void *context, const char *text)
{
    struct server_conn *s = context;
    return s->state == SERVER_OPEN && server_conn_wants_input(s) &&
           send_message(s, OPCODE_TEXT, text, strlen(text));
}

void server_conn_share(struct server_conn *s, struct bulletin *bulletin)
{
    s->bulletin = bulletin->every > 0 || bulletin->has_sessions ? bulletin : NULL;
    publisher_init(&s->publisher, bulletin, publish, s);
}

void server_conn_free(struct server_conn *s)
{
    if (!s)
        return;
    server_request_free(s->request);
    outbound_fini(&s->out);
    inbound_free(s->in);
    pattern_free(s->auth);
    free(s);
}

void server_conn_input(struct server_conn *s, const uint8_t *bytes, size_t len, nsec now)
{
    if (len > 0 && behaviours[s->state].input)
        behaviours[s->state].input(s, bytes, len, now);
}

void server_conn_eof(struct server_conn *s, nsec now)
{
    (void)now;
    const char *lost = behaviours[s->state].lost;
    if (s->state != SERVER_OVER)
        end(s, lost ? "lost" : "finished", lost ? lost : "");
}

void server_conn_writable(struct server_conn *s, nsec now)
{
    (void)now;
    outbound_writable(&s->out);
}

static void ping(struct server_conn *s, nsec now)
{
    note(s, "ping", "%s", "");
    (void)outbound_frame(&s->out, OPCODE_PING, "halfopen", 8);
    s->ping_at += s->policy.ping;
    if (s->ping_at <= now) /* called late: pings are not made up for */
        s->ping_at = now + s->policy.ping;
    if (s->pong_by == NEVER)
        s->pong_by = limit(now, s->policy.pong);
}

/* Words that come back, for a context to be of use. */
static void say(struct server_conn *s, nsec now)
{
    struct text message;
    text_init(&message);
    text_addf(&message,
              "{\"halfopen\":%" PRIu64
              ",\"text\":\"the quick brown fox jumps over the lazy dog, and "
              "the lazy dog sleeps on while the quick brown fox is gone\"}",
              s->said);
    (void)server_conn_send_text(s, text_chars(&message), now);
    text_fini(&message);
    s->say_at += s->policy.says;
    if (s->say_at <= now)
        s->say_at = now + s->policy.says;
}

void server_conn_expire(struct server_conn *s, nsec now)
{
    if (s->pong_by <= now)
        end(s, "pong_missing", "");
    else if (s->state_by <= now)
        end(s, "timeout", behaviours[s->state].name);
    else if (s->ping_at <= now)
        ping(s, now);
    else if (s->say_at <= now)
        say(s, now);
    else if (s->bulletin)
        publisher_expire(&s->publisher, now);
}

nsec server_conn_deadline(const struct server_conn *s)
{
    nsec own = nsec_min(nsec_min(s->state_by, s->say_at), nsec_min(s->ping_at, s->pong_by));
    return s->bulletin ? nsec_min(own, publisher_deadline(&s->publisher)) : own;
}

void server_conn_close(struct server_conn *s, uint16_t code, const char *reason, nsec now)
{
    if (behaviours[s->state].close)
        behaviours[s->state].close(s, code, reason, now);
}

bool server_conn_wants_input(const struct server_conn *s)
{
    return s->policy.send_buffer == 0 || outbound_len(&s->out) < s->policy.send_buffer;
}

bool server_conn_send_text(struct server_conn *s, const char *text, nsec now)
{
    (void)now;
    return s->state == SERVER_OPEN && server_conn_wants_input(s) &&
           send_message(s, OPCODE_TEXT, text, strlen(text));
}

enum server_state server_conn_state(const struct server_conn *s)
{
    return s->state;
}

uint64_t server_conn_received(const struct server_conn *s)
{
    return s->received;
}

uint64_t server_conn_buffered(const struct server_conn *s)
{
    return outbound_len(&s->out);
}
