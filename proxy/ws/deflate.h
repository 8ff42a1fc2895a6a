/* Inflating permessage-deflate (RFC 7692 7.2.2) to look at messages that pass: one inflater for
 * each direction. Output and work have limits for each message. */
#ifndef HALFOPEN_WS_DEFLATE_H
#define HALFOPEN_WS_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Beyond what is kept inflating goes on, for the sake of the context, until a message is this
 * long. */
#define DEFLATE_MESSAGE_LIMIT ((uint64_t)16 << 20)

#define DEFLATE_WINDOW_MAX 15 /* bits */

enum deflate_context { DEFLATE_CONTEXT_KEPT, DEFLATE_CONTEXT_RESET }; /* takeover or not */

enum deflate_part { DEFLATE_PART, DEFLATE_LAST }; /* is it the end of the message */

enum deflate_result {
    DEFLATE_OK,      /* out has all of it so far */
    DEFLATE_CUT,     /* out has the first cap bytes, the rest was inflated and thrown away */
    DEFLATE_TOO_BIG, /* longer than DEFLATE_MESSAGE_LIMIT: no longer inflated */
    DEFLATE_BROKEN,  /* not a deflate stream: no longer inflated */
    DEFLATE_LOST     /* an earlier message was not inflated to its end, and this needs it */
};

struct deflate;

/* window_bits: as negotiated, 8 to 15. */
struct deflate *deflate_new(int window_bits, enum deflate_context);
void deflate_free(struct deflate *);
/* A piece of a compressed message's payload, unmasked. Adds what it inflates to out as long as this
 * message gave at most cap bytes. The result is the message's so far; after DEFLATE_LAST a new
 * message begins. */
enum deflate_result deflate_feed(struct deflate *, const uint8_t *bytes, size_t len,
                                 enum deflate_part, struct text *out, size_t cap);
uint64_t
deflate_message_len(const struct deflate *); /* of the newest message, as far as inflated */

#endif
