/* From what a message looks like to a PCRE2 pattern by which the next one is recognised. Digits,
 * long hexadecimal runs and UUIDs become classes; values that may be secret never stand in a
 * pattern. Every pattern compiles, matches all samples of its kind, and where that was asked none
 * of the other kinds. Pure. The caller frees. */
#ifndef HALFOPEN_CONTROL_MESSAGE_PATTERN_H
#define HALFOPEN_CONTROL_MESSAGE_PATTERN_H

#include "control/overheard.h"

/* By what tells it from the others that were heard: the member that names its type, else the whole
 * text, else its beginning. NULL: nothing does. */
char *message_pattern(const struct overheard *, const struct message_kind *);
/* Only by the member that names its type, which is no secret. NULL: it has none that tells. */
char *message_pattern_of_type(const struct overheard *, const struct message_kind *);
/* Whose first group is the number in the message with that event, and in the other samples of its
 * kind the number in the same place: '"id":(\d+)'. NULL: there is none. */
char *message_pattern_of_id(const struct message_kind *, uint64_t seq, const char *id);
/* By what it says of itself the message is about credentials: "type":"auth" and the like. */
bool message_says_auth(const struct message_kind *);
/* The member of a JSON object, nested or not, or the header of a STOMP frame, that is called like a
 * credential: its name, unquoted. NULL: none. */
char *message_secret_key(const struct message_kind *);

#endif
