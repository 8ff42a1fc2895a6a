/* What was said on the connections of a watched client: the kinds of messages of both sides, with a
 * few samples of each. Lives in memory for as long as `init` runs and is written nowhere: a sample
 * may hold secrets. Messages are of one kind when they differ in numbers only (ws/signature.h);
 * words that are known for heartbeats are of a kind of their own. */
#ifndef HALFOPEN_CONTROL_OVERHEARD_H
#define HALFOPEN_CONTROL_OVERHEARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/event.h"

#define OVERHEARD_KINDS_LIMIT       64 /* of both sides; messages of further kinds are counted only */
#define OVERHEARD_SAMPLES_LIMIT     8
#define OVERHEARD_BYTES_LIMIT       ((size_t)1024) /* of a sample */
#define OVERHEARD_TIMES_LIMIT       256            /* the newest */
#define OVERHEARD_CONNECTIONS_LIMIT 1024           /* whose first message is known for one */

struct sample {
    uint64_t seq; /* of its event */
    uint8_t *bytes;
    size_t len;
};

struct message_kind {
    enum side from;
    enum cause by;
    const char *word; /* "ping" or "pong" when it is known for one, else "" */
    bool text, whole; /* whole: no sample is longer than what is kept of it */
    uint8_t *masked;
    size_t masked_len;
    uint64_t count, bytes;
    uint64_t openings; /* how often it was the first message of its side on a connection */
    struct sample samples[OVERHEARD_SAMPLES_LIMIT]; /* the first ones */
    size_t sample_count;
    nsec times[OVERHEARD_TIMES_LIMIT];
    size_t time_count;
};

struct overheard {
    struct message_kind *kinds[OVERHEARD_KINDS_LIMIT];
    size_t count;
    uint64_t others; /* messages of kinds beyond the limit */
    /* By enum side: the connections on which it said something, a bit each. */
    uint64_t spoke[3][OVERHEARD_CONNECTIONS_LIMIT / 64];
};

void overheard_note(struct overheard *, const struct event *, const uint8_t *bytes, size_t len);
void overheard_fini(struct overheard *);
/* The kind to which the message with that event belongs, as far as it was kept; NULL: unknown. */
const struct message_kind *overheard_find(const struct overheard *, uint64_t seq);

#endif
