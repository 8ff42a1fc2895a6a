#include "control/lessons.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/message_pattern.h"
#include "rules/lib/connection.h"
#include "ws/frame.h"
#include "ws/redact.h"

#define LEAST_INTERVAL (5 * NSEC_PER_SEC) /* as in trace/heartbeat: quicker is traffic */
#define REGULAR        1.25
#define BEAT_BYTES     256
#define REPLY_WINDOW   (5 * NSEC_PER_SEC)

/* --- Its sockets --- */

static char *path_of(const char *target)
{
    return xstrndup(target, strcspn(target, "?"));
}

static bool is_same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static struct socket_lesson *socket_of(struct lessons *lessons, const struct ev_http_request *asked)
{
    char *path = path_of(asked->target);
    for (size_t i = 0; i < lessons->socket_count; i++) {
        struct socket_lesson *socket = &lessons->sockets[i];
        if (is_same(socket->path, path) && is_same(socket->protocols, asked->protocols) &&
            is_same(socket->host, asked->host)) {
            free(path);
            return socket;
        }
    }
    if (lessons->socket_count == LESSONS_SOCKETS_LIMIT) {
        free(path);
        return NULL;
    }
    struct socket_lesson *fresh = &lessons->sockets[lessons->socket_count++];
    *fresh = (struct socket_lesson){
        .path = path, .protocols = asked->protocols, .host = asked->host, .agent = asked->agent};
    return fresh;
}

static const struct connection *connection_with(const struct connections *all, uint32_t conn)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].conn == conn)
            return &all->list[i];
    return NULL;
}

/* "token" of "/feed?a=b&token=REDACTED" */
static char *query_key(const char *target)
{
    const char *at = strchr(target, '?');
    while (at && *++at) {
        size_t len = strcspn(at, "&;#"), name = strcspn(at, "=&;#");
        if (name < len && redact_is_secret_key(at, name))
            return xstrndup(at, name);
        at = at[len] ? at + len : NULL;
    }
    return NULL;
}

static void note_request(struct lessons *lessons, const struct event *ev,
                         const struct connections *all)
{
    const struct ev_http_request *asked = &ev->http_request;
    if (!asked->upgrade) {
        lessons->plain_requests++;
        return;
    }
    const struct connection *opened = connection_with(all, ev->conn);
    struct socket_lesson *socket = socket_of(lessons, asked);
    nsec stayed = opened ? opened->to - opened->from : 0;
    lessons->attempts++;
    lessons->opened += opened != NULL;
    lessons->longest = nsec_max(lessons->longest, stayed);
    lessons->browser = lessons->browser || agent_is_browser(asked->agent);
    if (!lessons->query_key)
        lessons->query_key = query_key(asked->target);
    if (!socket)
        return;
    socket->attempts++;
    socket->opened += opened != NULL;
    socket->longest = nsec_max(socket->longest, stayed);
}

static void learn_sockets(const struct trace *trace, const struct connections *all,
                          struct lessons *lessons)
{
    const struct event *ev;
    for (size_t i = 0; i < all->count; i++)
        lessons->left +=
            all->list[i].end->side == SIDE_CLIENT && connection_ended_by_endpoint(all->list[i].end);
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_HTTP_REQUEST)) != NULL;)
        if (ev->by == BY_ENDPOINT)
            note_request(lessons, ev, all);
    size_t i = 0;
    ev = trace_next(trace, &i, EV_TLS_OPEN);
    lessons->tls = ev ? ev->tls_open.version : NULL;
}

/* --- Heartbeats --- */

/* The share of its times that the other kind follows soon, and hardly ever comes without. */
static bool follows(const struct message_kind *reply, const struct message_kind *asked)
{
    size_t followed = 0;
    if (reply->from == asked->from || reply->by != BY_ENDPOINT || reply->count > asked->count + 1)
        return false;
    for (size_t i = 0; i < asked->time_count; i++)
        for (size_t k = 0; k < reply->time_count; k++) {
            nsec later = reply->times[k] - asked->times[i];
            if (later >= 0 && later <= REPLY_WINDOW) {
                followed++;
                break;
            }
        }
    return followed > 0 && followed + 1 >= asked->time_count;
}

