/* "{env.NAME}" in the values of a target file. */
#ifndef HALFOPEN_SCENARIO_ENVIRONMENT_H
#define HALFOPEN_SCENARIO_ENVIRONMENT_H

#include <stddef.h>

#include "base/diag.h"
#include "scenario/yaml.h"

struct secrets {
    char **values; /* what came out of the environment: redacted wherever it would show */
    size_t count;
};

/* Substitutes in every scalar of the tree; a variable that is missing is an error. lookup is
 * getenv, or a test's own. */
void environment_expand(struct node *, char *(*lookup)(const char *name), struct secrets *,
                        struct diag *);
void secrets_fini(struct secrets *);

#endif
