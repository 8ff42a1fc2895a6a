/* How a client authenticates in messages: which of its messages does, and which of the server's
 * acknowledges it, by the target file's patterns. A credential is recorded as a hash only. */
#include "core/internal.h"

#include <assert.h>
#include <string.h>

static struct pattern *compile(const char *written)
{
    struct text why;
    text_init(&why);
    struct pattern *pattern = written ? pattern_new(written, &why) : NULL;
    assert(!written || pattern); /* who declared it compiled it */
    text_fini(&why);
    return pattern;
}

void auth_init(struct run *run)
{
    run->auth_pattern = compile(run->plan->auth.message);
    run->ack_pattern = compile(run->plan->auth.ack);
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

static void emit(struct session *s, const struct event *message, const char *what, const char *hash)
{
    struct event ev = {.kind = EV_WS_AUTH, .side = message->side, .by = message->by};
    ev.ws_auth = (struct ev_ws_auth){.frame = message->seq, .what = what, .hash = hash};
    session_emit(s, ev);
}

void auth_look(struct session *s, const struct event *message, const uint8_t *bytes, size_t len)
{
    const struct run *run = s->run;
    char hash[17];
    if (message->side == SIDE_CLIENT && run->auth_pattern &&
        pattern_matches(run->auth_pattern, bytes, len)) {
        credential_hash(s, bytes, len, hash);
        emit(s, message, "auth", hash);
    }
    if (message->side == SIDE_SERVER && run->ack_pattern &&
        pattern_matches(run->ack_pattern, bytes, len))
        emit(s, message, "ack", "");
}
