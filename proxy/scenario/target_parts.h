/* The parts of the target loader; only target*.c include this. */
#ifndef HALFOPEN_SCENARIO_TARGET_PARTS_H
#define HALFOPEN_SCENARIO_TARGET_PARTS_H

#include "scenario/fields.h"
#include "scenario/target.h"

void target_load_client(struct target *, const struct node *, struct diag *);
void target_load_server(struct target *, const struct node *, struct diag *);
void target_load_hooks(struct target *, const struct node *, struct diag *);
void target_load_rules(struct target *, const struct node *, struct diag *);

#endif