static const struct message_kind *reply_to(const struct overheard *heard,
                                           const struct message_kind *asked)
{
    for (size_t i = 0; i < heard->count; i++)
        if (follows(heard->kinds[i], asked))
            return heard->kinds[i];
    return NULL;
}

static void describe_beat(const struct overheard *heard, const struct message_kind *kind,
                          struct beat_lesson *beat)
{
    const struct message_kind *reply = kind ? reply_to(heard, kind) : NULL;
    beat->ping = kind ? message_pattern(heard, kind) : NULL;
    beat->pong = reply ? message_pattern(heard, reply) : NULL;
}

static enum beat_how how_of(const struct heartbeat_group *group, const struct message_kind *kind)
{
    if (group->kind == HEARTBEAT_PROTOCOL)
        return BEAT_PINGS;
    if (group->kind == HEARTBEAT_UNSOLICITED_PONG)
        return BEAT_PONGS;
    return kind && *kind->word ? BEAT_WORD : BEAT_APPLICATION;
}

/* Of all connections the one on which it beat most often. */
static void look_at_connection(const struct trace *trace, const struct connection *c,
                               const struct overheard *heard, struct beat_lesson *beat)
{
    struct heartbeats *beats = connection_heartbeats(trace, c);
    const struct heartbeat_group *best = heartbeats_best(beats, beat->from);
    if (best && best->beats > beat->beats) {
        free(beat->ping);
        free(beat->pong);
        const struct message_kind *kind = overheard_find(heard, best->first_seq);
        *beat = (struct beat_lesson){.how = how_of(best, kind),
                                     .from = beat->from,
                                     .interval = best->median,
                                     .beats = best->beats,
                                     .replied = best->replied};
        if (beat->how == BEAT_APPLICATION)
            describe_beat(heard, kind, beat);
    }
    heartbeats_free(beats);
}

static bool comes_evenly(const struct message_kind *kind, nsec *interval)
{
    nsec shortest = NEVER, longest = 0;
    for (size_t i = 1; i < kind->time_count; i++) {
        nsec gap = kind->times[i] - kind->times[i - 1];
        shortest = nsec_min(shortest, gap);
        longest = nsec_max(longest, gap);
    }
    *interval = longest;
    return kind->time_count >= 2 && shortest >= LEAST_INTERVAL &&
           (double)longest <= REGULAR * (double)shortest;
}

static bool is_reply(const struct overheard *heard, const struct message_kind *kind)
{
    if (strcmp(kind->word, "pong") == 0)
        return true;
    for (size_t i = 0; i < heard->count; i++)
        if (heard->kinds[i]->by == BY_ENDPOINT && follows(kind, heard->kinds[i]))
            return true;
    return false;
}

/* Too few to be recognised, and yet: a known word, or messages alike that came evenly. */
static void look_for_candidate(const struct overheard *heard, struct beat_lesson *beat)
{
    for (size_t i = 0; i < heard->count; i++) {
        const struct message_kind *kind = heard->kinds[i];
        nsec interval = 0;
        bool small = kind->whole && kind->samples[0].len <= BEAT_BYTES;
        if (kind->from != beat->from || kind->by != BY_ENDPOINT || !small ||
            kind->openings == kind->count || kind->count <= beat->beats)
            continue;
        bool known = strcmp(kind->word, "ping") == 0;
        if ((!comes_evenly(kind, &interval) && !known) || is_reply(heard, kind))
            continue;
        free(beat->ping);
        free(beat->pong);
        *beat = (struct beat_lesson){.how = known ? BEAT_WORD : BEAT_MAYBE,
                                     .from = beat->from,
                                     .interval = interval,
                                     .beats = kind->count};
        if (!known)
            describe_beat(heard, kind, beat);
    }
}

