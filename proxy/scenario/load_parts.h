/* The parts of the scenario loader; only load*.c and target*.c include this. */
#ifndef HALFOPEN_SCENARIO_LOAD_PARTS_H
#define HALFOPEN_SCENARIO_LOAD_PARTS_H

#include "core/plan.h"
#include "scenario/fields.h"

struct loader {
    struct plan *plan;
    struct diag *diag;
    const char **labels; /* borrowed from the steps or the file's nodes, in order */
    size_t label_count;
    unsigned clients; /* that take part; 0: as many as the file says */
    bool again;       /* steps that were read once before, by a repeat: their labels are theirs */
};

/* The whole of a scenario; file is what paths in it start from; clients: how many take part instead
 * of what it says, 0: as it says. NULL: said why. */
struct plan *load_plan(const char *file, const struct node *root, unsigned clients, struct diag *);
void load_steps(struct loader *, const struct node *list);
/* So many times, with a pause in between; the problems of a step are told once. */
void load_repeated(struct loader *, const struct node *list, uint64_t times, nsec pause);
void load_hook(struct loader *, const struct node *step, const struct node *body);
void load_signal(struct loader *, const struct node *step, const struct node *body);
void load_restart(struct loader *, const struct node *step, const struct node *body);
void load_request(struct loader *, const struct node *step, const struct node *body);
void load_prompt(struct loader *, const struct node *step, const struct node *body);
void load_route(struct loader *, const struct node *step, const struct node *body);
/* TERM, INT, ...: borrowed for ever. */
void load_signal_name(struct loader *, const struct node *, const char **out);
/* all, or {client: 0}. */
void load_which_clients(struct loader *, const struct node *, struct which_clients *);
void load_wait(struct loader *, const struct node *step, const struct node *body);
void load_fault(struct loader *, const struct node *step, const struct node *body,
                const struct fault_desc *);
void load_expect(struct loader *, const struct node *list);
/* message, close, attempts or never: an assertion of the scenario's own. step: what it stands in.
 */
void load_assertion(struct loader *, const struct node *step, const struct node *body);
bool is_assertion(const char *name);
/* One that says nothing, or a name that is near: said so. */
bool load_refuse_bare(struct loader *, const char *name, struct place at);
/* {from: client, match: '...'}: the watch it asks for. */
bool load_watch(struct loader *, const struct node *body, size_t *watch);

/* An option of a step, written beside its action or beneath it; twice is reported. NULL:
 * neither. */
const struct node *load_option(struct loader *, const struct node *step, const struct node *body,
                               const char *name);
/* The step can be referred to from now on. Borrows. */
void load_remember(struct loader *, const char *label);
/* What `as` says, copied: no step before has it, or that is said. */
void load_label(struct loader *, const struct node *as, char **out);
/* For a step without `as`: its name, with a number from the second such step on; the caller frees.
 */
char *load_usual_label(const struct loader *, const char *name);
/* Is some step before called so? false: said so. */
bool load_knows_label(struct loader *, const struct node *label);
/* {client: 0}: a number below the scenario's clients. */
bool load_client(struct loader *, const struct node *number, unsigned *out);

/* No rule is called so; names that are near. */
void load_refuse_rule(struct diag *, const char *written, struct place at);

char *words_of_step(const struct plan *, const struct step *); /* the caller frees */

#endif
