/* How a client takes up its session again: which of its messages subscribe or resume, and what the
 * server says of the session's state, by the target file's patterns. What they name is recorded as
 * a hash only. */
#include "core/internal.h"

#include <assert.h>

#include "ws/signature.h"

enum { SUBSCRIBES, RESUMES, TELLS_STATE };

static const struct {
    const char *what;
    enum side side;
} kinds[SESSION_PATTERNS] = {
    [SUBSCRIBES] = {"subscribe", SIDE_CLIENT},
    [RESUMES] = {"resume", SIDE_CLIENT},
    [TELLS_STATE] = {"state", SIDE_SERVER},
};

static struct pattern *compile(const char *written)
{
    struct text why;
    text_init(&why);
    struct pattern *pattern = written ? pattern_new(written, &why) : NULL;
    assert(!written || pattern); /* who declared it compiled it */
    text_fini(&why);
    return pattern;
}

void sessions_init(struct run *run)
{
    const struct plan *plan = run->plan;
    const char *state = plan->sessions.state ? plan->sessions.state : run->options.session_state;
    run->session_patterns[SUBSCRIBES] = compile(plan->sessions.subscribe);
    run->session_patterns[RESUMES] = compile(plan->sessions.resume);
    run->session_patterns[TELLS_STATE] = compile(state);
}

void sessions_fini(struct run *run)
{
    for (int i = 0; i < SESSION_PATTERNS; i++)
        pattern_free(run->session_patterns[i]);
}

static void look_for(struct session *s, int kind, const struct event *message, const uint8_t *bytes,
                     size_t len)
{
    const struct pattern *pattern = s->run->session_patterns[kind];
    char hash[SIGNATURE_DIGITS + 1] = "";
    size_t from, found;
    if (!pattern || message->side != kinds[kind].side || !pattern_matches(pattern, bytes, len))
        return;
    if (pattern_groups(pattern) > 0 && pattern_find(pattern, bytes, len, &from, &found))
        frames_hash(s, bytes + from, found, hash);
    struct event ev = {.kind = EV_WS_SESSION, .side = message->side, .by = message->by};
    ev.ws_session =
        (struct ev_ws_session){.frame = message->seq, .what = kinds[kind].what, .hash = hash};
    session_emit(s, ev);
}

void sessions_look(struct session *s, const struct event *message, const uint8_t *bytes, size_t len)
{
    for (int kind = 0; kind < SESSION_PATTERNS; kind++)
        look_for(s, kind, message, bytes, len);
}
