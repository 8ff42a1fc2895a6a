/* One event of a run: who did what, when, on which connection. See events.def for the catalogue. */
#ifndef HALFOPEN_TRACE_EVENT_H
#define HALFOPEN_TRACE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/nsec.h"

enum event_kind {
#define EVENT(ENUM, member, name, doc, ...) EV_##ENUM,
#include "trace/events.def"
#undef EVENT
    EV_KINDS
};

enum side { SIDE_NONE, SIDE_CLIENT, SIDE_SERVER };

/* Only what BY_ENDPOINT did is ever held against an endpoint. BY_BUILTIN: our own reference
 * endpoint standing in for the peer; it never earns the endpoint under test a pass. */
enum cause { BY_ENDPOINT, BY_FAULT, BY_PROXY, BY_BUILTIN };

#define EVENT_TYPE_TEXT  const char *
#define EVENT_TYPE_JSON  const char *
#define EVENT_TYPE_COUNT uint64_t
#define EVENT_TYPE_SIZE  uint64_t
#define EVENT_TYPE_TIME  nsec
#define EVENT_TYPE_REAL  double
#define EVENT_TYPE_FLAG  bool

#define FIELD(member, name, TYPE, doc) EVENT_TYPE_##TYPE name;
#define EVENT(ENUM, member, name, doc, ...)                                                        \
    struct ev_##member {                                                                           \
        __VA_ARGS__                                                                                \
    };
#include "trace/events.def"
#undef EVENT
#undef FIELD

struct event {
    uint64_t seq;  /* from 1: what a finding cites */
    nsec at;       /* target time since the start of the run */
    uint32_t conn; /* from 1; 0: the run itself, or connections yet to come */
    int client;    /* from 0; -1: none */
    enum event_kind kind;
    enum side side;
    enum cause by;
    union {
#define EVENT(ENUM, member, name, doc, ...) struct ev_##member member;
#include "trace/events.def"
#undef EVENT
    };
};

const char *event_name(enum event_kind); /* "tcp.close" */
const char *event_doc(enum event_kind);
const char *side_name(enum side); /* "client", "server", "" */
enum side side_other(enum side);
const char *cause_name(enum cause); /* "endpoint", "fault", "proxy", "builtin" */

/* The catalogue's fields, for generated documentation. name NULL ends the list. */
struct event_field {
    const char *name, *type, *doc;
};
const struct event_field *event_fields(enum event_kind);

#endif
