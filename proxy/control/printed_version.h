/* The version number that a program prints of itself when it starts, if it does. */
#ifndef HALFOPEN_CONTROL_PRINTED_VERSION_H
#define HALFOPEN_CONTROL_PRINTED_VERSION_H

#include <stddef.h>

#define PRINTED_VERSION_BYTES ((size_t)4096) /* of its output that are looked at */

/* "1.2.3-rc.1" of "app v1.2.3-rc.1 is listening"; the caller frees. NULL: there is none. Numbers
 * that are addresses, durations or dates are none. */
char *printed_version(const char *output, size_t len);
/* Of the beginning of that file. */
char *printed_version_in(const char *path);

#endif
