/* Words that sentences of findings are made of. */
#ifndef HALFOPEN_RULES_LIB_WORDS_H
#define HALFOPEN_RULES_LIB_WORDS_H

#include "rules/lib/tally.h"

/* "before", a duration, "behind". */
void words_add_time(struct text *, const char *before, nsec time, const char *behind);
/* "before", the range of what was measured, "behind". */
void words_add_range(struct text *, const char *before, const struct tally *, const char *behind);

/* Of a client whose pings are messages of its application, with no server that knows them. */
extern const char words_mute_server[];

#endif
