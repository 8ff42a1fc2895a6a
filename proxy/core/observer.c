/* HTTP as it passes: heads are collected, recorded and walk the chain whole; bodies and what is no
 * HTTP pass as bytes. The upgrade turns both directions into frames (frames.c). */
#include "core/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/credential.h"
#include "ws/redact.h"
#include "ws/upgrade.h"

void observer_init(struct session *s)
{
    for (int d = 0; d < DIRS; d++) {
        s->lanes[d].mode = LANE_HEAD;
        s->lanes[d].head = http_reader_new(d == TO_SERVER ? HTTP_REQUEST : HTTP_RESPONSE);
        frames_init(&s->lanes[d]);
    }
    if (s->run->options.observe)
        s->beats = heartbeats_new(10 * NSEC_PER_SEC);
}

static void forget_request(struct request_facts *request)
{
    bool noted = request->noted;
    free(request->path);
    free(request->key);
    free(request->protocols);
    free(request->extensions);
    *request = (struct request_facts){.noted = noted};
}

void observer_fini(struct session *s)
{
    for (int d = 0; d < DIRS; d++) {
        http_reader_free(s->lanes[d].head);
        frames_fini(&s->lanes[d]);
    }
    forget_request(&s->request);
    if (s->beats)
        heartbeats_free(s->beats);
}

static void offer_bytes(struct session *s, struct lane *lane, const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return;
    struct unit u = {
        .kind = UNIT_BYTES, .dir = lane->dir, .bytes = bytes, .len = len, .arrived = s->now};
    chain_feed(s, &u);
}

/* What was collected and has not gone on yet. */
static void pass_collected(struct session *s, struct lane *lane)
{
    size_t collected;
    const uint8_t *bytes = http_reader_bytes(lane->head, &collected);
    size_t passed = lane->head_passed;
    lane->head_passed = collected;
    if (collected > passed) /* nothing was collected: there are no bytes to point into */
        offer_bytes(s, lane, bytes + passed, collected - passed);
}

static void forget_collected(struct lane *lane)
{
    http_reader_reset(lane->head);
    lane->head_passed = 0;
}

/* Whether the heads of requests are kept until they are whole, since somebody may look at them or
 * change them. Otherwise their bytes go on as they come: the opening of another protocol may look
 * like the beginning of a request and wait for an answer. */
static bool keeps_heads(const struct session *s)
{
    const struct plan *plan = s->run->plan;
    return plan->strip_deflate || plan->rewrite_host || s->run->keeps_heads;
}

/* --- Requests --- */

static bool fits(const char *wanted, const char *got)
{
    return !wanted || (got && strcmp(wanted, got) == 0);
}

static char *path_of(struct http_text target)
{
    size_t len = 0;
    while (len < target.len && target.chars[len] != '?')
        len++;
    return xstrndup(target.chars, len);
}

static bool offers_protocol(const struct http_head *head, const char *wanted)
{
    return !wanted || http_has_token(head, "Sec-WebSocket-Protocol", wanted);
}

static bool request_counts(const struct session *s, const struct http_head *head, const char *host)
{
    const struct plan *plan = s->run->plan;
    return s->request.upgrade && fits(plan->path, s->request.path) && fits(plan->host, host) &&
           offers_protocol(head, plan->protocol);
}

static bool is_public(const struct session *s, struct http_text name)
{
    char *const *names = s->run->plan->auth.public_keys;
    for (size_t i = 0; names && names[i]; i++)
        if (http_text_is(name, names[i]))
            return true;
    return false;
}

static void record_credential(void *context, const struct credential *credential)
{
    struct session *s = context;
    struct http_text value = credential->value;
    char hash[17];
    if (is_public(s, credential->name))
        return;
    char *name = http_text_copy(credential->name);
    frames_hash(s, value.chars, value.len, hash);
    struct event ev = {
        .kind = EV_HTTP_CREDENTIAL, .side = SIDE_CLIENT, .by = session_cause(s, SIDE_CLIENT)};
    ev.http_credential =
        (struct ev_http_credential){.place = credential_place_name(credential->place),
                                    .name = name,
                                    .listed = redact_is_secret_key(name, strlen(name)),
                                    .shape = credential_shape_name(credential->shape),
                                    .len = value.len,
                                    .hash = hash};
    ev.http_credential.expires = auth_left(s, value.chars, value.len, &ev.http_credential.left);
    session_emit(s, ev);
    free(name);
}

