/* A scenario file (DESIGN 4) becomes a plan. All problems of the file are reported at once; with
 * one error there is no plan. */
#ifndef HALFOPEN_SCENARIO_LOAD_H
#define HALFOPEN_SCENARIO_LOAD_H

#include <stddef.h>

#include "base/diag.h"
#include "core/plan.h"

/* NULL: said why. The caller frees the plan. */
struct plan *scenario_load(const char *path, struct diag *);
/* For so many clients instead of what it says, at most PLAN_CLIENTS_LIMIT; 0: as it says. */
struct plan *scenario_load_for(const char *path, unsigned clients, struct diag *);
/* The same from memory; file is the name in messages. */
struct plan *scenario_parse(const char *file, const char *text, size_t len, struct diag *);
/* Of faults given in a line, each a step: 'drop: {for: 3s}', or in words, 'drop for=3s'. option
 * ("--fault") is what messages call them by, with the text as it was typed. */
struct plan *scenario_of_faults(const char *option, const char *const *texts, size_t count,
                                struct diag *);

#endif
