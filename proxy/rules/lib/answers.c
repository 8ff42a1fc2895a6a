#include "rules/lib/answers.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/lib/connection.h"
#include "rules/lib/deflated.h"
#include "rules/lib/offence.h"
#include "ws/frame.h"

/* --- What the client got --- */

static const char *text_of(json_t *params, const char *key)
{
    const char *text = json_string_value(json_object_get(params, key));
    return text ? text : "";
}

static bool is(json_t *params, const char *key, const char *value)
{
    return strcmp(text_of(params, key), value) == 0;
}

static void name_accept(json_t *params, char words[ANSWER_WORDS])
{
    (void)snprintf(words, ANSWER_WORDS, "%s",
                   is(params, "how", "wrong") ? "a 101 for another key"
                                              : "a 101 without Sec-WebSocket-Accept");
}

static void name_header(json_t *params, char words[ANSWER_WORDS])
{
    (void)snprintf(words, ANSWER_WORDS, "a 101 %s %.40s",
                   is(params, "action", "remove") ? "without" : "with another",
                   text_of(params, "header"));
}

static void name_protocol(json_t *params, char words[ANSWER_WORDS])
{
    (void)params;
    (void)snprintf(words, ANSWER_WORDS, "a subprotocol it had not offered");
}

static void name_extension(json_t *params, char words[ANSWER_WORDS])
{
    bool deflate = strncmp(text_of(params, "value"), "permessage-deflate", 18) == 0;
    (void)snprintf(words, ANSWER_WORDS, "%s",
                   deflate ? "permessage-deflate as it had not offered it"
                           : "an extension it had not offered");
}

static void name_status(json_t *params, char words[ANSWER_WORDS])
{
    (void)snprintf(words, ANSWER_WORDS, "a %.3s instead of a 101", text_of(params, "status"));
}

static const struct {
    const char *fault;
    void (*name)(json_t *params, char words[ANSWER_WORDS]);
} faults[] = {
    {"upgrade_bad_accept", name_accept}, {"upgrade_rewrite", name_header},
    {"upgrade_protocol", name_protocol}, {"upgrade_extension", name_extension},
    {"upgrade_status", name_status},
};

#define FAULTS (sizeof faults / sizeof *faults)

static bool is_of(const struct event *act, size_t *fault)
{
    if (act->kind != EV_FAULT_ACT || act->side != SIDE_CLIENT ||
        (strcmp(act->fault_act.verb, "replace") != 0 &&
         strcmp(act->fault_act.verb, "respond") != 0))
        return false;
    for (*fault = 0; *fault < FAULTS; (*fault)++)
        if (strcmp(faults[*fault].fault, act->fault_act.fault) == 0)
            return true;
    return false;
}

/* false: none of these faults made it. */
static bool name_answer(const struct trace *trace, const struct event *delivered,
                        struct answer *answer)
{
    size_t fault;
    for (const struct event *ev = delivered; ev-- > trace->events;) {
        if (ev->conn != delivered->conn || !is_of(ev, &fault))
            continue;
        const struct event *on = offence_fault_on(trace, ev);
        json_t *params = on ? json_loads(on->fault_on.params, 0, NULL) : NULL;
        faults[fault].name(params, answer->words);
        answer->ends = strcmp(ev->fault_act.verb, "respond") == 0 && !is(params, "then", "nothing");
        answer->from = ev->seq;
        json_decref(params);
        return true;
    }
    return false;
}

/* --- What it made of it --- */

static bool is_client(const struct event *ev, const struct answer *answer)
{
    return ev->conn == answer->conn && ev->side == SIDE_CLIENT && ev->by == BY_ENDPOINT;
}

static bool ends_watch(const struct event *ev, const struct answer *answer)
{
    return ev->kind == EV_TRACE_FULL ||
           (ev->conn == answer->conn &&
            (ev->kind == EV_CONN_END || (ev->kind == EV_TCP_SHUT && ev->side == SIDE_CLIENT) ||
             (ev->kind == EV_TCP_PAUSE && ev->side == SIDE_CLIENT && ev->tcp_pause.on)));
}

