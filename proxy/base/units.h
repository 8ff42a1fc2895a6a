/* Quantities as people write them: 40s, 1.5s, 200ms, 64KiB, 1MiB/s, 30%, 8. A number without its
 * unit is refused where a unit belongs. Parsing and printing are here and nowhere else. */
#ifndef HALFOPEN_BASE_UNITS_H
#define HALFOPEN_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"
#include "base/text.h"

/* Each returns true and stores the value, or false and leaves *why (static text that completes the
 * sentence "'delay' is 400: ...", e.g. "a duration needs a unit, as in 400ms"). Plain 0 is allowed
 * for durations and sizes. Units: ns us ms s m h d; B KiB MiB GiB kB MB GB; .../s; %. */
bool units_duration(const char *written, nsec *, const char **why);
bool units_size(const char *written, uint64_t *bytes, const char **why);
bool units_rate(const char *written, double *bytes_per_second, const char **why);
/* 30% or 0.3; from 0 to 1 unless bounded otherwise */
bool units_ratio(const char *written, double *, const char **why);
bool units_count(const char *written, uint64_t *, const char **why);

/* Printing: the shortest form a reader likes, three significant digits ("34.2 s", "200 ms"). */
void units_add_duration(struct text *, nsec);
void units_add_size(struct text *, uint64_t bytes);
void units_add_rate(struct text *, double bytes_per_second);
/* As it would be typed in YAML ("34.2s"): parsing gives the value back, exactly below 2^53 ns
 * (104 days). */
void units_add_duration_yaml(struct text *, nsec);

#endif