static void record_request(struct session *s, const struct http_head *head,
                           const struct upgrade_request *asked)
{
    struct text target, wrong, protocols;
    text_init(&target);
    text_init(&wrong);
    text_init(&protocols);
    redact_protocols(s->request.protocols, &protocols);
    redact_target(head->target.chars, head->target.len, &target);
    if (asked->asks)
        upgrade_add_wrong(&wrong, asked->wrong);
    char *method = http_text_copy(head->method), *host = http_header_copy(head, "Host");
    char *origin = http_header_copy(head, "Origin"), *agent = http_header_copy(head, "User-Agent");
    s->request.counts = request_counts(s, head, host);
    struct event ev = {
        .kind = EV_HTTP_REQUEST, .side = SIDE_CLIENT, .by = session_cause(s, SIDE_CLIENT)};
    ev.http_request = (struct ev_http_request){.method = method,
                                               .target = text_chars(&target),
                                               .upgrade = s->request.upgrade,
                                               .counts = s->request.counts,
                                               .wrong = text_chars(&wrong),
                                               .host = host,
                                               .origin = origin,
                                               .protocols = text_chars(&protocols),
                                               .extensions = s->request.extensions,
                                               .agent = agent};
    session_emit(s, ev);
    if (s->request.counts && s->run->options.observe)
        credentials_find(head, record_credential, s);
    free(method);
    free(host);
    free(origin);
    free(agent);
    text_fini(&target);
    text_fini(&wrong);
    text_fini(&protocols);
}

static void note_asked(struct pipeline *pipeline, enum http_asked asked)
{
    if (pipeline->count == PIPELINE_LIMIT)
        return;
    pipeline->asked[(pipeline->first + pipeline->count++) % PIPELINE_LIMIT] = (uint8_t)asked;
}

static enum http_asked take_asked(struct pipeline *pipeline)
{
    if (pipeline->count == 0)
        return HTTP_ASKED_OTHER;
    enum http_asked asked = (enum http_asked)pipeline->asked[pipeline->first];
    pipeline->first = (pipeline->first + 1) % PIPELINE_LIMIT;
    pipeline->count--;
    return asked;
}

static void note_request(struct session *s, const struct http_head *head)
{
    struct upgrade_request asked;
    struct request_facts *request = &s->request;
    upgrade_read_request(head, &asked);
    forget_request(request);
    request->path = path_of(head->target);
    request->key = http_text_copy(asked.key);
    request->protocols = http_header_copy(head, "Sec-WebSocket-Protocol");
    request->extensions = http_header_copy(head, "Sec-WebSocket-Extensions");
    request->upgrade = asked.asks;
    note_asked(&s->pipeline, http_asked(head));
    record_request(s, head, &asked);
    if (request->counts && !request->noted) {
        request->noted = true;
        run_note(s->run, s, NOTE_ATTEMPT);
    }
}

static void note_rewrite(struct session *s, enum side side, const char *what)
{
    struct event ev = {.kind = EV_HTTP_REWRITE, .side = side, .by = BY_PROXY};
    ev.http_rewrite = (struct ev_http_rewrite){.what = what};
    session_emit(s, ev);
}

/* What the plan asks to change in every upgrade request. true: out is the new head. */
static bool rewrite_request(struct session *s, const struct http_head *head, struct text *out)
{
    static const char extensions[] = "Sec-WebSocket-Extensions";
    const struct plan *plan = s->run->plan;
    struct text first;
    struct http_head again = {0};
    bool stripped = false, rewritten = false;
    text_init(&first);
    if (plan->strip_deflate)
        stripped = http_without_token(head, extensions, "permessage-deflate", &first);
    if (stripped)
        note_rewrite(s, SIDE_CLIENT, "permessage-deflate taken out of the offer");
    else
        text_clear(&first);
    if (plan->rewrite_host) {
        const struct http_head *from = head;
        if (stripped && http_parse(HTTP_REQUEST, text_chars(&first), first.len, &again))
            from = &again;
        const char *const *hosts = s->run->options.hosts;
        http_with_header(from, "Host", hosts ? hosts[s->backend] : plan->rewrite_host, out);
        note_rewrite(s, SIDE_CLIENT, "Host set to the server's");
        rewritten = true;
    } else if (stripped) {
        text_add_bytes(out, text_chars(&first), first.len);
    }
    http_head_fini(&again);
    text_fini(&first);
    return stripped || rewritten;
}

static void offer_head(struct session *s, struct lane *lane, const char *chars, size_t len)
{
    struct unit u = {.kind = UNIT_HEAD,
                     .dir = lane->dir,
                     .bytes = (const uint8_t *)chars,
                     .len = len,
                     .arrived = s->now,
                     .upgrade = s->request.counts};
    chain_feed(s, &u);
}

static void on_request(struct session *s, struct lane *lane, const struct http_head *head)
{
    struct text changed;
    text_init(&changed);
    note_request(s, head);
    activations_request(s->run, s);
    /* A client sends nothing before the 101 (RFC 6455 4.1); what comes all the same is frames. */
    lane->mode = s->request.upgrade ? LANE_FRAMES : LANE_BODY;
    if (!s->request.upgrade)
        http_body_request(&lane->body, head);
    if (lane->head_passed > 0)
        pass_collected(s, lane);
    else if (s->request.upgrade && rewrite_request(s, head, &changed))
        offer_head(s, lane, text_chars(&changed), changed.len);
    else
        offer_head(s, lane, head->text.chars, head->text.len);
    text_fini(&changed);
}

