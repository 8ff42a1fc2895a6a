#include "trace/declares.h"

#include <jansson.h>

const struct declaration declarations[] = {
    {DECLARES_SEND, "hooks", "send", "nothing says how to make the client send",
     "hooks: {send: {stdin: 'send {n}'}}"},
    {DECLARES_CLOSE, "hooks", "close", "nothing says how to make the client close on purpose",
     "hooks: {close: {stdin: 'close'}}"},
    {DECLARES_GAVE_UP, "hooks", "gave_up",
     "nothing says how the client tells its user that it gave up",
     "hooks: {gave_up: {log: 'giving up'}}"},
    {DECLARES_MESSAGES, "messages", "id", "nothing says how to recognise a message again",
     "messages: {id: '\"id\":\\s*(\\d+)'}"},
    {DECLARES_AUTH, "auth", "message", "nothing says how the client authenticates",
     "auth: {message: '\"type\":\\s*\"auth\"'}"},
    {DECLARES_ACK, "auth", "ack", "nothing says how the server acknowledges a credential",
     "auth: {ack: '\"type\":\\s*\"auth_ok\"'}"},
    {DECLARES_ANSWER, "auth", "answer",
     "the server is halfopen's own and does not know how to acknowledge a credential",
     "auth: {answer: '{\"type\":\"auth_ok\"}'}"},
    {DECLARES_CODES, "close_codes", "final",
     "nothing says what the server means by its close codes",
     "close_codes: {final: [4401, 4403], retry: [4429]}"},
    {DECLARES_STATE, "hooks", "state", "nothing says what state the client would lose",
     "hooks: {state: {http: 'GET http://127.0.0.1:{port}/state'}}"},
    {DECLARES_SUBSCRIBE, "sessions", "subscribe", "nothing says by what the client subscribes",
     "sessions: {subscribe: '\"type\":\\s*\"subscribe\"'}"},
    {DECLARES_RESUME, "sessions", "resume",
     "nothing says by what the client asks for what it missed",
     "sessions: {resume: '\"type\":\\s*\"resume\"'}"},
    {DECLARES_SESSION_STATE, "sessions", "state", "nothing says what the server tells of a session",
     "sessions: {state: '\"session\":\\s*\"(\\w+)\"'}"},
    {0},
};

const struct declaration *declaration_missing(unsigned wanted, unsigned declared)
{
    for (const struct declaration *at = declarations; at->part; at++)
        if (wanted & ~declared & at->what)
            return at;
    return NULL;
}

unsigned declares_read_json(const char *json)
{
    unsigned declared = 0;
    json_t *root = json_loads(json ? json : "", 0, NULL);
    for (const struct declaration *at = declarations; at->part; at++) {
        const json_t *member = json_object_get(json_object_get(root, at->part), at->member);
        if (member && !json_is_false(member) && !json_is_null(member))
            declared |= at->what;
    }
    json_decref(root);
    return declared;
}
