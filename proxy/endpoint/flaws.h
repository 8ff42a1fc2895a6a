/* The mistakes the built-in endpoints can be told to make, by name: what rules are tested with. */
#ifndef HALFOPEN_ENDPOINT_FLAWS_H
#define HALFOPEN_ENDPOINT_FLAWS_H

#include <stdbool.h>

#include "endpoint/endpoint_policy.h"

#define FLAW_CHANGES_LIMIT 3

struct flaw {
    const char *name, *brief;
    struct {
        const char *parameter, *value;
    } changes[FLAW_CHANGES_LIMIT]; /* ends with a NULL parameter when shorter */
};

/* Sorted by name, ended by a NULL name. */
extern const struct flaw client_flaws[];
extern const struct flaw server_flaws[];

/* Changes the policy as the flaw says. false: no flaw of that name, nothing is changed. */
bool client_flaw_apply(struct client_policy *, const char *name);
bool server_flaw_apply(struct server_policy *, const char *name);

#endif
