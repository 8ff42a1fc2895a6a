/* How many clients fared alike, and the range of what was measured of them, for one sentence:
 * "2 of 3 clients ... after 31.0 to 39.8 s". */
#ifndef HALFOPEN_RULES_LIB_TALLY_H
#define HALFOPEN_RULES_LIB_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"
#include "base/text.h"

struct tally {
    size_t count;
    nsec least, most;
    uint64_t from, to; /* seq: the evidence of all of them */
};

void tally_add(struct tally *, nsec measured, uint64_t from, uint64_t to);
/* "the client", or "2 of 3 clients". */
void tally_add_who(const struct tally *, size_t of, struct text *out);
/* "31.0 s", or "31.0 to 39.8 s". */
void tally_add_range(const struct tally *, struct text *out);

#endif
