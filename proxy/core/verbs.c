/* The verbs of the faults at work on a connection: each that interferes writes its event, and what
 * a fault says in an endpoint's place is recorded as the fault's. The units themselves are moved by
 * chain.c. */
#include "core/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/close.h"
#include "ws/redact.h"
#include "ws/signature.h"

/* --- Events: every verb that interferes --- */

static void write_acts(struct instance *in, enum dir d)
{
    struct act_run *acts = &in->acts[d];
    if (acts->count == 0)
        return;
    struct event ev = {.kind = EV_FAULT_ACT, .side = dir_to(d), .by = BY_FAULT};
    ev.fault_act = (struct ev_fault_act){.fault = in->fault.desc->name,
                                         .label = in->activation->step->label,
                                         .verb = acts->verb,
                                         .detail = "",
                                         .count = acts->count,
                                         .bytes = acts->bytes};
    session_emit(in->session, ev);
    acts->count = acts->bytes = 0;
    acts->written = in->session->now;
}

void verbs_write_acts(struct instance *in)
{
    write_acts(in, TO_SERVER);
    write_acts(in, TO_CLIENT);
}

static void note_act(struct instance *in, const char *verb, enum dir d, size_t bytes)
{
    struct act_run *acts = &in->acts[d];
    bool same = acts->verb == verb;
    if (!same)
        write_acts(in, d);
    bool fresh = !same || in->session->now >= acts->written + ACT_QUIET;
    acts->verb = verb;
    acts->count++;
    acts->bytes += bytes;
    if (fresh)
        write_acts(in, d);
}

static void note_once(struct instance *in, const char *verb, const char *detail, enum side side)
{
    verbs_write_acts(in);
    struct event ev = {.kind = EV_FAULT_ACT, .side = side, .by = BY_FAULT};
    ev.fault_act = (struct ev_fault_act){.fault = in->fault.desc->name,
                                         .label = in->activation->step->label,
                                         .verb = verb,
                                         .detail = detail,
                                         .count = 1};
    session_emit(in->session, ev);
}

/* --- What is said in an endpoint's place --- */

/* A Close of ours is recorded as ours, so that the answer to it can be told from a first word. */
static void note_close(struct instance *in, enum dir d)
{
    struct close_payload close;
    struct text reason;
    const struct text *payload = &in->said_payload[d];
    close_parse((const uint8_t *)text_chars(payload), payload->len, &close);
    text_init(&reason);
    redact_words((const char *)close.reason, close.reason_len, &reason);
    struct event ev = {.kind = EV_WS_CLOSE, .side = dir_from(d), .by = BY_FAULT};
    ev.ws_close = (struct ev_ws_close){
        .code = close.code, .reason = text_chars(&reason), .wrong = close.wrong};
    session_emit(in->session, ev);
    text_fini(&reason);
}

static void note_frame(struct instance *in, enum dir d)
{
    struct session *s = in->session;
    const struct frame_head *head = &in->said[d].head;
    const struct text *payload = &in->said_payload[d];
    char hash[SIGNATURE_DIGITS + 1];
    uint64_t content = signature_content(s->run->hash_key, (const uint8_t *)text_chars(payload),
                                         payload->len, head->payload_len);
    signature_digits(content, hash);
    struct event ev = {.kind = EV_WS_INJECTED, .side = dir_from(d), .by = BY_FAULT};
    ev.ws_injected = (struct ev_ws_injected){.opcode = head->opcode,
                                             .fin = head->fin,
                                             .rsv = head->rsv,
                                             .masked = head->masked,
                                             .len = head->payload_len,
                                             .hash = hash};
    ev.seq = session_emit(s, ev);
    ev.at = s->now;
    if (s->beats)
        (void)heartbeats_feed(s->beats, &ev);
}

static void keep_said(struct instance *in, enum dir d, const uint8_t *bytes, size_t len)
{
    struct text *payload = &in->said_payload[d];
    const struct frame_decoder *decoder = &in->said[d];
    size_t from = payload->len, room = SIGNATURE_LIMIT_BYTES - from;
    len = len < room ? len : room;
    if (len == 0)
        return;
    text_add_bytes(payload, bytes, len);
    if (decoder->head.masked)
        frame_mask((uint8_t *)payload->chars + from, len, decoder->head.mask_key, decoder->offset);
}

