/* What is wrong with something a user wrote: collected, sorted by position, printed with the line,
 * a caret and a suggestion. Errors never stop the first pass: the caller goes on and reports
 * all. */
#ifndef HALFOPEN_BASE_DIAG_H
#define HALFOPEN_BASE_DIAG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"

#define DIAG_LIMIT 20 /* problems printed; the rest are counted */

/* A place in a source text. line and column count from 1, columns in characters; line 0: the file
 * as a whole (printed "file: error: ..."), file NULL: the command line. width: characters
 * underlined. */
struct place {
    const char *file; /* diag copies it */
    int line, column, width;
};

struct diag;

struct diag *diag_new(void);
void diag_free(struct diag *);
/* The text the excerpts are cut from; copied. Without it no line and caret are printed. */
void diag_source(struct diag *, const char *file, const char *text, size_t len);
/* The same for a text typed on the command line: no "error:" and no line numbers. */
void diag_typed(struct diag *, const char *file, const char *text);
void diag_error(struct diag *, struct place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void diag_warning(struct diag *, struct place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One more line under the newest problem ("did you mean 'latency'? (halfopen list faults)"). */
void diag_hint(struct diag *, const char *format, ...) __attribute__((format(printf, 2, 3)));
int diag_errors(const struct diag *);
int diag_problems(const struct diag *);
/* All problems by file and position, then "6 problems, nothing was run" when there was an error.
 * Prints nothing when there are none. */
void diag_print(const struct diag *, FILE *);
void diag_add_text(const struct diag *, struct text *); /* the same into a string */

#endif
