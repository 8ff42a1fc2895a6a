/* Memory. Exhaustion aborts the program with a message: there are no half-tested recovery paths. */
#ifndef HALFOPEN_BASE_MEM_H
#define HALFOPEN_BASE_MEM_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size); /* zeroed */
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);
char *xprintf(const char *format, ...) __attribute__((format(printf, 1, 2))); /* caller frees */

#endif
