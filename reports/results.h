/* What a run came to: filled by judging, read by every report writer. Owns its strings. */
#ifndef HALFOPEN_REPORTS_RESULTS_H
#define HALFOPEN_REPORTS_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"
#include "base/text.h"
#include "rules/own.h"
#include "trace/trace.h"

/* How a finding compares with an earlier run's (--baseline). */
enum baseline { BASELINE_NONE, BASELINE_SAME, BASELINE_WORSE, BASELINE_NEW, BASELINE_BETTER };

struct rule_result {
    const struct rule_desc *rule;
    struct own_rule *own; /* what rule belongs to when it is an assertion of the scenario */
    enum verdict verdict;
    char *summary;            /* one sentence with numbers */
    char *fix, *table;        /* NULL: none */
    char *measured, *allowed; /* JSON objects */
    uint64_t from, to;        /* evidence: seq; 0: none */
    bool confirmed;           /* a failure that a second run repeated, or that needs no second */
    bool accepted;            /* a failure the target file accepts: does not count */
    char *acceptance;         /* by whom, until when and why, or that it is over; NULL: nothing */
    enum baseline baseline;
    char *note; /* "not repeatable: ...", NULL: none */
};

/* A process of ours that played an endpoint. */
struct process_result {
    char *role, *command, *output, *how, *version; /* how: "" while it ran; version: "" none */
    int client;                                    /* -1: the server */
    uint64_t pid, memory;
    nsec cpu; /* real */
    bool measured;
};

struct scenario_result {
    char *name, *story, *file;
    bool bundled;         /* comes with halfopen: found by its name */
    char *subject;        /* who was tested, when a run tests several; NULL: one */
    enum verdict verdict; /* the worst of its rules */
    nsec duration;        /* target time */
    double wall_s, speed;
    double estimate_s; /* of wall_s, before it began */
    uint64_t seed;
    unsigned clients;
    bool repeated;  /* ran a second time */
    bool confirmed; /* ... and failed again */
    uint64_t second_seed;
    char *trace, *sha256; /* path relative to the report folder */
    char *second_trace;   /* NULL: none */
    char *again;          /* the command that repeats it; NULL: not known */
    char *trouble;        /* the environment failed: why, in full; NULL: none */
    char *speed_note;     /* why it ran at speed 1; NULL: as asked */
    char *replaced; /* faults that this machine did not allow and what stood in for them; NULL */
    bool interrupted;
    nsec noise;
    struct rule_result *rules;
    size_t rule_count;
    struct process_result *processes;
    size_t process_count;
};

/* One line per rule over all scenarios. */
struct rule_summary {
    const struct rule_desc *rule;
    enum verdict verdict; /* fail > warn > pass > inconclusive > not_tested > not_applicable */
    bool excused;         /* each finding with this verdict is */
};

struct results {
    char *version, *started;                 /* RFC 3339 */
    char *system, *target, *suite, *profile; /* what is under test, in words; NULL: not said */
    char *target_json;                       /* object, redacted */
    char *policy_json; /* each value with its origin, as in run.start; NULL: not known */
    double wall_s, speed;
    uint64_t seed;
    nsec noise;
    bool strict, interrupted;
    int exit_code;
    unsigned cores;
    char *host; /* kernel and machine in words */
    struct scenario_result *scenarios;
    size_t scenario_count;
    struct rule_summary *rules; /* sorted by name */
    size_t rule_count;
    const struct rule_desc **required; /* what the target file wants decided */
    size_t required_count;
};

struct results *results_new(void);
void results_free(struct results *);
/* Zeroed; borrowed until the next add. */
struct scenario_result *results_add_scenario(struct results *);
struct rule_result *scenario_add_rule(struct scenario_result *);
void process_result_fini(struct process_result *);
/* The processes that the trace tells of. */
void scenario_note_processes(struct scenario_result *, const struct trace *);
void scenario_result_fini(struct scenario_result *); /* frees what it owns */
/* Fills rules, each scenario's verdict and exit_code from what is there (DESIGN 4). Called once,
 * last. */
void results_conclude(struct results *);
size_t results_count(const struct results *, enum verdict); /* over rules */
void results_require(struct results *, const struct rule_desc *);
/* The verdict over all scenarios; NOT_TESTED when no scenario judged it. */
enum verdict results_verdict(const struct results *, const struct rule_desc *);
bool results_is_undecided(const struct results *,
                          const struct rule_desc *); /* not pass, warn, fail */

/* --- The whole at a glance --- */

const char *results_exit_words(const struct results *); /* what exit_code means */
/* "Complied, with 2 SHOULD failures and 1 warning". */
void results_add_headline(const struct results *, struct text *out);
/* PASS only where nothing is to be said against the endpoint; WARN: complied, but. */
enum verdict results_tone(const struct results *);

/* --- What is known already --- */

const char *baseline_name(enum baseline);         /* "same" as in results.json */
bool rule_is_known(const struct rule_result *);   /* no worse than in the baseline */
bool rule_is_excused(const struct rule_result *); /* spoils no run: accepted or known */
/* Over all scenarios: the worst of the findings that make the rule's verdict. */
enum baseline results_baseline(const struct results *, const struct rule_summary *);
bool rule_fails_run(const struct rule_result *, bool strict);
/* "accepted until 2027-01-31 by rt-team: RT-8812; known: ..."; NULL: nothing to say. Caller frees.
 */
char *rule_remark(const struct rule_result *);

/* --- Writers. folder ends without a slash; each says false with errno when it could not write. ---
 */
bool report_json(const struct results *, const char *folder);  /* results.json */
bool report_junit(const struct results *, const char *folder); /* junit.xml */
/* index.html; traces are read back from the folder for the timelines. */
bool report_html(const struct results *, const char *folder);
void results_add_json(const struct results *, struct text *out); /* for --json */
/* What a person sees after the run: findings, the tally, where the report is (DESIGN 4). */
enum ink { INK_PLAIN, INK_COLOUR };
void report_text(const struct results *, const char *folder, enum ink, struct text *out);
void report_durations(const struct results *, struct text *out);
/* Annotations of a GitHub workflow, a line each: an error for each rule that fails the run, for
 * each scenario in trouble and each required rule that is undecided; warnings for what else failed
 * or stayed open. */
void report_github(const struct results *, struct text *out);

#endif
