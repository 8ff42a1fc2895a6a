#include "endpoint/client.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/close.h"
#include "ws/frame.h"
#include "endpoint/agreement.h"
#include "endpoint/client_upgrade.h"
#include "endpoint/comeback.h"
#include "endpoint/inbound.h"
#include "endpoint/login.h"
#include "endpoint/outbound.h"
#include "endpoint/sender.h"
#include "endpoint/subscriptions.h"

#define PAGE_PING  "{\"type\":\"ping\"}"
#define PAGE_AGENT "User-Agent: Mozilla/5.0 (halfopen)\r\n"
/* The tabs of one browser share it. */
#define PAGE_SESSION "Origin: http://localhost:5173\r\nCookie: session=pRk2vX8qLm4tZw7yBn3c\r\n"

struct client {
    struct client_policy policy;
    struct client_ops ops;
    void *context;
    enum client_state state;
    bool final;    /* the application closed: there is no return */
    nsec state_by; /* when the state runs out: the next attempt, or a timeout */
    nsec ping_at, pong_by;
    nsec opened_at;      /* of the connection that exists; NEVER: it never opened */
    uint16_t close_code; /* the server's on this connection; 0: none */
    struct comeback comeback;
    struct rng delays;
    struct client_upgrade *upgrade;
    struct outbound out;
    struct inbound *in;
    struct sender sender;
    struct subscriptions subscriptions;
    struct login login;
    char *target; /* as it was given */
    struct client_stats stats;
};

/* What a state does with each thing that can happen; NULL: nothing, such reports come too late. */
struct behaviour {
    void (*connected)(struct client *, nsec now);
    void (*input)(struct client *, const uint8_t *bytes, size_t len, nsec now);
    void (*lost)(struct client *, nsec now);    /* the peer ended the connection */
    void (*overdue)(struct client *, nsec now); /* state_by has come */
    void (*close)(struct client *, uint16_t code, const char *reason, nsec now);
};

static const struct behaviour behaviours[CLIENT_STATES];

static void note(struct client *c, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct client *c, const char *event, const char *format, ...)
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

static void enter(struct client *c, enum client_state state, nsec by)
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

/* now + length, where a length of 0 means there is no limit. */
static nsec limit(nsec now, nsec length)
{
    return length > 0 ? nsec_add(now, length) : NEVER;
}

static void stop(struct client *c, const char *event, const char *why)
{
    enter(c, CLIENT_STOPPED, NEVER);
    sender_stop(&c->sender);
    note(c, event, "%s", why);
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
    enter(c, CLIENT_WAITING, nsec_add(now, wait));
    note(c, "retry", "in %.3f s, failure %" PRIu64, nsec_to_seconds(wait), c->stats.failures);
}

/* The connection is gone, or the attempt failed: decide what becomes of this client. */
static void come_back(struct client *c, const char *how, nsec now)
{
    forget_connection(c, now);
    note(c, "lost", "%s", how);
    bool exhausted = c->policy.retry_limit > 0 && c->stats.failures > c->policy.retry_limit;
    bool wanted = !c->final && c->policy.reconnects;
    if (wanted && !c->comeback.never && !exhausted)
        wait_for_retry(c, now);
    else
        stop(c, wanted && c->policy.tells_user && c->close_code != 1000 ? "gave_up" : "finished",
             how);
}

static void abandon(struct client *c, const char *how, nsec now)
{
    c->ops.on_abort(c->context);
    come_back(c, how, now);
}

static void fail(struct client *c, uint16_t code, nsec now)
{
    if (c->policy.failure_code > 0)
        code = (uint16_t)c->policy.failure_code;
    note(c, "failing", "%u", (unsigned)code);
    (void)outbound_close(&c->out, code, "");
    outbound_finish(&c->out);
    enter(c, CLIENT_DRAINING, limit(now, c->policy.close_timeout));
}

/* The driver's reports, state by state. */

static void dial(struct client *c, nsec now)
{
    enter(c, CLIENT_CONNECTING, limit(now, c->policy.connect_timeout));
    c->comeback = (struct comeback){0};
    c->close_code = 0;
    c->stats.attempts++;
    note(c, "connecting", "attempt %" PRIu64, c->stats.attempts);
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
    enter(c, CLIENT_UPGRADING, c->state_by); /* one limit for both */
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
    come_back(c, "connect timeout", now);
}

