/* What an earlier run came to, read back from its results.json: for --baseline and --last-failed.
 */
#ifndef HALFOPEN_CONTROL_EARLIER_H
#define HALFOPEN_CONTROL_EARLIER_H

#include "base/text.h"
#include "rules/rule.h"

struct earlier_rule {
    const struct rule_desc *rule; /* NULL: an assertion of the scenario's own */
    char *own;                    /* then its name */
    enum verdict verdict;         /* a failure that was never confirmed is INCONCLUSIVE */
};

struct earlier_scenario {
    char *name;
    char *file; /* as it may be given to `run` again; NULL: the name will do */
    bool whole; /* neither interrupted nor in trouble */
    struct earlier_rule *rules;
    size_t rule_count;
};

struct earlier {
    int exit_code;
    struct earlier_scenario *scenarios;
    size_t scenario_count;
};

/* written: a report folder, or a results.json. Rules that this version does not know are left out.
 * NULL: why it cannot be read. */
struct earlier *earlier_read(const char *written, struct text *why);
/* The same from bytes. name: for messages. */
struct earlier *earlier_parse(const char *name, const char *bytes, size_t len, struct text *why);
bool earlier_is(const struct earlier_rule *, const struct rule_desc *); /* the same rule */
void earlier_free(struct earlier *);

#endif
