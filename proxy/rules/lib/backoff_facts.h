/* What the four backoff rules share: the delays of a trace's outage, estimated. */
#ifndef HALFOPEN_RULES_LIB_BACKOFF_FACTS_H
#define HALFOPEN_RULES_LIB_BACKOFF_FACTS_H

#include "rules/lib/retry.h"
#include "rules/rule.h"
#include "trace/attempts.h"

struct backoff_facts {
    struct outages outages;
    const struct outage *outage; /* the one with the most retries; NULL: none happened */
    struct retry_policy policy;
    struct retry_delays delays;
    struct retry_estimates estimate;
    bool repeated;   /* one client, several outages: each stands for a client */
    size_t clients;  /* that lost their connection */
    size_t returned; /* that made at least one attempt */
    size_t reopened;
    double watched;    /* seconds, the longest that a client was watched after its loss */
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

/* "10 clients, 8 retries each" */
void backoff_facts_add_size(const struct backoff_facts *, struct text *);
/* Medians and spreads, index by index. */
void backoff_facts_add_table(const struct backoff_facts *, struct finding *);
/* Seconds as the reader likes them: "1.00 s", "16.0 s", "20 ms". */
void backoff_add_seconds(struct text *, double seconds);

#endif
