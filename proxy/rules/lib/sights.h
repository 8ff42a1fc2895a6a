/* What connections show to a rule that looks at each by itself: the worst of a client's counts, and
 * clients that show the same share one sentence. */
#ifndef HALFOPEN_RULES_LIB_SIGHTS_H
#define HALFOPEN_RULES_LIB_SIGHTS_H

#include "rules/lib/connection.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define SIGHTS_LIMIT 16

/* The first things to show in every rule; what else can be seen follows, in ascending weight. */
enum { SIGHT_NOTHING, SIGHT_OWN_CLIENT /* halfopen's, not under test */, SIGHT_FIRST };

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

/* All get the limits as they were given. */
struct sights_rule {
    int shows;                    /* one more than the weightiest; at most the limit */
    const enum verdict *verdicts; /* by show */
    /* what a connection of a client under test shows */
    struct sight (*look)(const struct trace *, const struct connection *, const void *limits);
    /* the sentence behind "the client" or "2 of 3 clients" */
    void (*add_sentence)(struct text *, const struct sights *, const void *limits);
    /* what was measured and is allowed, and the fix */
    void (*add_facts)(struct finding *, const struct sights *, const void *limits);
};

void sights_judge(const struct sights_rule *, const struct trace *, const void *limits,
                  struct findings *);

#endif
