/* What the loaders of scenarios, targets, profiles and suites share: members of mappings, values
 * with units, choices, and what is said about names nobody knows. All report to the diag and go
 * on. */
#ifndef HALFOPEN_SCENARIO_FIELDS_H
#define HALFOPEN_SCENARIO_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/nsec.h"
#include "base/param.h"
#include "scenario/yaml.h"

/* A name and what it is in messages: the key, else the text. */
const char *field_name(const struct node *);
/* The scalar as the file has it: what messages show, never a value from the environment. */
const char *field_written(const struct node *);
/* NULL: there is no such member (or no such mapping). Borrows. */
const struct node *field_find(const struct node *mapping, const char *key);
/* The same, and 'key' is missing is said, pointing at the mapping. */
const struct node *field_need(const struct node *mapping, const char *key, struct diag *);

/* Is it what it should be? false: said so, with an example of what is expected. */
bool field_is_mapping(const struct node *, const char *example, struct diag *);
bool field_is_list(const struct node *, const char *example, struct diag *);
bool field_is_scalar(const struct node *, const char *example, struct diag *);
bool field_is_empty(const struct node *); /* nothing, or {} */

/* Members that are in none of the lists (each ends with NULL; later may be NULL: understood by the
 * contract, refused by this version). whose: "a wait" as in "a wait has no 'untill'". */
void fields_check(const struct node *mapping, const char *const *known, const char *const *later,
                  const char *whose, struct diag *);
void field_refuse_later(const struct node *, struct diag *);

/* Values. false or -1: said so, nothing stored. */
bool field_param(const struct param *, const struct node *, void *config, struct diag *);
bool field_duration(const struct node *, nsec *, struct diag *);
bool field_flag(const struct node *, bool *, struct diag *);
bool field_count(const struct node *, const char *min, const char *max, uint64_t *, struct diag *);
int field_choice(const struct node *, const char *const *choices, struct diag *);
/* A copy the caller frees in place of *out; an absent node (NULL) leaves *out alone. */
bool field_copy(const struct node *, char **out, struct diag *);

/* Every member of the mapping that is in the table is set, others are refused, but for those in
 * beside; required ones that are absent are missed. */
void fields_params(const struct param *table, const struct node *mapping, void *config,
                   const char *const *beside, const char *whose, struct diag *);

/* "did you mean 'x'?" under the newest problem, when one name is near; where: " (halfopen list
 * faults)". */
void field_suggest(const char *written, const char *const *names, size_t count, const char *where,
                   struct diag *);
bool is_listed(const char *const *names, const char *name); /* names: NULL-terminated, or NULL */

#endif
