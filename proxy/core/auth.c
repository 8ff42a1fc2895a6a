/* How a client authenticates in messages: which of its messages does, and which of the server's
 * acknowledges it, by the target file's patterns. A credential is recorded as a hash only. */
#include "core/internal.h"

#include <string.h>

#include "ws/jwt.h"

#define LONGEST_LIFE_SECONDS INT64_C(2000000000) /* longer: in a unit of its own, or for ever */

void auth_init(struct run *run)
{
    const struct plan *plan = run->plan;
    const struct run_options *options = &run->options;
    run->auth_pattern =
        pattern_known(plan->auth.message ? plan->auth.message : options->auth_message);
    run->ack_pattern = pattern_known(plan->auth.ack ? plan->auth.ack : options->auth_ack);
}

void auth_fini(struct run *run)
{
    pattern_free(run->auth_pattern);
    pattern_free(run->ack_pattern);
}

/* The pattern's first group, else the token that was declared where it stands, else the message. */
static void credential_hash(const struct session *s, const uint8_t *bytes, size_t len, char out[17])
{
    const char *token = s->run->plan->auth.token;
    size_t from = 0, found = len;
    if (pattern_groups(s->run->auth_pattern) > 0)
        (void)pattern_find(s->run->auth_pattern, bytes, len, &from, &found); /* else all of it */
    else if (token && memmem(bytes, len, token, strlen(token)))
        return frames_hash(s, token, strlen(token), out);
    frames_hash(s, bytes + from, found, out);
}

bool auth_left(const struct session *s, const void *bytes, size_t len, nsec *left)
{
    int64_t expires = jwt_expires(bytes, len), now = s->now / NSEC_PER_SEC;
    int64_t seconds = expires == JWT_EXPIRES_NEVER ? 0 : expires - s->run->options.epoch - now;
    bool says = expires != JWT_EXPIRES_NEVER && seconds < LONGEST_LIFE_SECONDS &&
                seconds > -LONGEST_LIFE_SECONDS;
    *left = says ? seconds * NSEC_PER_SEC : 0;
    return says;
}

static void tell_auth(struct session *s, const struct event *message, const uint8_t *bytes,
                      size_t len)
{
    struct event ev = {.kind = EV_WS_AUTH, .side = SIDE_CLIENT, .by = message->by};
    char hash[17];
    credential_hash(s, bytes, len, hash);
    ev.ws_auth = (struct ev_ws_auth){.frame = message->seq, .what = "auth", .hash = hash};
    ev.ws_auth.expires = auth_left(s, bytes, len, &ev.ws_auth.left);
    session_emit(s, ev);
}

static void tell_ack(struct session *s, const struct event *message)
{
    struct event ev = {.kind = EV_WS_AUTH, .side = SIDE_SERVER, .by = message->by};
    ev.ws_auth = (struct ev_ws_auth){.frame = message->seq, .what = "ack", .hash = ""};
    session_emit(s, ev);
}

void auth_look(struct session *s, const struct event *message, const uint8_t *bytes, size_t len)
{
    const struct run *run = s->run;
    if (message->side == SIDE_CLIENT && run->auth_pattern &&
        pattern_matches(run->auth_pattern, bytes, len))
        tell_auth(s, message, bytes, len);
    if (message->side == SIDE_SERVER && run->ack_pattern &&
        pattern_matches(run->ack_pattern, bytes, len))
        tell_ack(s, message);
}
