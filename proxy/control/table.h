/* What a person sees while scenarios run: a live table on a terminal, plain lines otherwise. */
#ifndef HALFOPEN_CONTROL_TABLE_H
#define HALFOPEN_CONTROL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/results.h"

struct table;

/* quiet: prints nothing at all. name_width: of the longest name that will come. */
struct table *table_new(const char *heading, size_t name_width, bool quiet);
void table_free(struct table *); /* leaves the cursor below */
/* The rows that are still moving, each one line without its newline; redrawn in place on a
 * terminal, ignored elsewhere. */
void table_draw(struct table *, const char *const *rows, size_t count);
/* What a row begins with: name, clients, target time and real time. */
struct table_row {
    const char *name, *subject; /* subject: NULL: none */
    unsigned clients;
    nsec duration;
    double wall_s;
};
char *table_name(const struct table_row *); /* as it stands in the first column; caller frees */
void table_add_start(const struct table *, const struct table_row *, struct text *out);
/* A scenario that is done: stays. */
void table_done(struct table *, const struct scenario_result *);
/* A remark that stays ("interrupted; writing the report"). */
void table_say(struct table *, const char *line);
bool table_is_live(const struct table *);
bool table_is_quiet(const struct table *);

#endif
