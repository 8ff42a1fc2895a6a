#include "tests/unit/login_story.h"

#include "ws/frame.h"

struct event *login_credential(struct story *s, double at, const char *place, const char *name,
                               const char *shape, const char *hash)
{
    struct event *ev = story_add(s, at, EV_HTTP_CREDENTIAL, SIDE_CLIENT, s->client_by);
    ev->http_credential = (struct ev_http_credential){
        .place = place, .name = name, .shape = shape, .len = 40, .hash = hash};
    return ev;
}

struct event *login_bearer(struct story *s, double at, const char *hash)
{
    struct event *ev = login_credential(s, at, "authorization", "Bearer", "jwt", hash);
    ev->http_credential.listed = true;
    return ev;
}

struct event *login_message(struct story *s, double at, const char *hash)
{
    story_data(s, at, SIDE_CLIENT, "auth", 60);
    struct event *ev = story_add(s, at, EV_WS_AUTH, SIDE_CLIENT, s->client_by);
    ev->ws_auth = (struct ev_ws_auth){.what = "auth", .hash = hash};
    return ev;
}

void login_ack(struct story *s, double at, double held)
{
    struct event *ev = story_add(s, at, EV_WS_FRAME, SIDE_SERVER, s->server_by);
    ev->ws_frame = (struct ev_ws_frame){.opcode = OPCODE_TEXT,
                                        .fin = true,
                                        .len = 10,
                                        .hash = "ack",
                                        .sig = "ack",
                                        .kind = "",
                                        .passed = held <= 0};
    ev = story_add(s, at, EV_WS_AUTH, SIDE_SERVER, s->server_by);
    ev->ws_auth = (struct ev_ws_auth){.what = "ack", .hash = ""};
    if (held <= 0)
        return;
    ev = story_add(s, at + held, EV_WS_DELIVERED, SIDE_CLIENT, BY_PROXY);
    ev->ws_delivered = (struct ev_ws_delivered){.frame = 0};
}
