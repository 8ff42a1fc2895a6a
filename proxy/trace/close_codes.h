/* What the close codes of a server mean, as its target file says: for good, or come back. */
#ifndef HALFOPEN_TRACE_CLOSE_CODES_H
#define HALFOPEN_TRACE_CLOSE_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

#define CLOSE_CODES_LIMIT 16 /* of either kind */

struct close_codes {
    uint16_t final[CLOSE_CODES_LIMIT], retry[CLOSE_CODES_LIMIT];
    size_t final_count, retry_count;
};

size_t close_codes_count(const struct close_codes *);
/* All of them in turn, the final ones first; 0: there are none. */
uint16_t close_codes_nth(const struct close_codes *, size_t nth);
bool close_code_is_final(const struct close_codes *, uint64_t code);
bool close_code_is_retry(const struct close_codes *, uint64_t code);
/* Member "close_codes" of run.start's target; nothing when there are none. */
void close_codes_write(const struct close_codes *, struct json *);
void close_codes_read(struct close_codes *, const char *json); /* all of run.start's target */

#endif
