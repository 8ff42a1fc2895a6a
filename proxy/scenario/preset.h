/* A named set of facts for a fault that takes them: `intermediary: {profile: nginx}` reads
 * scenarios/intermediaries/nginx.yaml. A fact is the value of one parameter, how certain it is, or
 * that nobody knows it: then a scenario has to give it. A file has the fault's name as its first
 * key, so that it cannot be taken for another kind. */
#ifndef HALFOPEN_SCENARIO_PRESET_H
#define HALFOPEN_SCENARIO_PRESET_H

#include "fault/fault.h"
#include "scenario/fields.h"

struct preset_fact {
    const struct param *param;
    char *value;     /* as a user would write it; NULL: nobody knows */
    char *certainty; /* documented, measured or folklore */
};

struct preset {
    const struct fault_desc *fault;
    char *name, *story, *notes, *drain; /* drain and notes: NULL: none */
    struct preset_fact *facts;
    size_t fact_count;
    char **sources;
    size_t source_count;
};

/* All problems go to the diag. NULL: there were some. */
struct preset *preset_load(const char *path, const struct fault_desc *, struct diag *);
void preset_free(struct preset *);
/* Whether the file is one of that fault, by its first key. */
bool preset_is_for(const struct node *root, const struct fault_desc *);
const struct fault_desc *preset_fault_of(const struct node *root); /* NULL: of none */

void preset_apply(const struct preset *, void *config); /* sets what is known in it */
/* What nobody knows and the config, complete but for that, makes use of must be given in body, the
 * fault's mapping in a scenario; `profile` is the node that names the preset. */
void preset_need(const struct preset *, const void *config, const struct node *body,
                 const struct node *profile, struct diag *);

#endif
