/* A profile: the numbers asked of endpoints, under a name. scenarios/profiles/default.yaml holds
 * the required ones; teams write their own, over the default or over the one they name as base; a
 * target file's policy overrides single values. */
#ifndef HALFOPEN_SCENARIO_PROFILE_H
#define HALFOPEN_SCENARIO_PROFILE_H

#include <stddef.h>

#include "base/diag.h"
#include "scenario/yaml.h"
#include "trace/policy.h"

struct profile {
    char *name;
    char *story; /* NULL: none */
    struct policy policy;
    char **origins; /* per row of policy_params: "default profile", "target file" */
};

struct profile *profile_new(void); /* the built-in defaults, called default */
void profile_free(struct profile *);
/* NULL: said why. */
struct profile *profile_load(const char *path, struct diag *);
struct profile *profile_parse(const char *file, const char *text, size_t len, struct diag *);

/* A policy as written: one text per row of policy_params, NULL where nothing was given. */
char **policy_written_new(void);
void policy_written_free(char **written);
/* Reads {ping: 25s, backoff: {base: 1s}}; what is wrong is said and left out. */
void policy_written_load(const struct node *mapping, char **written, struct diag *);
/* Each value given replaces the profile's and gets that origin. */
void profile_override(struct profile *, char *const *written, const char *origin);

#endif
