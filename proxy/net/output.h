/* What a process prints, in a file that stays small: its beginning, how much was left out, its end.
 */
#ifndef HALFOPEN_NET_OUTPUT_H
#define HALFOPEN_NET_OUTPUT_H

#include "net/loop.h"

#define OUTPUT_BEGINNING_BYTES ((size_t)1 << 20)
#define OUTPUT_END_BYTES       ((size_t)64 << 10)

struct output;

/* The file is emptied. *write_end is the caller's: for the process, and then to be closed. NULL:
 * errno says why. */
struct output *output_new(struct loop *, const char *path, int *write_end);
/* on_line as in base/lines.h. What was printed behind the last newline is a line once the process
 * has closed its output. */
void output_listen(struct output *, void (*on_line)(void *context, const char *line, size_t len),
                   void *context);
/* Everything printed so far is in the file when it returns. */
void output_settle(struct output *);
void output_free(struct output *); /* settles; what is printed later is lost */

#endif
