/* bandwidth: the path carries so many bytes a second. */
#include <math.h>

#include "fault/fault.h"

#define PIECE_TIME  (10 * NSEC_PER_MSEC) /* what a piece takes on the way, so that it is no lump */
#define PIECE_LIMIT ((double)(64 << 10))

struct bandwidth {
    double rate;
    uint64_t burst;
};

/* One direction of the link. Credit is time: a link free for long may be ahead by the burst. */
struct link {
    nsec free;   /* what was let through has been carried by then */
    nsec passed; /* when the newest piece was let through */
    nsec due;    /* when the piece in hand has been carried */
    bool begun, carrying;
};

struct bandwidth_state {
    struct link links[DIRS];
};

static const struct param params[] = {
    P_RATE(bandwidth, rate, .def = "64KiB/s", .min = "0B/s", .max = "100GB/s",
           .doc = "bytes a second in each direction; 0: nothing passes any more"),
    P_SIZE(bandwidth, burst, .def = "0B", .min = "0B", .max = "1GiB",
           .doc = "after a pause so much passes at once"),
    P_END,
};

static double time_for(const struct bandwidth *cfg, double bytes)
{
    return ceil(bytes * 1e9 / cfg->rate);
}

static size_t piece_of(const struct bandwidth *cfg, size_t len)
{
    double piece = floor(cfg->rate * nsec_to_seconds(PIECE_TIME));
    piece = fmin(fmax(piece, 1), PIECE_LIMIT);
    return (double)len > piece ? (size_t)piece : len;
}

static void begin_piece(struct fault *f, struct link *link, size_t piece)
{
    const struct bandwidth *cfg = fault_config(f);
    double spared = time_for(cfg, (double)cfg->burst);
    nsec earliest = spared < 9e18 ? fault_now(f) - (nsec)spared : INT64_MIN / 2;
    bool goes_on = link->begun && link->passed == fault_now(f); /* one waited behind the other */
    nsec start = !link->begun ? earliest : goes_on ? link->free : nsec_max(link->free, earliest);
    double took = time_for(cfg, (double)piece);
    link->due = took < 4e18 ? nsec_add(nsec_max(start, INT64_MIN / 4), (nsec)took) : NEVER;
    link->carrying = true;
}

static void carry(struct fault *f, struct unit *u)
{
    const struct bandwidth *cfg = fault_config(f);
    struct bandwidth_state *state = fault_state(f);
    struct link *link = &state->links[u->dir];
    size_t piece = piece_of(cfg, u->len);
    if (cfg->rate <= 0) {
        fault_ask_later(f, u, NEVER);
        return;
    }
    if (!link->carrying)
        begin_piece(f, link, piece);
    if (link->due > fault_now(f)) {
        fault_ask_later(f, u, link->due);
        return;
    }
    link->carrying = false;
    link->begun = true;
    link->free = link->due;
    link->passed = fault_now(f);
    if (piece < u->len)
        fault_split(f, u, piece);
    fault_pass(f, u);
}

/* Behind what is being carried; with no rate at all it waits like all else. */
static void carry_end(struct fault *f, struct unit *u)
{
    const struct bandwidth *cfg = fault_config(f);
    if (cfg->rate <= 0)
        fault_ask_later(f, u, NEVER);
    else
        fault_pass(f, u);
}

const struct fault_desc bandwidth_fault = {
    .layer = LAYER_BYTES,
    .name = "bandwidth",
    .brief = "let through only so many bytes a second",
    .doc =
        "A slow link: bytes arrive evenly at the rate given, large writes in pieces of at most 10 ms "
        "each, never faster on average. What the link cannot take waits with the sender: some "
        "64 KiB are read ahead, then its window closes and its writes block. With rate 0 nothing "
        "passes, as when a cable is cut, and nothing is lost when the fault ends. A good sender "
        "watches its send queue and pauses or drops at a bound; heartbeats must not drown behind "
        "bulk data.",
    .example = "bandwidth: {rate: 512B/s, burst: 1KiB}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct bandwidth),
    .state_size = sizeof(struct bandwidth_state),
    .ops = {.on_bytes = carry, .on_end = carry_end},
};
