/* What the target file says about rules: failures that are accepted until a day, and rules that
 * must be decided. */
#ifndef HALFOPEN_CONTROL_CLAIMS_H
#define HALFOPEN_CONTROL_CLAIMS_H

#include "core/plan.h"
#include "reports/results.h"
#include "scenario/target.h"

/* Marks what is accepted, and says of the rest who had accepted it. today: begins with 2027-01-31;
 * an accepted failure counts again from the day after its own. target: NULL accepts nothing. */
void claims_accept(const struct target *, const char *today, struct scenario_result *);

/* Which rules are to be decided. whole: all that the target file requires; else, where somebody
 * chose a part of the scenarios, those of them that are expected there. */
enum claims_extent { CLAIMS_WHOLE, CLAIMS_PART };
void claims_require(const struct target *, struct plan *const *, size_t count, enum claims_extent,
                    struct results *);

#endif
