#include "endpoint/client_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/close.h"
#include "ws/frame.h"

#define PAGE_PING "{\"type\":\"ping\"}"

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
    client_note(context, "pong", "%s", "");
}

static void on_close(void *context, uint16_t code, nsec now)
{
    struct client *c = context;
    nsec by = c->state == CLIENT_CLOSING ? c->state_by : client_limit(now, c->policy.close_timeout);
    client_note(c, "close_received", "%u", (unsigned)code);
    c->close_code = code;
    c->comeback = comeback_after_close(&c->policy, code);
    login_closed(&c->login, code, now, &c->comeback);
    if (c->state == CLIENT_OPEN && c->policy.echo_close)
        (void)outbound_close(&c->out, code == CLOSE_NO_STATUS ? 0 : code, "");
    client_enter(c, CLIENT_DRAINING, by);
}

static void on_message(void *context, uint8_t opcode, const uint8_t *bytes, size_t len, nsec now)
{
    struct client *c = context;
    (void)opcode;
    (void)now;
    c->stats.received++;
    subscriptions_hear(&c->subscriptions, bytes, len);
    if (login_is_acknowledged(&c->login, bytes, len) && c->state == CLIENT_OPEN)
        client_speak(c);
}

static void on_sender_log(void *context, const char *event, uint64_t count)
{
    bool messages = event[0] == 'd';
    client_note(context, event, "%" PRIu64 " %s", count, messages ? "messages" : "bytes unsent");
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
    client_enter(c, CLIENT_WAITING, now);
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
    if (client_behaviour(c)->connected)
        client_behaviour(c)->connected(c, now);
}

void client_connect_failed(struct client *c, nsec now)
{
    if (c->state == CLIENT_CONNECTING)
        client_come_back(c, "connect failed", now);
}

void client_input(struct client *c, const uint8_t *bytes, size_t len, nsec now)
{
    if (len > 0 && client_behaviour(c)->input)
        client_behaviour(c)->input(c, bytes, len, now);
}

void client_eof(struct client *c, nsec now)
{
    if (client_behaviour(c)->lost)
        client_behaviour(c)->lost(c, now);
}

void client_writable(struct client *c, nsec now)
{
    outbound_writable(&c->out);
    sender_writable(&c->sender, now);
}

static void ping(struct client *c, nsec now)
{
    client_note(c, "ping", "%s", "");
    if (c->policy.browser)
        (void)outbound_frame(&c->out, OPCODE_TEXT, PAGE_PING, strlen(PAGE_PING));
    else
        (void)outbound_frame(&c->out, OPCODE_PING, "halfopen", 8);
    c->ping_at += c->policy.ping;
    if (c->ping_at <= now) /* called late: pings are not made up for */
        c->ping_at = now + c->policy.ping;
    if (c->pong_by == NEVER)
        c->pong_by = client_limit(now, c->policy.pong);
}

static void beat(struct client *c, nsec now)
{
    if (c->pong_by <= now) {
        client_note(c, "pong_missing", "%s", "");
        client_abandon(c, "no pong", now);
    } else if (c->ping_at <= now) {
        ping(c, now);
    }
}

void client_expire(struct client *c, nsec now)
{
    sender_expire(&c->sender, now);
    beat(c, now);
    if (login_deadline(&c->login) <= now)
        client_authenticate(c, login_renew, now);
    if (c->state_by <= now && client_behaviour(c)->overdue)
        client_behaviour(c)->overdue(c, now);
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
    if (client_behaviour(c)->close)
        client_behaviour(c)->close(c, code, reason, now);
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
