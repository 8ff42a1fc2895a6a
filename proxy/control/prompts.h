/* What scenarios ask a person to do: one at a time on the terminal, each done when Enter is
 * pressed. */
#ifndef HALFOPEN_CONTROL_PROMPTS_H
#define HALFOPEN_CONTROL_PROMPTS_H

#include "control/table.h"
#include "net/loop.h"

struct prompts;

/* Keeps the table. Input is read from the first question on. */
struct prompts *prompts_new(struct loop *, struct table *);
/* Nobody is asked any more, and the table may go. */
void prompts_close(struct prompts *);
void prompts_free(struct prompts *); /* NULL is fine */
/* on_done: in a turn of the loop, once. name: of the scenario; both are copied. */
void prompts_ask(struct prompts *, void *who, const char *name, const char *text,
                 void (*on_done)(void *who));
void prompts_withdraw(struct prompts *, void *who); /* no on_done; NULL prompts are fine */

#endif
