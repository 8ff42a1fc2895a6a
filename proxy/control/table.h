/* What a person sees while scenarios run: a live table on a terminal, plain lines otherwise. */
#ifndef HALFOPEN_CONTROL_TABLE_H
#define HALFOPEN_CONTROL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/results.h"

struct table;

/* quiet: prints nothing at all. */
struct table *table_new(const char *heading, bool quiet);
void table_free(struct table *); /* leaves the cursor below */
/* The rows that are still moving, each one line without its newline; redrawn in place on a
 * terminal, ignored elsewhere. */
void table_draw(struct table *, const char *const *rows, size_t count);
/* A scenario that is done: stays. */
void table_done(struct table *, const struct scenario_result *);
/* A remark that stays ("interrupted; writing the report"). */
void table_say(struct table *, const char *line);
bool table_is_live(const struct table *);

#endif
