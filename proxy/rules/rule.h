/* A rule: a pure function over a trace. It reads the trace and nothing else, holds only BY_ENDPOINT
 * against an endpoint, cites events, and gives what it measured beside what it allows. One rule is
 * one file whose descriptor is its name with _rule; the registry is generated from the folder. */
#ifndef HALFOPEN_RULES_RULE_H
#define HALFOPEN_RULES_RULE_H

#include "base/param.h"
#include "trace/declares.h"
#include "trace/trace.h"

/* In ascending order of how they merge within a scenario except that NOT_APPLICABLE and NOT_TESTED
 * never hide a decision: fail > inconclusive > warn > pass (DESIGN 2). */
enum verdict { NOT_APPLICABLE, NOT_TESTED, PASS, WARN, INCONCLUSIVE, FAIL };
enum level { MUST, SHOULD, ADVICE };
enum applies { APPLIES_CLIENT = 1, APPLIES_SERVER = 2, APPLIES_PATH = 4 };
/* What the limits of a rule are measured in (DESIGN 5, RULES 0): decides how fast it may be run. */
enum rule_clock { CLOCK_TIMER, CLOCK_WORK, CLOCK_KERNEL };
/* Whether a failure is confirmed by a second run before it is reported. */
enum certainty { DETERMINISTIC, STATISTICAL };

struct findings;
struct finding;

struct rule_desc {
    const char *name, *id; /* "reconnect.backoff", "RECON-02" */
    const char *title;     /* "Delays grow exponentially" */
    /* completes "This rule checks that ...": lower case, no full stop, <= 60 */
    const char *brief;
    const char *doc;     /* what is provoked, observed, allowed, and what to do about a failure */
    const char *source;  /* "RFC 6455 7.2.3"; none: doc argues for it */
    const char *example; /* YAML of an expect entry */
    enum level level;
    unsigned applies;
    enum rule_clock clock;
    enum certainty certainty;
    /* NEEDS(FAULT_ON) | ...: without one of each the verdict is inconclusive */
    uint64_t needs;
    /* enum declares, or-ed: without each of these in the target file not_tested, naming the line */
    unsigned declares;
    unsigned declares_any; /* likewise, but one of these is enough; 0: none is needed */
    uint64_t wants;        /* events the runner provides only on request: NEEDS(PROCESS_MEMORY) */
    /* a fault that silences a side (fault_desc.silences): the loader warns without one */
    bool needs_silence;
    const struct param *params; /* "": take it from the policy */
    size_t config_size;
    void (*check)(const struct trace *, const void *config, struct findings *out); /* pure */
};

#define NEEDS(KIND) ((uint64_t)1 << EV_##KIND)

extern const struct rule_desc *const all_rules[];          /* sorted by file name, NULL ends */
const struct rule_desc *rule_find(const char *name_or_id); /* NULL: none */
/* The same rule: assertions of scenarios are told apart by their names. */
bool rule_is(const struct rule_desc *, const struct rule_desc *);

const char *verdict_name(enum verdict); /* "not_applicable" ... as in results.json */
const char *level_name(enum level);
bool verdict_from_name(const char *, enum verdict *);
enum verdict verdict_worst(enum verdict a, enum verdict b); /* within a scenario */

/* --- Findings: what check() says. The text is one sentence with numbers that a developer
 * understands without the manual, no full stop at the end. The rule's verdict is the worst finding.
 * --- */
struct finding *finding_add(struct findings *, enum verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* NOT_APPLICABLE: the client is halfopen's own. */
void finding_own_client(struct findings *);
void finding_fix(struct finding *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What cannot be judged of a client that sends nothing: NOT_TESTED with the line to add, or, where
 * the scenario asked it to send, INCONCLUSIVE. */
struct finding *finding_sends_nothing(struct findings *, const struct trace *,
                                      const char *sentence);
/* The fix is a line to add to the target file. */
void finding_fix_line(struct finding *, enum declares);
/* seconds, bytes, counts, ratios */
void finding_measured(struct finding *, const char *key, double value);
void finding_allowed(struct finding *, const char *key, double value);
/* may be called again: widens */
void finding_evidence(struct finding *, uint64_t from_seq, uint64_t to_seq);
/* Lines shown under the finding in a fixed-width font ("retry  1  2 ..."); copied. */
void finding_table(struct finding *, const char *lines);

/* NOT_TESTED: what is missing and the line to add. */
void finding_lacks(struct findings *, const struct declaration *);

struct finding {
    enum verdict verdict;
    char *text, *fix, *table; /* fix, table: may be NULL */
    char *measured, *allowed; /* members of a JSON object without braces, or NULL */
    uint64_t from, to;        /* 0: nothing to cite */
    struct finding *next;
};

struct findings {
    struct finding *first, *last;
};

void findings_init(struct findings *);
void findings_fini(struct findings *);
/* INCONCLUSIVE when empty: it looked at nothing */
enum verdict findings_verdict(const struct findings *);
/* the first of the worst; NULL: empty */
const struct finding *findings_worst(const struct findings *);

/* What the rule needs of the target file and it does not give; NULL: nothing. */
const struct declaration *rule_lacks(const struct rule_desc *, unsigned declared);
/* Runs one rule with the guard every rule has: declarations present, needs present, trace not cut
 * of what it needs, nothing found means inconclusive. config: NULL takes the defaults. */
void rule_judge(const struct rule_desc *, const struct trace *, const void *config,
                struct findings *out);

#endif