/* Frames may come in parts: a giant does. */
void verbs_note_said(struct instance *in, enum dir d, const uint8_t *bytes, size_t len)
{
    struct frame_decoder *decoder = &in->said[d];
    enum frame_step step;
    size_t taken;
    while ((step = frame_decode(decoder, bytes, len, &taken)) != FRAME_MORE) {
        if (step == FRAME_HEAD)
            text_clear(&in->said_payload[d]);
        else if (step == FRAME_PAYLOAD)
            keep_said(in, d, bytes, taken);
        else if (in->session->run->options.observe)
            note_frame(in, d);
        if (step == FRAME_END && decoder->head.opcode == OPCODE_CLOSE)
            note_close(in, d);
        bytes += taken;
        len -= taken;
    }
}

/* --- The port: what verbs do --- */

static struct instance *instance_of(struct fault *f)
{
    return f->host;
}

static void port_pass(struct fault *f, struct unit *u)
{
    (void)u;
    instance_of(f)->outcome = PASSED;
}

static void port_hold(struct fault *f, struct unit *u, nsec until)
{
    struct instance *in = instance_of(f);
    in->outcome = HELD;
    in->frame_until[u->dir] = until;
    note_act(in, "hold", u->dir, u->len);
}

static void port_ask_later(struct fault *f, struct unit *u, nsec until)
{
    struct instance *in = instance_of(f);
    in->outcome = ASKED_LATER;
    in->frame_until[u->dir] = until;
    if (!in->asked_before)
        note_act(in, "hold", u->dir, u->len);
}

static void port_set_aside(struct fault *f, struct unit *u, nsec until)
{
    struct instance *in = instance_of(f);
    in->outcome = ASIDE;
    in->frame_until[u->dir] = until;
    note_act(in, "set_aside", u->dir, u->len);
}

static void port_drop(struct fault *f, struct unit *u)
{
    struct instance *in = instance_of(f);
    in->outcome = DROPPED;
    note_act(in, "drop", u->dir, u->len);
}

static void port_replace(struct fault *f, struct unit *u, const void *bytes, size_t len)
{
    struct instance *in = instance_of(f);
    in->outcome = REPLACED;
    free(in->replacement);
    in->replacement = xmalloc(len + 1);
    memcpy(in->replacement, bytes, len);
    in->replacement_len = len;
    note_act(in, "replace", u->dir, u->len);
}

/* What the endpoint sees of us is recorded as ours. */
static void note_response(struct instance *in, const struct http_head *head)
{
    struct event ev = {.kind = EV_HTTP_RESPONSE, .side = SIDE_SERVER, .by = BY_FAULT};
    char *protocols = http_header_copy(head, "Sec-WebSocket-Protocol");
    char *extensions = http_header_copy(head, "Sec-WebSocket-Extensions");
    ev.http_response = (struct ev_http_response){.status = (uint64_t)head->status,
                                                 .wrong = "",
                                                 .protocols = protocols,
                                                 .extensions = extensions};
    session_emit(in->session, ev);
    free(protocols);
    free(extensions);
}

static void offer_response(struct instance *in, const uint8_t *bytes, size_t head_len, size_t len)
{
    struct unit head = {.kind = UNIT_HEAD,
                        .dir = TO_CLIENT,
                        .bytes = bytes,
                        .len = head_len,
                        .arrived = in->session->now,
                        .replaced = true};
    struct unit body = {.kind = UNIT_BYTES,
                        .dir = TO_CLIENT,
                        .bytes = bytes + head_len,
                        .len = len - head_len,
                        .arrived = in->session->now};
    chain_offer_behind(in, &head);
    if (body.len > 0)
        chain_offer_behind(in, &body);
}

static void port_respond(struct fault *f, struct unit *u, const void *bytes, size_t len)
{
    struct instance *in = instance_of(f);
    struct http_head head;
    if (u)
        in->outcome = DROPPED;
    note_act(in, "respond", TO_CLIENT, len);
    if (!http_parse(HTTP_RESPONSE, bytes, len, &head))
        return;
    size_t head_len = head.text.len;
    note_response(in, &head);
    in->session->lanes[TO_SERVER].mode = LANE_HEAD;
    http_head_fini(&head);
    offer_response(in, bytes, head_len, len);
}

static bool port_inject(struct fault *f, enum dir d, const void *bytes, size_t len)
{
    struct instance *in = instance_of(f);
    if (buf_len(&in->inject[d]) + in->queue[d].bytes + len > HELD_HIGH_BYTES ||
        buf_len(&in->session->lanes[d].out) > OUT_HIGH_BYTES)
        return false;
    (void)buf_append_all(&in->inject[d], bytes, len); /* there is room */
    note_act(in, "inject", d, len);
    chain_flush_inject(in, d);
    return true;
}

