#include "tests/unit/offence_story.h"

#include <string.h>

#include "tests/check.h"

void story_offence(struct story *s, double at, const char *fault, const char *params)
{
    struct event *ev = story_add(s, at, EV_FAULT_ON, SIDE_CLIENT, BY_FAULT);
    ev->fault_on = (struct ev_fault_on){
        .fault = fault, .label = fault, .direction = "to_client", .params = params};
    ev = story_add(s, at, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){
        .fault = fault, .label = fault, .verb = "inject", .detail = "", .count = 1};
}

static const struct {
    const char *what, *params;
} kinds[] = {
    {"reserved_bits", "{\"what\":\"reserved_bits\"}"},
    {"long_length", "{\"what\":\"long_length\"}"},
    {"huge_length", "{\"what\":\"huge_length\"}"},
    {"masking", "{\"what\":\"masking\"}"},
    {"large_control", "{\"what\":\"large_control\"}"},
    {"fragmented_control", "{\"what\":\"fragmented_control\"}"},
    {"nested_message", "{\"what\":\"nested_message\"}"},
    {"bad_utf8", "{\"what\":\"bad_utf8\"}"},
    {"bad_close_reason", "{\"what\":\"bad_close_reason\"}"},
    {"bad_close_code", "{\"what\":\"bad_close_code\",\"code\":\"1006\"}"},
    {"short_close", "{\"what\":\"short_close\"}"},
    {"compressed_control", "{\"what\":\"compressed_control\"}"},
    {"compressed_continuation", "{\"what\":\"compressed_continuation\"}"},
    {"bad_deflate", "{\"what\":\"bad_deflate\"}"},
};

void story_bad_frame(struct story *s, double at, const char *what)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].what, what) == 0) {
            story_offence(s, at, "bad_frame", kinds[i].params);
            return;
        }
    CHECK_STR(what, "a kind of bad frame");
}

void story_probe(struct story *s, double at)
{
    story_ping(s, at, SIDE_SERVER);
    story_pong(s, at + 0.001, SIDE_CLIENT);
}

void story_open_deflate(struct story *s, double at)
{
    size_t first = s->count;
    story_open(s, at);
    for (size_t i = first; i < s->count; i++) {
        struct event *ev = &s->events[i];
        if (ev->kind == EV_HTTP_REQUEST)
            ev->http_request.extensions = "permessage-deflate; client_max_window_bits";
        else if (ev->kind == EV_HTTP_RESPONSE)
            ev->http_response.extensions = "permessage-deflate";
    }
}

void story_fail(struct story *s, double at, uint64_t code)
{
    story_close(s, at, SIDE_CLIENT, code);
    story_fin(s, at, SIDE_CLIENT);
}
