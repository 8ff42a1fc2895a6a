/* corrupt: bits flip on the way. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fault/fault.h"

enum where { WHERE_PAYLOAD, WHERE_FRAMES, WHERE_ALL };

struct corrupt {
    double ratio;
    uint64_t every, bits;
    int where;
};

struct stream {
    uint64_t good; /* bytes that are left alone before the next is hit */
    bool drawn;
    size_t head_left; /* of the head of the frame under way, not seen yet */
};

struct corrupt_state {
    struct stream streams[DIRS];
};

static const char *const wheres[] = {"payload", "frames", "all", NULL};

static const struct param params[] = {
    P_RATIO(corrupt, ratio, .def = "0.1%", .min = "0%", .max = "100%",
            .doc = "how many of the bytes are hit, at random"),
    P_COUNT(corrupt, every, .def = "0", .min = "0", .max = "1000000000000",
            .doc = "instead: exactly every so manieth byte; 0: by ratio"),
    P_COUNT(corrupt, bits, .def = "1", .min = "1", .max = "8",
            .doc = "how many bits of such a byte flip"),
    P_CHOICE(corrupt, where, .def = "payload", .choices = wheres,
             .doc = "payload (of frames, whose heads stay whole), frames (heads too), or all (the "
                    "handshake as well)"),
    P_END,
};

/* Bytes to the next hit, itself not counted. */
static uint64_t draw_gap(struct fault *f)
{
    const struct corrupt *cfg = fault_config(f);
    if (cfg->every > 0)
        return cfg->every - 1;
    if (cfg->ratio <= 0)
        return UINT64_MAX;
    if (cfg->ratio >= 1)
        return 0;
    double gap = floor(log(1 - rng_unit(fault_rng(f))) / log1p(-cfg->ratio));
    return gap < 1e18 ? (uint64_t)gap : UINT64_MAX;
}

static uint8_t draw_bits(struct fault *f)
{
    const struct corrupt *cfg = fault_config(f);
    unsigned mask = 0;
    for (uint64_t left = cfg->bits; left > 0;) {
        unsigned bit = 1u << rng_between(fault_rng(f), 0, 7);
        left -= !(mask & bit);
        mask |= bit;
    }
    return (uint8_t)mask;
}

/* Where the part of the unit begins that may be hit. */
static size_t spared(struct fault *f, struct stream *stream, const struct unit *u)
{
    const struct corrupt *cfg = fault_config(f);
    bool frames = u->kind == UNIT_FRAME || u->kind == UNIT_PAYLOAD;
    if (cfg->where == WHERE_ALL)
        return 0;
    if (!frames)
        return u->len;
    if (cfg->where == WHERE_FRAMES)
        return 0;
    if (u->kind == UNIT_FRAME)
        stream->head_left = u->frame.head_len;
    size_t head = stream->head_left < u->len ? stream->head_left : u->len;
    stream->head_left -= head;
    return head;
}

/* Returns the changed bytes, to be freed, or NULL: none was hit. */
static uint8_t *hit(struct fault *f, struct stream *stream, const struct unit *u, size_t from)
{
    uint8_t *changed = NULL;
    for (size_t at = from; at < u->len; at++) {
        if (!stream->drawn)
            stream->good = draw_gap(f);
        stream->drawn = true;
        if (stream->good >= u->len - at) {
            stream->good -= stream->good == UINT64_MAX ? 0 : u->len - at;
            break;
        }
        at += stream->good;
        stream->drawn = false;
        if (!changed)
            changed = memcpy(xmalloc(u->len), u->bytes, u->len);
        changed[at] ^= draw_bits(f);
    }
    return changed;
}

static void flip(struct fault *f, struct unit *u)
{
    struct corrupt_state *state = fault_state(f);
    struct stream *stream = &state->streams[u->dir];
    uint8_t *changed = hit(f, stream, u, spared(f, stream, u));
    if (changed)
        fault_replace(f, u, changed, u->len);
    else
        fault_pass(f, u);
    free(changed);
}

const struct fault_desc corrupt_fault = {
    .layer = LAYER_BYTES,
    .name = "corrupt",
    .brief = "flip bits of what passes",
    .doc =
        "TCP's checksum misses one error in 65,536, and memory in middleboxes has none: bytes arrive "
        "changed. With payload the frames stay whole and only what is in them is wrong; with frames "
        "lengths and opcodes break too. A good endpoint ends the connection when it cannot read what "
        "came: close code 1007 for text that is no UTF-8 (RFC 6455 8.1), 1002 for frames that cannot "
        "be (5.1, 5.2), and it does not crash, hang, or pass the damage on to its user.",
    .example = "corrupt: {every: 7, where: all}",
    .dirs = DIR_BOTH,
    .breaks_deflate = true,
    .params = params,
    .config_size = sizeof(struct corrupt),
    .state_size = sizeof(struct corrupt_state),
    .ops = {.on_bytes = flip},
};
