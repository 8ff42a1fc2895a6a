/* What the pieces of the HTML report share. */
#ifndef HALFOPEN_REPORTS_HTML_PARTS_H
#define HALFOPEN_REPORTS_HTML_PARTS_H

#include "base/text.h"
#include "reports/results.h"
#include "trace/trace.h"

extern const char html_style[]; /* the style sheet */

/* Text into HTML: <>&"' escaped, control bytes and broken UTF-8 replaced. NULL adds nothing. */
void html_add(struct text *, const char *);
/* The same for a sentence of ours, with its +- as one sign and its quantities unbroken. */
void html_add_sentence(struct text *, const char *);
/* The same for lines in columns: their +- keeps its width. */
void html_add_table(struct text *, const char *);
void html_add_badge(struct text *, enum verdict);

/* An inline picture of a run: a lane per client, fault windows shaded, steps along the top. */
void html_timeline(const struct trace *, struct text *);
/* The delay before each retry of each client, beside what the policy asks for. Nothing when the run
 * had no outage with retries. */
void html_delays(const struct trace *, struct text *);

/* The numbers that were asked, each with its origin, folded away. */
void html_policy(const struct results *, struct text *);

/* What played the endpoints: commands, what they took, where their output is. */
void html_processes(const struct scenario_result *, struct text *);

/* A rule in a scenario: what was found, measured beside allowed, fix, evidence. */
struct html_rule {
    const char *anchor; /* of the scenario */
    bool is_telling;  /* the one that decided over all scenarios: gets the rule's id as an anchor */
    bool shows_table; /* a table that an earlier rule of the scenario shows is not repeated */
};
void html_add_rule(const struct rule_result *, const struct html_rule *, const struct trace *,
                   struct text *);

#endif
