/* The hooks of a target file: how to make the client act, and how to hear what its user hears. */
#ifndef HALFOPEN_SCENARIO_TARGET_HOOKS_H
#define HALFOPEN_SCENARIO_TARGET_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

enum hook_way { HOOK_BY_NOTHING, HOOK_BY_STDIN, HOOK_BY_HTTP, HOOK_BY_LOG, HOOK_BY_EXIT };

/* Texts may hold {n}, {index} and {port}. */
struct target_hook {
    enum hook_way way;  /* NOTHING: not declared */
    char *line;         /* STDIN: written to it, with a newline */
    char *method, *url; /* HTTP */
    char *pattern;      /* PCRE2. LOG: of a line of its output; HTTP: of the answer's body. state:
                           its first group is the state, else all; STDIN: of a line, likewise */
    int code;           /* EXIT; -1: any */
};

struct target_hooks {
    struct target_hook send, close, gave_up, state;
};

#define HOOK_LINE_LIMIT 1000 /* bytes: taken by a pipe whole or not at all, filled in too */

void target_hooks_fini(struct target_hooks *);
const char *hook_way_name(enum hook_way); /* "stdin"; "" for NOTHING */
/* Member "hooks" of run.start's target: which there are, and how; nothing when there are none. */
void target_hooks_write(const struct target_hooks *, struct json *);
bool target_hooks_use(const struct target_hooks *, enum hook_way);

struct hook_values {
    uint64_t number;
    unsigned index;
    uint16_t port;
};

/* {n}, {index} and {port} filled in; other braces stay. The caller frees. */
char *hook_filled(const char *written, const struct hook_values *);

#endif