static void attempt_lost(struct client *c, nsec now)
{
    abandon(c, "closed before the upgrade", now);
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

static void authenticate(struct client *c, void (*add)(struct login *, nsec now, struct text *),
                         nsec now)
{
    struct text message;
    text_init(&message);
    add(&c->login, now, &message);
    if (message.len > 0)
        (void)outbound_message(&c->out, OPCODE_TEXT, text_chars(&message), message.len);
    text_fini(&message);
}

/* Now that the server knows who it is. */
static void speak(struct client *c)
{
    subscriptions_open(&c->subscriptions);
    sender_open(&c->sender);
}

static void open(struct client *c, nsec now)
{
    enter(c, CLIENT_OPEN, NEVER);
    c->opened_at = now;
    c->ping_at = limit(now, c->policy.ping);
    c->stats.opens++;
    note(c, "open", "after %" PRIu64 " failures", c->stats.failures);
    authenticate(c, login_open, now);
    if (login_done(&c->login))
        speak(c);
}

static void refuse(struct client *c, nsec now)
{
    int status = client_upgrade_status(c->upgrade);
    note(c, "refused", "%d %s", status, client_upgrade_problem(c->upgrade));
    c->comeback = comeback_after_status(&c->policy, status, client_upgrade_retry_after(c->upgrade));
    login_answered(&c->login, status, now, &c->comeback);
    abandon(c, "upgrade refused", now);
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
    abandon(c, "no Close frame", now);
}

static void closing_done(struct client *c, nsec now)
{
    abandon(c, "closed", now);
}

static void closing_overdue(struct client *c, nsec now)
{
    abandon(c, "close timeout", now);
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
    abandon(c, "closed before the upgrade", now);
}

static void close_open(struct client *c, uint16_t code, const char *reason, nsec now)
{
    nsec by = limit(now, c->policy.close_timeout);
    if (!c->policy.closes_politely) {
        enter(c, CLIENT_DRAINING, by);
        outbound_finish(&c->out);
        return;
    }
    note(c, "close_sent", "%u", (unsigned)code);
    enter(c, CLIENT_CLOSING, by);
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

static const struct behaviour *behaviour(const struct client *c)
{
    return &behaviours[c->state];
}

/* What the server says. */

static void on_ping(void *context, const uint8_t *payload, size_t len, nsec now)
{
    struct client *c = context;
    (void)now;
    if (c->policy.answers_pings && c->state == CLIENT_OPEN)
        outbound_pong(&c->out, payload, len);
}

static void on_pong(void *context, nsec now)
{
    (void)now;
    note(context, "pong", "%s", "");
}

static void on_close(void *context, uint16_t code, nsec now)
{
    struct client *c = context;
    nsec by = c->state == CLIENT_CLOSING ? c->state_by : limit(now, c->policy.close_timeout);
    note(c, "close_received", "%u", (unsigned)code);
    c->close_code = code;
    c->comeback = comeback_after_close(&c->policy, code);
    login_closed(&c->login, code, now, &c->comeback);
    if (c->state == CLIENT_OPEN && c->policy.echo_close)
        (void)outbound_close(&c->out, code == CLOSE_NO_STATUS ? 0 : code, "");
    enter(c, CLIENT_DRAINING, by);
}

static void on_message(void *context, uint8_t opcode, const uint8_t *bytes, size_t len, nsec now)
{
    struct client *c = context;
    (void)opcode;
    (void)now;
    c->stats.received++;
    subscriptions_hear(&c->subscriptions, bytes, len);
    if (login_is_acknowledged(&c->login, bytes, len) && c->state == CLIENT_OPEN)
        speak(c);
}

static void on_sender_log(void *context, const char *event, uint64_t count)
{
    bool messages = event[0] == 'd';
    note(context, event, "%" PRIu64 " %s", count, messages ? "messages" : "bytes unsent");
}

static const struct inbound_ops inbound_ops = {
    .on_ping = on_ping, .on_pong = on_pong, .on_close = on_close, .on_message = on_message};

static enum outbound_masking masking(const struct client_policy *policy)
{
    if (!policy->masks)
        return MASKING_NONE;
    return policy->fresh_mask_keys ? MASKING_FRESH : MASKING_CONSTANT;
}

static unsigned trust(const struct client_policy *policy)
{
    return (policy->checks_frames ? 0u : TRUST_FRAMES) | (policy->checks_text ? 0u : TRUST_TEXT) |
           (policy->checks_closes ? 0u : TRUST_CLOSES) | (policy->reassembles ? 0u : TRUST_READS) |
           (policy->checks_deflate ? 0u : TRUST_DEFLATE) |
           (policy->limits_inflated ? 0u : TRUST_INFLATED) |
           (policy->reads_plain ? 0u : TRUST_RSV1);
}

struct client *client_new(const struct client_policy *policy, const char *host_header,
                          const char *target, uint64_t seed, const struct client_ops *ops,
                          void *context, nsec now)
{
    struct client *c = xcalloc(1, sizeof *c);
    uint64_t own_seed = policy->own_seed ? seed : 0;
    c->policy = *policy;
    c->ops = *ops;
    c->context = context;
    c->opened_at = NEVER;
    rng_init(&c->delays, own_seed, "client.delays", 0);
    c->target = xstrdup(target);
    c->upgrade = client_upgrade_new(host_header, own_seed);
    if (policy->deflate)
        client_upgrade_offer(c->upgrade, "permessage-deflate; client_max_window_bits");
    if (!policy->checks_answer)
        client_upgrade_trust(c->upgrade);
    outbound_init(&c->out, masking(policy), own_seed, ops->on_output, ops->on_finish, context);
    if (policy->queues_pongs)
        outbound_keep_pongs(&c->out);
    bool keeps_messages =
        subscriptions_wanted(policy) || policy->authenticates == AUTHENTICATES_BY_MESSAGE;
    c->in = inbound_new(PEER_IS_SERVER, policy->max_message, keeps_messages, &inbound_ops, c);
    inbound_trust(c->in, trust(policy));
    sender_init(&c->sender, &c->policy, &c->out, on_sender_log, c, now);
    subscriptions_init(&c->subscriptions, &c->policy, &c->out);
    login_init(&c->login, &c->policy, now);
    enter(c, CLIENT_WAITING, now);
    return c;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    client_upgrade_free(c->upgrade);
    outbound_fini(&c->out);
    inbound_free(c->in);
    sender_fini(&c->sender);
    free(c->target);
    free(c);
}

void client_connected(struct client *c, nsec now)
{
    if (behaviour(c)->connected)
        behaviour(c)->connected(c, now);
}

void client_connect_failed(struct client *c, nsec now)
{
    if (c->state == CLIENT_CONNECTING)
        come_back(c, "connect failed", now);
}

void client_input(struct client *c, const uint8_t *bytes, size_t len, nsec now)
{
    if (len > 0 && behaviour(c)->input)
        behaviour(c)->input(c, bytes, len, now);
}

void client_eof(struct client *c, nsec now)
{
    if (behaviour(c)->lost)
        behaviour(c)->lost(c, now);
}

void client_writable(struct client *c, nsec now)
{
    outbound_writable(&c->out);
    sender_writable(&c->sender, now);
}

static void ping(struct client *c, nsec now)
{
    note(c, "ping", "%s", "");
    if (c->policy.browser)
        (void)outbound_frame(&c->out, OPCODE_TEXT, PAGE_PING, strlen(PAGE_PING));
    else
        (void)outbound_frame(&c->out, OPCODE_PING, "halfopen", 8);
    c->ping_at += c->policy.ping;
    if (c->ping_at <= now) /* called late: pings are not made up for */
        c->ping_at = now + c->policy.ping;
    if (c->pong_by == NEVER)
        c->pong_by = limit(now, c->policy.pong);
}

static void beat(struct client *c, nsec now)
{
    if (c->pong_by <= now) {
        note(c, "pong_missing", "%s", "");
        abandon(c, "no pong", now);
    } else if (c->ping_at <= now) {
        ping(c, now);
    }
}

void client_expire(struct client *c, nsec now)
{
    sender_expire(&c->sender, now);
    beat(c, now);
    if (login_deadline(&c->login) <= now)
        authenticate(c, login_renew, now);
    if (c->state_by <= now && behaviour(c)->overdue)
        behaviour(c)->overdue(c, now);
}

nsec client_deadline(const struct client *c)
{
    nsec beat_at = nsec_min(nsec_min(c->ping_at, c->pong_by), login_deadline(&c->login));
    return nsec_min(nsec_min(c->state_by, sender_deadline(&c->sender)), beat_at);
}

uint64_t client_produce(struct client *c, uint64_t count, nsec now)
{
    (void)now;
    return sender_produce(&c->sender, count);
}

void client_close(struct client *c, uint16_t code, const char *reason, nsec now)
{
    c->final = c->policy.closes_for_good;
    if (c->final)
        sender_stop(&c->sender);
    if (behaviour(c)->close)
        behaviour(c)->close(c, code, reason, now);
}

void client_tell_state(const struct client *c, struct text *out)
{
    subscriptions_state(&c->subscriptions, out);
}

enum client_state client_state(const struct client *c)
{
    return c->state;
}

struct client_stats client_stats(const struct client *c)
{
    struct client_stats stats = c->stats;
    stats.produced = c->sender.produced;
    stats.sent = c->sender.sent;
    stats.dropped = c->sender.dropped;
    return stats;
}

uint64_t client_buffered(const struct client *c)
{
    return sender_buffered(&c->sender) + outbound_kept_bytes(&c->out);
}