/* --- Responses --- */

static void negotiate(struct session *s, const char *extensions)
{
    struct upgrade_deflate deflate;
    upgrade_read_deflate(extensions, &deflate);
    if (!deflate.on || !s->run->options.observe)
        return;
    s->lanes[TO_SERVER].inflater = deflate_new(
        deflate.client_max_window_bits,
        deflate.client_no_context_takeover ? DEFLATE_CONTEXT_RESET : DEFLATE_CONTEXT_KEPT);
    s->lanes[TO_CLIENT].inflater = deflate_new(
        deflate.server_max_window_bits,
        deflate.server_no_context_takeover ? DEFLATE_CONTEXT_RESET : DEFLATE_CONTEXT_KEPT);
}

/* Returns whether it opens the WebSocket. */
static bool note_response(struct session *s, const struct http_head *head)
{
    struct upgrade_response answer = {0};
    struct text wrong;
    text_init(&wrong);
    bool switches = s->request.upgrade && head->status == 101;
    if (switches) {
        upgrade_read_response(head, s->request.key, s->request.protocols, s->request.extensions,
                              &answer);
        upgrade_add_wrong(&wrong, answer.wrong);
    }
    struct text shown;
    char *protocols = http_header_copy(head, "Sec-WebSocket-Protocol");
    char *extensions = http_header_copy(head, "Sec-WebSocket-Extensions");
    text_init(&shown);
    redact_protocols(protocols, &shown);
    struct event ev = {
        .kind = EV_HTTP_RESPONSE, .side = SIDE_SERVER, .by = session_cause(s, SIDE_SERVER)};
    ev.http_response = (struct ev_http_response){.status = (uint64_t)head->status,
                                                 .upgrade = switches && answer.valid,
                                                 .wrong = text_chars(&wrong),
                                                 .protocols = text_chars(&shown),
                                                 .extensions = extensions};
    session_emit(s, ev);
    if (switches)
        negotiate(s, extensions);
    text_fini(&shown);
    free(protocols);
    free(extensions);
    text_fini(&wrong);
    return switches;
}

static void on_response(struct session *s, struct lane *lane, const struct http_head *head)
{
    if (note_response(s, head)) {
        lane->mode = LANE_FRAMES;
        s->open_pending = s->request.counts;
    } else if (!http_is_interim(head)) {
        lane->mode = LANE_BODY;
        http_body_response(&lane->body, head, take_asked(&s->pipeline));
        if (s->request.upgrade)
            s->lanes[TO_SERVER].mode = LANE_HEAD;
    }
    offer_head(s, lane, head->text.chars, head->text.len);
}

/* --- Bytes --- */

static size_t take_head(struct session *s, struct lane *lane, const uint8_t *bytes, size_t len)
{
    size_t taken = 0;
    switch (http_reader_feed(lane->head, bytes, len, &taken)) {
    case HTTP_MORE:
        if (lane->dir == TO_SERVER && !keeps_heads(s))
            pass_collected(s, lane);
        break;
    case HTTP_COMPLETE:
        if (lane->dir == TO_SERVER)
            on_request(s, lane, http_reader_head(lane->head));
        else
            on_response(s, lane, http_reader_head(lane->head));
        forget_collected(lane);
        break;
    case HTTP_NOT_HTTP:
    case HTTP_TOO_LONG:
        lane->mode = LANE_RAW;
        pass_collected(s, lane);
        forget_collected(lane);
        break;
    }
    return taken;
}

static size_t take_body(struct session *s, struct lane *lane, const uint8_t *bytes, size_t len)
{
    size_t taken = http_body_feed(&lane->body, bytes, len);
    offer_bytes(s, lane, bytes, taken);
    if (http_body_is_done(&lane->body))
        lane->mode = LANE_HEAD;
    return taken;
}

void observer_input(struct session *s, struct lane *lane, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t taken = len;
        switch (lane->mode) {
        case LANE_HEAD:
            taken = take_head(s, lane, bytes, len);
            break;
        case LANE_BODY:
            taken = take_body(s, lane, bytes, len);
            break;
        case LANE_FRAMES:
            frames_input(s, lane, bytes, len);
            break;
        case LANE_RAW:
            offer_bytes(s, lane, bytes, len);
            break;
        }
        bytes += taken;
        len -= taken;
    }
}

void observer_end(struct session *s, struct lane *lane)
{
    if (lane->mode != LANE_HEAD)
        return;
    pass_collected(s, lane);
    forget_collected(lane);
}