static void learn_beats(const struct trace *trace, const struct connections *all,
                        const struct overheard *heard, struct beat_lesson *beat)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct connection *c = &all->list[i];
        enum cause by = beat->from == SIDE_CLIENT ? c->client_by : c->server_by;
        if (by == BY_ENDPOINT)
            look_at_connection(trace, c, heard, beat);
    }
    if (beat->how == BEAT_NONE)
        look_for_candidate(heard, beat);
}

/* --- Messages --- */

static bool is_beat(const struct beat_lesson *beat, const struct message_kind *kind)
{
    nsec interval;
    if (*kind->word)
        return true;
    return (beat->how == BEAT_APPLICATION || beat->how == BEAT_MAYBE) &&
           kind->count == beat->beats && comes_evenly(kind, &interval);
}

static void learn_traffic(const struct overheard *heard, struct lessons *lessons)
{
    for (size_t i = 0; i < heard->count; i++) {
        const struct message_kind *kind = heard->kinds[i];
        if (kind->by != BY_ENDPOINT)
            continue;
        if (kind->from == SIDE_SERVER && !is_beat(&lessons->server, kind)) {
            lessons->received += kind->count;
        } else if (kind->from == SIDE_CLIENT && !is_beat(&lessons->client, kind)) {
            lessons->sent += kind->count - kind->openings;
            lessons->sent_bytes += kind->count > kind->openings
                                       ? kind->bytes - kind->bytes / kind->count * kind->openings
                                       : 0;
        }
    }
}

/* The client's numbers go first: what it sends is what it may have to send again. */
static void learn_ids(const struct trace *trace, const struct overheard *heard, enum side from,
                      struct lessons *lessons)
{
    const struct event *ev;
    for (size_t i = 0; !lessons->id && (ev = trace_next(trace, &i, EV_WS_ID)) != NULL;) {
        const struct message_kind *kind = overheard_find(heard, ev->ws_id.frame);
        if (ev->side != from || ev->by != BY_ENDPOINT || !kind || kind->openings == kind->count)
            continue;
        lessons->id = message_pattern_of_id(kind, ev->ws_id.frame, ev->ws_id.id);
        lessons->id_from = from;
    }
}

static void learn_auth(const struct overheard *heard, struct lessons *lessons)
{
    for (size_t i = 0; i < heard->count && !lessons->authenticates; i++) {
        const struct message_kind *kind = heard->kinds[i];
        if (kind->from != SIDE_CLIENT || kind->by != BY_ENDPOINT || kind->openings == 0)
            continue;
        lessons->auth_key = message_secret_key(kind);
        lessons->authenticates = lessons->auth_key || message_says_auth(kind);
        if (lessons->authenticates)
            lessons->auth_message = message_pattern_of_type(heard, kind);
    }
}

void lessons_learn(const struct trace *trace, const struct overheard *heard,
                   struct lessons *lessons)
{
    struct connections all;
    *lessons = (struct lessons){
        .watched = trace->end, .client.from = SIDE_CLIENT, .server.from = SIDE_SERVER};
    connections_of(trace, &all);
    learn_sockets(trace, &all, lessons);
    learn_beats(trace, &all, heard, &lessons->client);
    learn_beats(trace, &all, heard, &lessons->server);
    learn_traffic(heard, lessons);
    learn_ids(trace, heard, SIDE_CLIENT, lessons);
    learn_ids(trace, heard, SIDE_SERVER, lessons);
    learn_auth(heard, lessons);
    connections_fini(&all);
}

void lessons_fini(struct lessons *lessons)
{
    char *texts[] = {lessons->client.ping, lessons->client.pong, lessons->server.ping,
                     lessons->server.pong, lessons->id,          lessons->auth_message,
                     lessons->auth_key,    lessons->query_key};
    for (size_t i = 0; i < lessons->socket_count; i++)
        free(lessons->sockets[i].path);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
}
