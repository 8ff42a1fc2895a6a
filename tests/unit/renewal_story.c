#include "tests/unit/renewal_story.h"

#include <stdio.h>

extern const struct rule_desc reconnect_resubscribe_rule;

void renewal_begin(struct story *s)
{
    story_begin(s);
}

void renewal_session(struct story *s, int client, double from, double to)
{
    story_of(s, client, (uint32_t)client + (from > 0 ? SECOND : 1));
    story_open(s, from);
    if (to < OVER)
        story_cut(s, to, "reset", "rst");
}

void renewal_say(struct story *s, double at, const char *kind)
{
    story_data(s, at, SIDE_CLIENT, kind, 20);
}

void renewal_hear(struct story *s, double from, double every, double to, const char *kind)
{
    for (double at = from; at <= to; at += every)
        story_data(s, at, SIDE_SERVER, kind, 30);
}

void renewal_number(struct story *s, double from, double every, unsigned first, unsigned last)
{
    static char ids[400][8];
    for (unsigned id = first; id <= last && id < 400; id++) {
        snprintf(ids[id], sizeof ids[id], "%u", id);
        story_id(s, from + every * (id - first), SIDE_SERVER, ids[id], "declared");
    }
}

void renewal_subscribe(struct story *s, double at, const char *topic)
{
    renewal_say(s, at, "sub");
    story_session(s, at, SIDE_CLIENT, "subscribe", topic);
}

void renewal_both(struct story *s, void (*then)(struct story *, int client))
{
    renewal_begin(s);
    for (int client = 0; client < 2; client++) {
        renewal_session(s, client, 0, LOST);
        renewal_say(s, 0.1, "hello");
        renewal_say(s, 0.2, "prices");
        renewal_session(s, client, BACK, OVER);
        then(s, client);
    }
    story_run_end(s, OVER);
}

void renewal_streamed(struct story *s, void (*then)(struct story *, int client))
{
    renewal_begin(s);
    for (int client = 0; client < 2; client++) {
        renewal_session(s, client, 0, LOST);
        renewal_say(s, 0.1, "hello");
        renewal_say(s, 0.2, "prices");
        renewal_hear(s, 0.5, 1, LOST - 0.5, "tick");
        renewal_session(s, client, BACK, OVER);
        then(s, client);
    }
    story_run_end(s, OVER);
}

void renewal_numbered(struct story *s, unsigned first_after, void (*then)(struct story *, int))
{
    renewal_begin(s);
    for (int client = 0; client < 2; client++) {
        renewal_session(s, client, 0, LOST);
        renewal_say(s, 0.1, "hello");
        renewal_say(s, 0.2, "prices");
        renewal_number(s, 0.5, 1, 1, 29);
        renewal_session(s, client, BACK, OVER);
        renewal_all_of_it(s, client);
        renewal_number(s, BACK + 1, 1, first_after, first_after + 15);
        if (then)
            then(s, client);
    }
    story_run_end(s, OVER);
}

void renewal_declared(struct story *s, const char *const *before, const char *const *after)
{
    renewal_begin(s);
    story_target(s, RENEWAL_SUBSCRIBES);
    renewal_session(s, 0, 0, LOST);
    renewal_say(s, 0.1, "hello");
    for (int i = 0; before[i]; i++)
        renewal_subscribe(s, 1 + 5 * i, before[i]);
    renewal_session(s, 0, BACK, OVER);
    renewal_say(s, BACK + 0.1, "hello");
    for (int i = 0; after[i]; i++)
        renewal_subscribe(s, BACK + 1 + 0.1 * i, after[i]);
    story_run_end(s, OVER);
}

void renewal_all_of_it(struct story *s, int client)
{
    (void)client;
    renewal_say(s, BACK + 0.1, "hello");
    renewal_say(s, BACK + 0.2, "prices");
}

void renewal_nothing(struct story *s, int client)
{
    (void)s;
    (void)client;
}

void renewal_in_part(struct story *s, int client)
{
    (void)client;
    renewal_say(s, BACK + 0.1, "hello");
}

void renewal_otherwise(struct story *s, int client)
{
    (void)client;
    story_data(s, BACK + 0.1, SIDE_CLIENT, "resume", 99);
}

void renewal_silent_but_served(struct story *s, int client)
{
    (void)client;
    renewal_hear(s, BACK + 0.5, 1, OVER, "tick");
}

void renewal_another_address(struct story *s, int client)
{
    (void)client;
    for (size_t i = 0; i < s->count; i++)
        if (s->events[i].kind == EV_HTTP_REQUEST)
            s->events[i].http_request.target = s->events[i].at < LOST ? "/feed" : "/feed?sid=x";
}

void renewal_says_who_it_is(struct story *s, int client)
{
    (void)client;
    struct event *ev = story_add(s, BACK, EV_HTTP_CREDENTIAL, SIDE_CLIENT, BY_ENDPOINT);
    ev->http_credential = (struct ev_http_credential){
        .place = "cookie", .name = "sid", .shape = "random", .len = 32, .hash = "a"};
}

void renewal_a_fault_holds_it_up(struct story *s, int client)
{
    (void)client;
    struct event *ev = story_add(s, BACK + 1, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){
        .fault = "stall", .label = "stall", .verb = "stall", .detail = "", .count = 1};
}

void renewal_expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &reconnect_resubscribe_rule, want, part);
}
