/* Whether clients come back after their connection ended without a Close: nobody said goodbye. */
#ifndef HALFOPEN_RULES_LIB_RETURNS_H
#define HALFOPEN_RULES_LIB_RETURNS_H

#include "rules/rule.h"

#define RETURNS_WITHIN (60 * NSEC_PER_SEC) /* longer than the longest delay between retries */

struct returns {
    size_t lost, back, stayed; /* connections; what is neither back nor stayed was not watched */
    nsec waited;               /* the longest that one stayed away */
    const char *exit;          /* how the process of one that stayed ended meanwhile, or NULL */
    uint64_t from, to;         /* of all losses */
    uint64_t stayed_from, stayed_to;
};

/* Of open connections that a fault cut without a Close: how: of the cut ("truncate"), or "" for
 * any. */
void returns_of(const struct trace *, const char *how, struct returns *out);
/* The finding about those that stayed away. false: there is none, and nothing is said. */
bool returns_judge(const struct trace *, const char *how, struct findings *out);

#endif
