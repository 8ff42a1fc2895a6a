/* The parts of the target loader; only target*.c include this. */
#ifndef HALFOPEN_SCENARIO_TARGET_PARTS_H
#define HALFOPEN_SCENARIO_TARGET_PARTS_H

#include "scenario/fields.h"
#include "scenario/target.h"

void target_load_client(struct target *, const struct node *, struct diag *);
void target_load_server(struct target *, const struct node *, struct diag *);
void target_load_codes(struct target *, const struct node *, struct diag *);
void target_load_hooks(struct target *, const struct node *, struct diag *);
void target_load_auth(struct target *, const struct node *, struct diag *);
void target_free_auth(struct target *);
void target_apply_auth(const struct target *, struct plan *);
void target_load_sessions(struct target *, const struct node *, struct diag *);
void target_free_sessions(struct target *);
void target_apply_sessions(const struct target *, struct plan *);
/* A PCRE2 pattern that compiles. node: NULL is fine. */
void target_load_pattern(const struct node *, char **out, struct diag *);
/* A copy in the place of what was there; with: NULL leaves it. */
void target_replace(char **where, const char *with);
void target_load_rules(struct target *, const struct node *, struct diag *);

#endif
