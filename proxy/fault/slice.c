/* slice: the stream arrives in small pieces. */
#include "fault/fault.h"

#define PIECES_AT_ONCE 256 /* without a delay; then other connections get their turn */

struct slice {
    uint64_t size, variation;
    nsec delay;
};

struct stream {
    uint64_t next; /* size of the next piece; 0: not drawn */
    nsec after;    /* it may go then */
    nsec instant;
    unsigned pieces; /* in that instant */
};

struct slice_state {
    struct stream streams[DIRS];
};

static const struct param params[] = {
    P_SIZE(slice, size, .def = "1B", .min = "1B", .max = "1GiB", .doc = "of a piece, on average"),
    P_SIZE(slice, variation, .def = "0B", .min = "0B", .max = "1GiB",
           .doc = "how much larger or smaller a piece may be, evenly spread"),
    P_DURATION(slice, delay, .def = "1ms", .min = "0s", .max = "1h",
               .doc = "between two pieces; 0: each is a write of its own, at once"),
    P_END,
};

static uint64_t draw(struct fault *f)
{
    const struct slice *cfg = fault_config(f);
    int64_t variation = (int64_t)cfg->variation;
    int64_t size = (int64_t)cfg->size + rng_between(fault_rng(f), -variation, variation);
    return size > 0 ? (uint64_t)size : 1;
}

static void note_piece(struct fault *f, struct stream *stream)
{
    const struct slice *cfg = fault_config(f);
    bool same = stream->instant == fault_now(f);
    stream->instant = fault_now(f);
    stream->pieces = same ? stream->pieces + 1 : 1;
    stream->next = 0;
    stream->after = nsec_add(fault_now(f), cfg->delay);
    if (cfg->delay == 0 && stream->pieces >= PIECES_AT_ONCE)
        stream->after = fault_now(f) + 1;
}

static void cut_up(struct fault *f, struct unit *u)
{
    struct slice_state *state = fault_state(f);
    struct stream *stream = &state->streams[u->dir];
    if (stream->after > fault_now(f)) {
        fault_ask_later(f, u, stream->after);
        return;
    }
    if (stream->next == 0)
        stream->next = draw(f);
    if (u->len > stream->next)
        fault_split(f, u, stream->next);
    note_piece(f, stream);
    fault_pass(f, u);
}

const struct fault_desc slice_fault = {
    .layer = LAYER_BYTES,
    .name = "slice",
    .brief = "deliver the stream in small pieces",
    .doc =
        "TCP may cut a stream anywhere, and a busy path does: heads, frames and characters arrive in "
        "pieces, each in a write of its own, with a delay between them. Nothing is lost or changed. "
        "A good endpoint does not notice: it keeps half a frame head, half a handshake and half a "
        "UTF-8 character until the rest is there (RFC 6455 5.2, 8.1), and its timeouts count from "
        "what it heard last, not from a whole message.",
    .example = "slice: {size: 1B, delay: 5ms}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct slice),
    .state_size = sizeof(struct slice_state),
    .ops = {.on_bytes = cut_up},
};
