/* Messages that a wait or an assertion of the scenario looks for, by patterns over what they hold.
 * Only whether one matched is recorded. */
#include "core/internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

void watches_init(struct run *run)
{
    size_t count = run->plan->watch_count;
    struct text why;
    text_init(&why);
    run->watched = xcalloc(count + 1, sizeof *run->watched);
    for (size_t i = 0; i < count; i++) {
        run->watched[i] = pattern_new(run->plan->watches[i].match, &why);
        assert(run->watched[i]); /* who wrote the plan compiled it */
    }
    for (unsigned i = 0; i < run->plan->clients; i++)
        run->clients[i].found = xcalloc(count + 1, sizeof *run->clients[i].found);
    text_fini(&why);
}

void watches_fini(struct run *run)
{
    for (size_t i = 0; i < run->plan->watch_count; i++)
        pattern_free(run->watched[i]);
    free(run->watched);
    for (unsigned i = 0; i < run->plan->clients; i++)
        free(run->clients[i].found);
}

static void tell(struct session *s, const struct event *message, const char *assertion,
                 const char *how)
{
    struct event ev = {.kind = EV_WS_MATCH, .side = message->side, .by = message->by};
    ev.ws_match = (struct ev_ws_match){.frame = message->seq, .assertion = assertion, .how = how};
    session_emit(s, ev);
}

void watches_look(struct session *s, const struct event *message, const uint8_t *bytes, size_t len,
                  enum content_part part)
{
    const struct plan *plan = s->run->plan;
    struct client_state *client = &s->run->clients[s->client];
    for (size_t i = 0; i < plan->watch_count; i++) {
        const struct lookout *watch = &plan->watches[i];
        if (watch->from != message->side)
            continue;
        bool matches = pattern_matches(s->run->watched[i], bytes, len);
        if (matches)
            client->found[i] = ++client->counters.matches;
        if (watch->assertion && (matches || part == CONTENT_START))
            tell(s, message, watch->assertion, matches ? "matched" : "start");
    }
}
