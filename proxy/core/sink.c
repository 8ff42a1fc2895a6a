/* What leaves the chain: to the socket of the other side, and into the trace when it arrived. */
#include "core/internal.h"

#include "ws/upgrade.h"

static bool sink_is_open(const struct session *s, enum side to)
{
    return s->legs[to] == LEG_OPEN || s->legs[to] == LEG_CONNECTING;
}

static void write_out(struct session *s, struct lane *lane, const uint8_t *bytes, size_t len)
{
    enum side to = dir_to(lane->dir);
    size_t taken = 0;
    lane->bytes_out += len;
    if (s->legs[to] == LEG_OPEN && buf_len(&lane->out) == 0 && s->corks == 0)
        taken = s->ops->on_output(s->driver, to, bytes, len);
    if (taken < len && !buf_append_all(&lane->out, bytes + taken, len - taken))
        session_cut(s, to, CUT_RST, BY_PROXY, "", "");
}

static void deliver_frame(struct session *s, const struct unit *u)
{
    if (u->frame_seq == 0)
        return;
    struct event ev = {.kind = EV_WS_DELIVERED, .side = dir_to(u->dir), .by = BY_PROXY};
    ev.ws_delivered = (struct ev_ws_delivered){.frame = u->frame_seq};
    session_emit(s, ev);
}

/* Whether a head that a fault made or changed still opens the WebSocket the client asked for. */
static bool opens(const struct session *s, const struct unit *u)
{
    struct http_head head;
    struct upgrade_response answer = {0};
    if (!u->replaced)
        return true;
    if (!http_parse(HTTP_RESPONSE, (const char *)u->bytes, u->len, &head))
        return false;
    upgrade_read_response(&head, s->request.key, s->request.protocols, s->request.extensions,
                          &answer);
    bool switches = head.status == 101 && answer.valid;
    http_head_fini(&head);
    return switches;
}

static void note_changed_head(struct session *s, const struct unit *u)
{
    struct event ev = {.kind = EV_HTTP_REWRITE, .side = dir_to(u->dir), .by = BY_FAULT};
    ev.http_rewrite =
        (struct ev_http_rewrite){.what = u->dir == TO_CLIENT ? "the response is not the server's"
                                                             : "the request is not the client's"};
    session_emit(s, ev);
}

static void deliver_head(struct session *s, const struct unit *u)
{
    if (u->replaced)
        note_changed_head(s, u);
    if (u->dir != TO_CLIENT || !s->open_pending)
        return;
    s->open_pending = false;
    if (!opens(s, u))
        return;
    s->open = true;
    s->open_now = true;
    struct event ev = {.kind = EV_WS_OPEN, .side = SIDE_CLIENT, .by = BY_PROXY};
    ev.ws_open = (struct ev_ws_open){.took = s->now - s->accepted};
    session_emit(s, ev);
    run_note(s->run, s, NOTE_OPEN);
    chain_open(s);
}

static void pass_end(struct session *s, const struct unit *u)
{
    enum side to = dir_to(u->dir);
    bool as_it_came = u->by_fault || u->end == CUT_RST || u->end == CUT_CLOSE;
    session_cut(s, to, as_it_came ? u->end : CUT_FIN, u->by_fault ? BY_FAULT : BY_PROXY, "", "");
}

void session_sink(struct session *s, struct unit *u)
{
    struct lane *lane = &s->lanes[u->dir];
    if (u->kind == UNIT_END) {
        pass_end(s, u);
        return;
    }
    if (!sink_is_open(s, dir_to(u->dir)) || lane->end_pending)
        return;
    write_out(s, lane, u->bytes, u->len);
    if (u->kind == UNIT_HEAD)
        deliver_head(s, u);
    else if (u->last)
        deliver_frame(s, u);
}
