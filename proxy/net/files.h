/* How many files, and so sockets, this program may have open: many systems grant 1024 unless asked
 * for more, and a proxied connection takes two. Children get what we were given: a program that
 * uses select() is safe with that only. */
#ifndef HALFOPEN_NET_FILES_H
#define HALFOPEN_NET_FILES_H

#include <sys/resource.h>

/* As many as may be had; before: what was granted. NULL: nobody wants to know. */
void files_raise(struct rlimit *before);
void files_restore(const struct rlimit *before); /* safe between fork and exec */

#endif
