/* How a connection comes about: whether it is let in, the leg to the server, TLS on either. */
#include "core/internal.h"

static void write_route(struct session *s)
{
    struct event ev = {.kind = EV_TCP_ROUTE, .side = SIDE_SERVER, .by = BY_PROXY};
    ev.tcp_route = (struct ev_tcp_route){.backend = s->backend, .of = s->run->options.backends};
    session_emit(s, ev);
}

void session_admit(struct session *s)
{
    s->admission = ADMIT;
    s->legs[SIDE_SERVER] = LEG_CONNECTING;
    s->backend = s->run->backend;
    if (s->run->options.backends > 1)
        write_route(s);
    if (s->run->plan->round_robin && s->run->options.backends > 1)
        s->run->backend = (s->run->backend + 1) % s->run->options.backends;
    session_act(s, ACTION_CONNECT, SIDE_SERVER, CUT_FIN);
}

void session_ask_again(struct session *s)
{
    if (s->over || s->legs[SIDE_CLIENT] == LEG_CUT)
        return;
    s->admission = ADMIT;
    chain_attempt(s);
    if (s->admission == ADMIT) {
        session_admit(s);
    } else if (s->admission == REFUSE) {
        s->admission = ADMIT; /* it is a connection that ends, no longer one that waits */
        session_cut(s, SIDE_CLIENT, s->refusal, BY_FAULT, "", "");
    }
}

static void note_connect(struct session *s, const char *how)
{
    struct event ev = {.kind = EV_TCP_CONNECT, .side = SIDE_SERVER, .by = BY_PROXY};
    ev.tcp_connect = (struct ev_tcp_connect){.how = how, .took = s->now - s->accepted};
    session_emit(s, ev);
}

void session_connected(struct session *s, nsec now)
{
    session_enter(s, now);
    if (s->legs[SIDE_SERVER] == LEG_CONNECTING) {
        note_connect(s, "connected");
        s->legs[SIDE_SERVER] = LEG_OPEN;
    }
    session_leave(s);
    session_writable(s, SIDE_SERVER, now);
}

void session_connect_failed(struct session *s, const char *how, nsec now)
{
    session_enter(s, now);
    if (s->legs[SIDE_SERVER] == LEG_CONNECTING) {
        note_connect(s, how);
        s->legs[SIDE_SERVER] = LEG_CUT;
        s->gone[SIDE_SERVER] = true;
        if (!chain_unreachable(s))
            session_cut(s, SIDE_CLIENT, CUT_RST, BY_PROXY, "", "");
    }
    session_leave(s);
}

/* The blame for a handshake is the fault's when it spoiled it: a stall only made it wait. */
static enum cause handshake_cause(const struct session *s)
{
    bool ours = s->tls_trouble != TLS_FINE && s->tls_trouble != TLS_STALL;
    return ours ? BY_FAULT : session_cause(s, SIDE_CLIENT);
}

void session_tls_failed(struct session *s, const char *how, nsec now)
{
    struct lane *lane = &s->lanes[TO_SERVER];
    session_enter(s, now);
    if (!s->over && !lane->ended) {
        struct event ev = {.kind = EV_TLS_FAILED, .side = SIDE_CLIENT, .by = handshake_cause(s)};
        ev.tls_failed = (struct ev_tls_failed){.how = how};
        session_emit(s, ev);
        session_note_attempt(s);
        buf_clear(&s->lanes[TO_CLIENT].out);
        session_cut(s, SIDE_CLIENT, CUT_CLOSE, ev.by == BY_FAULT ? BY_FAULT : BY_PROXY, "", "");
        lane->ended = true;
        lane->end = CUT_CLOSE; /* nobody is left to whom the server could still say something */
        if (s->admission == HANG)
            s->over = true;
        else
            chain_feed(s,
                       &(struct unit){
                           .kind = UNIT_END, .dir = TO_SERVER, .arrived = now, .end = CUT_CLOSE});
    }
    session_leave(s);
}

void session_tls_open(struct session *s, enum side side, const char *version, const char *name,
                      nsec now)
{
    session_enter(s, now);
    struct event ev = {.kind = EV_TLS_OPEN, .side = side, .by = BY_PROXY};
    ev.tls_open = (struct ev_tls_open){.version = version, .name = name};
    session_emit(s, ev);
    session_leave(s);
}
