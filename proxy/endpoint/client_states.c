/* What the client does in each of its states, and how it gets from one to the next. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "endpoint/agreement.h"
#include "endpoint/client_parts.h"
#include "ws/frame.h"

#define PAGE_AGENT "User-Agent: Mozilla/5.0 (halfopen)\r\n"
/* The tabs of one browser share it. */
#define PAGE_SESSION "Origin: http://localhost:5173\r\nCookie: session=pRk2vX8qLm4tZw7yBn3c\r\n"

void client_note(struct client *c, const char *event, const char *format, ...)
{
    char detail[160];
    va_list arguments;
    if (!c->ops.on_log)
        return;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    c->ops.on_log(c->context, event, detail);
}

void client_enter(struct client *c, enum client_state state, nsec by)
{
    c->state = state;
    c->state_by = by;
    if (state == CLIENT_OPEN)
        return;
    c->ping_at = c->pong_by = NEVER;
    login_lost(&c->login);
    if (c->policy.silent_after_close || (state != CLIENT_CLOSING && state != CLIENT_DRAINING))
        sender_pause(&c->sender);
}

nsec client_limit(nsec now, nsec length)
{
    return length > 0 ? nsec_add(now, length) : NEVER;
}

static void stop(struct client *c, const char *event, const char *why)
{
    client_enter(c, CLIENT_STOPPED, NEVER);
    sender_stop(&c->sender);
    client_note(c, event, "%s", why);
}

static void forget_connection(struct client *c, nsec now)
{
    sender_lost(&c->sender, now);
    outbound_reset(&c->out);
    inbound_reset(c->in);
    if (c->opened_at != NEVER && now - c->opened_at >= c->policy.stable_after) {
        c->stats.failures = 0;
        login_stable(&c->login);
    }
    c->opened_at = NEVER;
    c->stats.failures++;
}

static void wait_for_retry(struct client *c, nsec now)
{
    nsec wait = comeback_delay(c->comeback, &c->policy, c->stats.failures, &c->delays);
    client_enter(c, CLIENT_WAITING, nsec_add(now, wait));
    client_note(c, "retry", "in %.3f s, failure %" PRIu64, nsec_to_seconds(wait),
                c->stats.failures);
}

void client_come_back(struct client *c, const char *how, nsec now)
{
    forget_connection(c, now);
    client_note(c, "lost", "%s", how);
    bool exhausted = c->policy.retry_limit > 0 && c->stats.failures > c->policy.retry_limit;
    bool wanted = !c->final && c->policy.reconnects;
    if (wanted && !c->comeback.never && !exhausted)
        wait_for_retry(c, now);
    else
        stop(c, wanted && c->policy.tells_user && c->close_code != 1000 ? "gave_up" : "finished",
             how);
}

void client_abandon(struct client *c, const char *how, nsec now)
{
    c->ops.on_abort(c->context);
    client_come_back(c, how, now);
}

static void fail(struct client *c, uint16_t code, nsec now)
{
    if (c->policy.failure_code > 0)
        code = (uint16_t)c->policy.failure_code;
    client_note(c, "failing", "%u", (unsigned)code);
    (void)outbound_close(&c->out, code, "");
    outbound_finish(&c->out);
    client_enter(c, CLIENT_DRAINING, client_limit(now, c->policy.close_timeout));
}

/* The driver's reports, state by state. */

static void dial(struct client *c, nsec now)
{
    client_enter(c, CLIENT_CONNECTING, client_limit(now, c->policy.connect_timeout));
    c->comeback = (struct comeback){0};
    c->close_code = 0;
    c->stats.attempts++;
    client_note(c, "connecting", "attempt %" PRIu64, c->stats.attempts);
    c->ops.on_connect_wanted(c->context);
}

/* No secret: nobody takes it for one. */
#define TOKEN "eyJhbGciOiJub25lIn0.eyJzdWIiOiJoYWxmb3BlbiJ9."

static void prepare(struct client *c, nsec now)
{
    struct text target, headers;
    text_init(&target);
    text_init(&headers);
    text_add(&target, c->target);
    if (c->policy.token_in_url)
        text_addf(&target, "%caccess_token=" TOKEN, strchr(c->target, '?') ? '&' : '?');
    if (c->policy.browser)
        text_add(&headers, PAGE_AGENT);
    if (c->policy.tabs > 1)
        text_add(&headers, PAGE_SESSION);
    login_add_to_request(&c->login, now, &target, &headers);
    client_upgrade_ask(c->upgrade, text_chars(&target), text_chars(&headers));
    text_fini(&target);
    text_fini(&headers);
}

static void request(struct client *c, nsec now)
{
    struct text head;
    text_init(&head);
    prepare(c, now);
    client_upgrade_begin(c->upgrade, &head);
    client_enter(c, CLIENT_UPGRADING, c->state_by); /* one limit for both */
    (void)outbound_bytes(&c->out, text_chars(&head), head.len);
    text_fini(&head);
    if (!c->policy.waits_for_open)
        sender_open(&c->sender);
}