static bool port_inject_at(struct fault *f, enum dir d, const void *bytes, size_t len, nsec at)
{
    struct instance *in = instance_of(f);
    struct unit u = {.kind = UNIT_BYTES,
                     .dir = d,
                     .bytes = bytes,
                     .len = len,
                     .arrived = in->session->now,
                     .injected = in->session->lanes[d].mode == LANE_FRAMES,
                     .last = true};
    if (in->aside[d].bytes + len > HELD_HIGH_BYTES)
        return false;
    held_insert(&in->aside[d], held_new(&u, at));
    note_act(in, "inject", d, len);
    if (!in->asking[d])
        aside_release(in, d);
    return true;
}

static bool port_between(struct fault *f, enum dir d)
{
    const struct instance *in = instance_of(f);
    return !in->mid_frame[d] && !in->mid_message[d] && !in->queue[d].first &&
           buf_len(&in->inject[d]) == 0;
}

static void port_let_go(struct fault *f, enum dir d)
{
    struct instance *in = instance_of(f);
    for (struct held *item = in->queue[d].first; item; item = item->next)
        item->until = 0;
}

static void port_end(struct fault *f, enum dir d, enum cut how)
{
    struct instance *in = instance_of(f);
    in->ends_dir[d] = true;
    in->end_how[d] = how;
    note_once(in, "end", cut_name(how), dir_to(d));
    chain_flush_end(in, d);
}

static void port_put_back(struct fault *f, enum dir d)
{
    struct instance *in = instance_of(f);
    for (struct held *item = in->aside[d].first; item; item = item->next)
        item->until = 0;
    if (!in->asking[d])
        aside_release(in, d);
}

static void port_cut(struct fault *f, enum side side, enum cut how)
{
    struct instance *in = instance_of(f);
    if (in->session->legs[side] == LEG_CUT)
        return;
    note_once(in, "cut", cut_name(how), side);
    session_cut(in->session, side, how, BY_FAULT, in->fault.desc->name,
                in->activation->step->label);
}

static void port_stall(struct fault *f, enum dir d, bool on)
{
    struct instance *in = instance_of(f);
    note_once(in, on ? "stall" : "resume", "", dir_from(d));
    session_stall(in->session, d, on, BY_FAULT);
}

static void port_wake(struct fault *f, nsec at)
{
    instance_of(f)->wake = at;
}

static void port_deafen(struct fault *f, enum side side, double ratio)
{
    struct instance *in = instance_of(f);
    note_once(in, ratio > 0 ? "deafen" : "hear", "", side);
    in->deaf[side] = ratio;
    session_deafen(in->session, side);
}

static void port_refuse(struct fault *f, enum cut how)
{
    struct instance *in = instance_of(f);
    if (in->session->admission == REFUSE)
        return;
    in->session->admission = REFUSE;
    in->session->refusal = how;
    note_once(in, "refuse", cut_name(how), SIDE_CLIENT);
}

static const char *tls_trouble_name(enum tls_trouble trouble)
{
    static const char *const names[] = {"fine",       "stall",     "alert",    "expired",
                                        "wrong name", "untrusted", "downgrade"};
    return names[trouble];
}

static void port_tls(struct fault *f, enum tls_trouble trouble, unsigned value)
{
    struct instance *in = instance_of(f);
    in->session->tls_trouble = trouble;
    in->session->tls_value = value;
    note_once(in, "tls", tls_trouble_name(trouble), SIDE_CLIENT);
}

static unsigned port_connections(struct fault *f)
{
    const struct session *s = instance_of(f)->session;
    return run_connections(s->run, s) + 1;
}

static void port_hang(struct fault *f, nsec until)
{
    struct instance *in = instance_of(f);
    struct session *s = in->session;
    if (s->admission == REFUSE)
        return;
    s->hang_until = s->admission == HANG ? nsec_max(s->hang_until, until) : until;
    s->admission = HANG;
    if (!in->hung)
        note_once(in, "hang", "", SIDE_CLIENT);
    in->hung = true;
}

static bool port_is_open(struct fault *f)
{
    return instance_of(f)->session->open;
}

const struct fault_port verbs_port = {
    .pass = port_pass,
    .hold = port_hold,
    .ask_later = port_ask_later,
    .set_aside = port_set_aside,
    .drop = port_drop,
    .replace = port_replace,
    .respond = port_respond,
    .inject = port_inject,
    .inject_at = port_inject_at,
    .between = port_between,
    .let_go = port_let_go,
    .put_back = port_put_back,
    .end = port_end,
    .cut = port_cut,
    .stall = port_stall,
    .deafen = port_deafen,
    .wake = port_wake,
    .refuse = port_refuse,
    .hang = port_hang,
    .tls = port_tls,
    .connections = port_connections,
    .is_open = port_is_open,
};
