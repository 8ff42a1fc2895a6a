/* What the four backoff rules share: the delays of a trace's outage, estimated and gated, and the
 * words in which they are told. */
#ifndef HALFOPEN_RULES_LIB_BACKOFF_FACTS_H
#define HALFOPEN_RULES_LIB_BACKOFF_FACTS_H

#include "rules/lib/backoff_choice.h"
#include "rules/lib/backoff_gate.h"
#include "rules/rule.h"
#include "trace/attempts.h"

struct backoff_facts {
    struct outages outages;
    struct backoff_choice choice;
    nsec stable_after;
    struct backoff_policy policy;
    double speed;
    struct backoff estimate;
    struct backoff_gate gate;
    struct backoff_notes notes;
    size_t clients;  /* that lost their connection, or outages when these are of one client each */
    size_t returned; /* that made at least one attempt */
    size_t gave_up;  /* that stayed silent for so long that they will not come back, or exited */
    size_t exited;
    const char *how;   /* the first of them did: "exit 1"; NULL: none */
    double watched;    /* seconds, the longest that a client was watched after its loss */
    double unfinished; /* seconds, the longest wait above the limit of the cap that the end cut
                          short; 0: none */
    uint64_t from, to; /* evidence */
};

/* Parameters of all four rules; unset values come from the policy. */
struct backoff_config {
    nsec base, cap;
    double factor, jitter;
};

extern const struct param backoff_rule_params[];

/* false: there is nothing to estimate, and a finding says why. */
bool backoff_facts_of(const struct trace *, const struct backoff_config *, struct backoff_facts *,
                      struct findings *);
void backoff_facts_fini(struct backoff_facts *);

/* What the rules do with them. */
struct backoff_rule {
    /* adds the sentence too */
    enum verdict (*decide)(const struct backoff_facts *, struct text *);
    void (*say)(const struct backoff_facts *, struct findings *, enum verdict,
                const char *sentence);
};
void backoff_judge(const struct backoff_rule *, const struct trace *, const struct backoff_config *,
                   struct findings *);

/* "10 clients, 8 retries each" */
void backoff_facts_add_size(const struct backoff_facts *, struct text *);
/* Why there are not more, for an inconclusive one: "; 3 outages that came before a connection was
 * 5.00 s old cannot be used". */
void backoff_facts_add_left_out(const struct backoff_facts *, struct text *);
/* "; 10 clients with 8 retries each would decide it", or which noise would, for an inconclusive
 * one. */
void backoff_facts_add_enough(const struct backoff_facts *, const struct gated *, struct text *out);
/* Medians and spreads, index by index. */
void backoff_facts_add_table(const struct backoff_facts *, struct finding *);
/* Seconds as the reader likes them: "1.00 s", "16.0 s", "20 ms", "0.5 ms". */
void backoff_add_seconds(struct text *, double seconds);
/* As %s; the text lives until the words are used next. */
struct backoff_words {
    char chars[32];
};
const char *backoff_seconds(struct backoff_words *, double seconds);

#endif
