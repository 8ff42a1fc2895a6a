/* The target file that `init` writes: what was learned as lines that hold, what is a guess or a
 * choice as lines behind a '#', each with the reason. */
#ifndef HALFOPEN_CONTROL_INIT_FILE_H
#define HALFOPEN_CONTROL_INIT_FILE_H

#include "control/lessons.h"

struct init_facts {
    const char *client, *server, *server_command; /* as given; NULL: not */
    const char *system;                           /* name of what is tested */
    const char *date;                             /* 2026-01-31 */
    const char *target; /* path and query that the client's URL was given */
    bool tls, insecure;
    const struct policy *asked;
    const struct lessons *lessons;
};

void init_file_write(const struct init_facts *, struct text *out);
/* .github/workflows/halfopen.yml; output: the path of the target file. */
void init_workflow_write(const struct init_facts *, const char *output, struct text *out);
/* What was learned in a few lines, for the terminal. */
void init_summary_write(const struct init_facts *, struct text *out);

/* A YAML scalar in quotes; chars is UTF-8. */
void init_add_quoted(struct text *out, const char *chars);

#endif