static void note_doing(struct answer *answer, const struct event *ev)
{
    if (ev->kind == EV_WS_FRAME && ev->ws_frame.opcode != OPCODE_CLOSE && answer->spoke == NEVER)
        answer->spoke = ev->at;
    else if (ev->kind == EV_TCP_CLOSE && connection_ended_by_endpoint(ev) && answer->ended == NEVER)
        answer->ended = ev->at;
    else
        return;
    answer->to = ev->seq;
}

static void note_later(struct answer *answer, const struct event *ev, nsec until)
{
    if (ev->client != answer->client)
        return;
    if (ev->kind == EV_TCP_OPEN && answer->next == NEVER)
        answer->next = ev->at;
    else if (ev->kind == EV_PROCESS_EXIT && answer->next == NEVER && ev->at <= until &&
             !ev->process_exit.asked && strcmp(ev->process_exit.how, "exit 0") != 0)
        answer->exit = ev->process_exit.how;
}

static void follow(const struct trace *trace, const struct event *delivered,
                   const struct event *last, struct answer *answer)
{
    nsec until = nsec_add(delivered->at, offence_wall(trace, OFFENCE_PATIENT));
    for (const struct event *ev = delivered + 1; ev <= last; ev++) {
        if (answer->watched == NEVER && is_client(ev, answer))
            note_doing(answer, ev);
        if (answer->watched == NEVER && ends_watch(ev, answer))
            answer->watched = ev->at;
        note_later(answer, ev, until);
    }
    if (answer->watched == NEVER)
        answer->watched = last->at;
    if (answer->to == 0)
        answer->to = delivered->seq;
}

/* It opened all the same, or is of halfopen's own client. */
static bool is_no_matter(const struct trace *trace, uint32_t conn)
{
    size_t i = 0, j = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_WS_OPEN));)
        if (ev->conn == conn)
            return true;
    for (const struct event *ev; (ev = trace_next(trace, &j, EV_HTTP_REQUEST));)
        if (ev->conn == conn && ev->by == BY_BUILTIN)
            return true;
    return false;
}

static bool is_new_client(const struct answers *all, int client)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].client == client)
            return false;
    return true;
}

static void add(const struct trace *trace, const struct event *delivered, const struct event *last,
                struct answers *out)
{
    struct answer answer = {.client = delivered->client,
                            .conn = delivered->conn,
                            .at = delivered->at,
                            .spoke = NEVER,
                            .ended = NEVER,
                            .watched = NEVER,
                            .next = NEVER};
    if (is_no_matter(trace, delivered->conn) || !name_answer(trace, delivered, &answer))
        return;
    answer.deflate = strstr(answer.words, "permessage-deflate") &&
                     deflate_state_of(trace, delivered->conn) != DEFLATE_NOT_OFFERED;
    follow(trace, delivered, last, &answer);
    out->clients += is_new_client(out, answer.client);
    out->list = xrealloc(out->list, (out->count + 1) * sizeof *out->list);
    out->list[out->count++] = answer;
}

/* A head that a fault made or changed is recorded when it is delivered. */
static bool is_delivery(const struct event *ev)
{
    return ev->kind == EV_HTTP_REWRITE && ev->by == BY_FAULT && ev->side == SIDE_CLIENT;
}

void answers_of(const struct trace *trace, struct answers *out)
{
    const struct event *last = offences_last_counting(trace);
    *out = (struct answers){0};
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        out->builtin = out->builtin || (ev->side == SIDE_CLIENT && ev->by == BY_BUILTIN);
        if (is_delivery(ev))
            add(trace, ev, last, out);
    }
}

nsec answer_waited(const struct answer *answer)
{
    if (answer->spoke != NEVER)
        return answer->spoke - answer->at;
    return (answer->ended != NEVER ? answer->ended : answer->watched) - answer->at;
}

enum answer_fate answer_fate(const struct trace *trace, const struct answer *answer)
{
    nsec took = answer_waited(answer);
    if (answer->spoke != NEVER)
        return ANSWER_SPOKE;
    if (answer->exit)
        return ANSWER_DIED;
    if (answer->ended != NEVER && took <= offence_wall(trace, OFFENCE_PROMPT))
        return ANSWER_FAILED;
    if (took >= offence_wall(trace, OFFENCE_PATIENT))
        return ANSWER_STAYED;
    return answer->ended != NEVER ? ANSWER_LATE : ANSWER_UNSEEN;
}

void answers_fini(struct answers *all)
{
    free(all->list);
    *all = (struct answers){0};
}
