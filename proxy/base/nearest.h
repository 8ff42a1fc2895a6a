/* "Did you mean": the one candidate within optimal-string-alignment distance max(1, length / 3). */
#ifndef HALFOPEN_BASE_NEAREST_H
#define HALFOPEN_BASE_NEAREST_H

#include <stddef.h>

/* NULL when none is near enough or two are equally near. Returns a pointer out of names. */
const char *nearest_name(const char *written, const char *const *names, size_t count);

#endif
