#include "trace/event.h"

#include <stddef.h>

struct event_doc {
    const char *name, *doc;
};

static const struct event_doc docs[EV_KINDS] = {
#define EVENT(ENUM, member, text, description, ...) [EV_##ENUM] = {text, description},
#include "trace/events.def"
#undef EVENT
};

#define FIELD(member, field, TYPE, meaning) {#field, #TYPE, meaning},
#define EVENT(ENUM, member, text, description, ...)                                                \
    static const struct event_field member##_fields[] = {__VA_ARGS__{NULL, NULL, NULL}};
#include "trace/events.def"
#undef EVENT
#undef FIELD

static const struct event_field *const fields[EV_KINDS] = {
#define EVENT(ENUM, member, text, description, ...) [EV_##ENUM] = member##_fields,
#include "trace/events.def"
#undef EVENT
};

const char *event_name(enum event_kind kind)
{
    return docs[kind].name;
}

const char *event_doc(enum event_kind kind)
{
    return docs[kind].doc;
}

const struct event_field *event_fields(enum event_kind kind)
{
    return fields[kind];
}

const char *side_name(enum side side)
{
    static const char *const names[] = {"", "client", "server"};
    return names[side];
}

enum side side_other(enum side side)
{
    static const enum side others[] = {SIDE_NONE, SIDE_SERVER, SIDE_CLIENT};
    return others[side];
}

const char *cause_name(enum cause by)
{
    static const char *const names[] = {"endpoint", "fault", "proxy", "builtin"};
    return names[by];
}
