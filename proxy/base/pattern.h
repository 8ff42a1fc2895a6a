/* A PCRE2 pattern over bytes: no UTF mode, so that whatever an endpoint sends can be looked at. */
#ifndef HALFOPEN_BASE_PATTERN_H
#define HALFOPEN_BASE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct pattern;

/* NULL: why says what is wrong and where, "no pattern (PCRE2), missing closing parenthesis after 3
 * characters". */
struct pattern *pattern_new(const char *written, struct text *why);
/* Of one that was compiled before, by whoever declared it. NULL of NULL. */
struct pattern *pattern_known(const char *written);
void pattern_free(struct pattern *); /* NULL is fine */
const char *pattern_written(const struct pattern *);
/* Anywhere in the bytes. A pattern that backtracks beyond all bounds does not match. */
bool pattern_matches(const struct pattern *, const void *bytes, size_t len);
size_t pattern_groups(const struct pattern *);
/* What the first group matched, as a part of the bytes. false: no match, or without that group. */
bool pattern_find(const struct pattern *, const void *bytes, size_t len, size_t *from,
                  size_t *found_len);

#endif
