/* What this process says on the report page (page.h). Without a page everything here does
 * nothing. */
#ifndef HALFOPEN_PRELOAD_REPORT_H
#define HALFOPEN_PRELOAD_REPORT_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Maps the page and claims a slot, after exec the one it had. flags: enum page_flags. */
void report_open(uint32_t flags, double speed);
/* Claims another slot for a forked child, which inherits the mapping and the clock. */
void report_forked(void);

void report_handled(void);
void report_unhandled(const char *name); /* a timed call at a speed it should not have */
void report_kernel(const char *name);    /* a timer of the kernel's that stays at real speed */

#pragma GCC visibility pop

#endif
