/* What connections show to a rule that looks at each by itself: the worst of a client's counts, and
 * clients that show the same share one sentence. */
#ifndef HALFOPEN_RULES_LIB_SIGHTS_H
#define HALFOPEN_RULES_LIB_SIGHTS_H

#include "rules/lib/connection.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define SIGHTS_LIMIT 16

/* show numbers what can be seen from 1, in ascending weight; 0 is nothing at all. */
struct sight {
    int show;
    nsec measured; /* what its sentence gives a range of; the greater of two alike is kept */
    uint64_t from, to;
};

/* The clients that show one thing. */
struct sights {
    int show;
    struct tally tally;
    size_t clients; /* of which the tally counts some */
};

/* look: what one connection shows. report: adds the finding of those that show the same. Both get
 * the limits as they were given. */
struct sights_rule {
    int shows; /* one more than the weightiest; at most the limit */
    struct sight (*look)(const struct trace *, const struct connection *, const void *limits);
    void (*report)(struct findings *, const struct sights *, const void *limits);
};

void sights_judge(const struct sights_rule *, const struct trace *, const void *limits,
                  struct findings *);

#endif
