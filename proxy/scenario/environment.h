/* "{env.NAME}" in the values of a target file. */
#ifndef HALFOPEN_SCENARIO_ENVIRONMENT_H
#define HALFOPEN_SCENARIO_ENVIRONMENT_H

#include <stddef.h>

#include "base/diag.h"
#include "scenario/yaml.h"
#include "ws/redact.h"

/* Substitutes in every scalar of the tree; a variable that is missing is an error. What came out of
 * the environment is a secret from then on; NULL: no secret. lookup is getenv, or a test's own. */
void environment_expand(struct node *, char *(*lookup)(const char *name), struct secrets *,
                        struct diag *);
/* Copies it, once. */
void secrets_remember(struct secrets *, const char *value);
void secrets_fini(struct secrets *);

#endif
