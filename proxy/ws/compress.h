/* Compressing messages for permessage-deflate (RFC 7692 7.2.1), for what speaks as an endpoint.
 * deflate.h reads what this writes. */
#ifndef HALFOPEN_WS_COMPRESS_H
#define HALFOPEN_WS_COMPRESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "ws/deflate.h"

#define COMPRESS_WINDOW_MIN 9 /* bits: 8 is legal, but zlib makes no such raw stream */

struct compress;

/* window_bits: as agreed, COMPRESS_WINDOW_MIN to DEFLATE_WINDOW_MAX. */
struct compress *compress_new(int window_bits, enum deflate_context);
void compress_free(struct compress *);
/* A piece of a message. Adds the payload it becomes to out, all of it with DEFLATE_LAST; then a new
 * message begins. */
void compress_feed(struct compress *, const void *bytes, size_t len, enum deflate_part,
                   struct text *out);

#endif
