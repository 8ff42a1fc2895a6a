#include "tests/unit/ended_story.h"

#include "tests/check.h"

void ended_begin(struct ended_story *e)
{
    *e = (struct ended_story){.next_conn = 1};
    story_begin(&e->story);
}

static struct story *next(struct ended_story *e, int client)
{
    story_of(&e->story, client, e->next_conn++);
    return &e->story;
}

static void act(struct story *s, double at, const char *fault, const char *verb)
{
    struct event *ev = story_add(s, at, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){
        .fault = fault, .label = fault, .verb = verb, .detail = "", .count = 1};
}

void ended_open(struct ended_story *e, int client, double at)
{
    story_open(next(e, client), at);
}

void ended_cut(struct ended_story *e, int client, double at, double lasts)
{
    struct story *s = next(e, client);
    story_open(s, at);
    story_fault(s, at + lasts, "reset", SIDE_CLIENT, false);
    story_cut(s, at + lasts, "reset", "rst");
}

void ended_leave(struct ended_story *e, int client, double at, double lasts)
{
    struct story *s = next(e, client);
    story_open(s, at);
    story_close(s, at + lasts, SIDE_CLIENT, 1000);
    story_fin(s, at + lasts + 0.001, SIDE_CLIENT);
}

void ended_close(struct ended_story *e, int client, double at, double lasts, unsigned code)
{
    struct story *s = next(e, client);
    story_open(s, at);
    story_fault(s, at + lasts, "close_with", SIDE_CLIENT, false);
    struct event *ev = story_add(s, at + lasts, EV_WS_CLOSE, SIDE_SERVER, BY_FAULT);
    ev->ws_close = (struct ev_ws_close){.code = code};
    story_close(s, at + lasts + 0.001, SIDE_CLIENT, code);
    story_shut(s, at + lasts + 0.001, SIDE_CLIENT, BY_FAULT, "fin");
    story_fin(s, at + lasts + 0.001, SIDE_CLIENT);
}

void ended_refuse(struct ended_story *e, int client, double at)
{
    struct story *s = next(e, client);
    story_attempt(s, at);
    act(s, at, "refuse", "refuse");
    story_shut(s, at, SIDE_CLIENT, BY_FAULT, "rst");
}

void ended_status(struct ended_story *e, int client, double at, unsigned status, const char *params)
{
    struct story *s = next(e, client);
    story_attempt(s, at);
    story_fault_with(s, at, "upgrade_status", params);
    act(s, at, "upgrade_status", "respond");
    struct event *ev = story_add(s, at, EV_HTTP_RESPONSE, SIDE_SERVER, BY_FAULT);
    ev->http_response = (struct ev_http_response){.status = status};
    story_shut(s, at, SIDE_CLIENT, BY_FAULT, "close");
}

void ended_hang(struct ended_story *e, int client, double at, double gives_up)
{
    struct story *s = next(e, client);
    story_attempt(s, at);
    story_fault(s, at, "accept_stall", SIDE_CLIENT, false);
    act(s, at, "accept_stall", "hang");
    if (gives_up > 0)
        story_fin(s, at + gives_up, SIDE_CLIENT);
}

void ended_hang_open(struct ended_story *e, int client, double at, double opens)
{
    struct story *s = next(e, client);
    story_attempt(s, at);
    story_fault(s, at, "accept_stall", SIDE_CLIENT, false);
    act(s, at, "accept_stall", "hang");
    struct event *ev = story_add(s, at + opens, EV_HTTP_RESPONSE, SIDE_SERVER, BY_ENDPOINT);
    ev->http_response = (struct ev_http_response){.status = 101, .upgrade = true};
    (void)story_add(s, at + opens, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
}

void ended_restored(struct ended_story *e, double at, const char *fault)
{
    story_of(&e->story, -1, 0);
    story_fault_off(&e->story, at, fault, "cleared");
}

void ended_expect(struct ended_story *e, double at, const struct rule_desc *rule, enum verdict want,
                  const char *part)
{
    story_run_end(&e->story, at);
    enum verdict got = story_judge(&e->story, rule, NULL);
    check_str(__FILE__, __LINE__, story_text(&e->story), verdict_name(got), verdict_name(want));
    CHECK_CONTAINS(story_text(&e->story), part);
    story_end(&e->story);
}
