/* Lists and explanations, derived from the descriptors of rules, faults, flaws and the bundled
 * files. */
#ifndef HALFOPEN_CONTROL_CATALOGUE_H
#define HALFOPEN_CONTROL_CATALOGUE_H

#include <stdbool.h>

#include "base/json.h"
#include "base/text.h"
#include "rules/rule.h"

void catalogue_rules_text(struct text *);
void catalogue_rules_json(struct json *);
void catalogue_faults_text(struct text *);
void catalogue_faults_json(struct json *);
void catalogue_scenarios_text(struct text *);
void catalogue_scenarios_json(struct json *);
void catalogue_suites_text(struct text *);
void catalogue_suites_json(struct json *);
void catalogue_profiles_text(struct text *);
void catalogue_profiles_json(struct json *);
void catalogue_intermediaries_text(struct text *);
void catalogue_intermediaries_json(struct json *);
void catalogue_flaws_text(struct text *);
void catalogue_flaws_json(struct json *);

/* A rule (by name or id), a fault, a step, a flaw, an intermediary, a profile, a suite, a scenario,
 * or `exit`, in full. false: nothing is called that; near is a name to suggest, which the caller
 * frees, or NULL. */
bool catalogue_explain(const char *name, struct text *out, char **near);

/* A step that is no fault; false: none is called so. */
bool catalogue_explain_step(const char *name, struct text *out);
/* An intermediary in full; false: none is called so. */
bool catalogue_explain_intermediary(const char *name, struct text *out);
/* A profile, a suite or a scenario that comes along; false: none is called so. */
bool catalogue_explain_file(const char *name, struct text *out);
/* The name of one that is near, intermediaries among them; the caller frees. NULL: none is. */
char *catalogue_nearest_file(const char *name);
const char *catalogue_applies(unsigned applies); /* "client and server" */
/* A line for each thing the rule needs of the target file, with what to add. */
void catalogue_declares(const struct rule_desc *, struct text *);
/* Prose folded at word boundaries. */
void catalogue_fold(struct text *out, const char *prose, int indent, int width);

#endif