static void attempt_overdue(struct client *c, nsec now)
{
    if (c->policy.closes_abandoned)
        c->ops.on_abort(c->context);
    else
        c->ops.on_leave(c->context);
    client_come_back(c, "connect timeout", now);
}

static void attempt_lost(struct client *c, nsec now)
{
    client_abandon(c, "closed before the upgrade", now);
}

static void take_frames(struct client *c, const uint8_t *bytes, size_t len, nsec now)
{
    uint16_t problem = inbound_feed(c->in, bytes, len, now);
    if (problem != 0)
        fail(c, problem, now);
}

static void listen(struct client *c, const uint8_t *bytes, size_t len, nsec now)
{
    c->pong_by = NEVER; /* any traffic proves life */
    take_frames(c, bytes, len, now);
}

void client_authenticate(struct client *c, void (*add)(struct login *, nsec now, struct text *),
                         nsec now)
{
    struct text message;
    text_init(&message);
    add(&c->login, now, &message);
    if (message.len > 0)
        (void)outbound_message(&c->out, OPCODE_TEXT, text_chars(&message), message.len);
    text_fini(&message);
}

void client_speak(struct client *c)
{
    subscriptions_open(&c->subscriptions);
    sender_open(&c->sender);
}

static void open(struct client *c, nsec now)
{
    client_enter(c, CLIENT_OPEN, NEVER);
    c->opened_at = now;
    c->ping_at = client_limit(now, c->policy.ping);
    c->stats.opens++;
    client_note(c, "open", "after %" PRIu64 " failures", c->stats.failures);
    client_authenticate(c, login_open, now);
    if (login_done(&c->login))
        client_speak(c);
}

static void refuse(struct client *c, nsec now)
{
    int status = client_upgrade_status(c->upgrade);
    client_note(c, "refused", "%d %s", status, client_upgrade_problem(c->upgrade));
    c->comeback = comeback_after_status(&c->policy, status, client_upgrade_retry_after(c->upgrade));
    login_answered(&c->login, status, now, &c->comeback);
    client_abandon(c, "upgrade refused", now);
}

static void take_response(struct client *c, const uint8_t *bytes, size_t len, nsec now)
{
    size_t used = 0;
    switch (client_upgrade_input(c->upgrade, bytes, len, &used)) {
    case UPGRADE_MORE:
        return;
    case UPGRADE_REFUSED:
        refuse(c, now);
        return;
    case UPGRADE_DONE:
        agreement_begin(client_upgrade_extensions(c->upgrade), PEER_IS_SERVER,
                        c->policy.heeds_deflate ? AGREEMENT_KEPT : AGREEMENT_BROKEN, c->in,
                        &c->out);
        open(c, now);
        if (used < len && c->policy.keeps_early) /* frames may share the segment with the 101 */
            listen(c, bytes + used, len - used, now);
        return;
    }
}

static void connection_lost(struct client *c, nsec now)
{
    client_abandon(c, "no Close frame", now);
}

static void closing_done(struct client *c, nsec now)
{
    client_abandon(c, "closed", now);
}

static void closing_overdue(struct client *c, nsec now)
{
    client_abandon(c, "close timeout", now);
}

/* The application closes, state by state. */

static void close_waiting(struct client *c, uint16_t code, const char *reason, nsec now)
{
    (void)code;
    (void)reason;
    (void)now;
    stop(c, "finished", "closed while disconnected");
}

static void close_attempt(struct client *c, uint16_t code, const char *reason, nsec now)
{
    (void)code;
    (void)reason;
    client_abandon(c, "closed before the upgrade", now);
}

static void close_open(struct client *c, uint16_t code, const char *reason, nsec now)
{
    nsec by = client_limit(now, c->policy.close_timeout);
    if (!c->policy.closes_politely) {
        client_enter(c, CLIENT_DRAINING, by);
        outbound_finish(&c->out);
        return;
    }
    client_note(c, "close_sent", "%u", (unsigned)code);
    client_enter(c, CLIENT_CLOSING, by);
    if (c->policy.explains_closes)
        (void)outbound_close(&c->out, code, reason);
    else
        (void)outbound_close(&c->out, 0, "");
}

static const struct behaviour behaviours[CLIENT_STATES] = {
    [CLIENT_WAITING] = {NULL, NULL, NULL, dial, close_waiting},
    [CLIENT_CONNECTING] = {request, NULL, attempt_lost, attempt_overdue, close_attempt},
    [CLIENT_UPGRADING] = {NULL, take_response, attempt_lost, attempt_overdue, close_attempt},
    [CLIENT_OPEN] = {NULL, listen, connection_lost, NULL, close_open},
    [CLIENT_CLOSING] = {NULL, take_frames, connection_lost, closing_overdue, NULL},
    [CLIENT_DRAINING] = {NULL, NULL, closing_done, closing_overdue, NULL},
    [CLIENT_STOPPED] = {NULL, NULL, NULL, NULL, NULL},
};

const struct behaviour *client_behaviour(const struct client *c)
{
    return &behaviours[c->state];
}
