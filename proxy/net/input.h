/* Our own standard input, line by line, for the reference client's hooks. */
#ifndef HALFOPEN_NET_INPUT_H
#define HALFOPEN_NET_INPUT_H

#include "net/loop.h"

struct input;

/* on_line as in base/lines.h, in a turn of the loop. Nothing more is said once it has ended. */
struct input *input_new(struct loop *, void (*on_line)(void *context, const char *line, size_t len),
                        void *context);
void input_free(struct input *); /* NULL is fine */

#endif
