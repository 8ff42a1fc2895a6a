/* oversize_message: a message that is too large for anybody. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fault/lib/message.h"
#include "ws/compress.h"

#define PIECE_BYTES      ((size_t)16 << 10)    /* sent at once */
#define TURN_BYTES       ((uint64_t)256 << 10) /* in one turn of the loop */
#define TURN_PIECES      1000
#define DECLARED_PAYLOAD 16
#define BOMB_STEP        ((size_t)256 << 10) /* larger ones save next to nothing */
#define BOMB_LIMIT       ((uint64_t)2 << 30)
#define TICK             NSEC_PER_MSEC
#define TRY_AGAIN        (10 * NSEC_PER_MSEC) /* no room, or inside a message of the peer */

enum how { HOW_SENT, HOW_DECLARED };
enum form { FORM_FRAME, FORM_FRAGMENTS, FORM_DEFLATED };

struct oversize_message {
    uint64_t size;
    int how, form;
    uint64_t piece;
    double rate;
    int opcode;
};

/* One direction. */
struct giant {
    bool under_way, done;
    nsec began;
    uint64_t sent;
    uint8_t key[4];
};

struct oversize_state {
    struct giant giants[DIRS];
};

static const char *const hows[] = {"sent", "declared", NULL};
static const char *const forms[] = {"frame", "fragments", "deflated", NULL};
static const char *const opcode_names[] = {"text", "binary", NULL};
static const uint8_t opcodes[] = {OPCODE_TEXT, OPCODE_BINARY};

static const struct param params[] = {
    P_SIZE(oversize_message, size, .def = "64MiB", .min = "32B", .max = "1024GiB",
           .doc = "its payload, of 'x'"),
    P_CHOICE(oversize_message, how, .def = "sent", .choices = hows,
             .doc =
                 "sent: all of it is really sent; declared: the head says so, 16 bytes follow, and "
                 "what the peer sends from then on arrives inside it"),
    P_CHOICE(
        oversize_message, form, .def = "frame", .choices = forms,
        .doc =
            "one frame; fragments without end until the size is reached; or deflated, one frame of "
            "a thousandth that inflates to the size, in steps of 256 KiB. A declared one is a whole frame "
            "or the first fragment"),
    P_SIZE(oversize_message, piece, .def = "16KiB", .min = "1B", .max = "16KiB",
           .doc = "payload of each fragment"),
    P_RATE(oversize_message, rate, .def = "16MiB/s", .min = "1B/s", .max = "1GiB/s",
           .doc = "no faster than this, and no faster than it is read"),
    P_CHOICE(oversize_message, opcode, .def = "binary", .choices = opcode_names,
             .doc = "text or binary"),
    P_END,
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct giant *giant_of(struct fault *f, enum dir d)
{
    return &((struct oversize_state *)fault_state(f))->giants[d];
}

/* --- Pieces --- */

static void add_x(struct fault *f, enum dir d, uint64_t len, struct text *out)
{
    const struct giant *giant = giant_of(f, d);
    uint8_t payload[PIECE_BYTES];
    memset(payload, 'x', len);
    if (d == TO_SERVER)
        frame_mask(payload, len, giant->key, giant->sent);
    text_add_bytes(out, payload, len);
}

static void add_giant_head(struct fault *f, enum dir d, bool fin, struct text *out)
{
    const struct oversize_message *cfg = fault_config(f);
    struct giant *giant = giant_of(f, d);
    struct frame_head head = {.fin = fin,
                              .opcode = opcodes[cfg->opcode],
                              .masked = d == TO_SERVER,
                              .payload_len = cfg->size};
    uint8_t bytes[FRAME_HEAD_MAX];
    message_fresh_key(f, giant->key);
    memcpy(head.mask_key, giant->key, sizeof giant->key);
    text_add_bytes(out, bytes, frame_encode_head(&head, bytes));
}

static void add_fragment(struct fault *f, enum dir d, uint64_t len, struct text *out)
{
    const struct oversize_message *cfg = fault_config(f);
    const struct giant *giant = giant_of(f, d);
    struct frame_head head = {.fin = giant->sent + len == cfg->size,
                              .opcode =
                                  giant->sent == 0 ? opcodes[cfg->opcode] : OPCODE_CONTINUATION};
    uint8_t payload[PIECE_BYTES];
    memset(payload, 'x', len);
    message_add_frame(f, d, &head, payload, len, out);
}

static uint64_t next_len(const struct oversize_message *cfg, const struct giant *giant)
{
    uint64_t most = cfg->form == FORM_FRAGMENTS ? cfg->piece : PIECE_BYTES;
    return least(most, cfg->size - giant->sent);
}

/* false: there is no room now. */
static bool send_piece(struct fault *f, enum dir d)
{
    const struct oversize_message *cfg = fault_config(f);
    struct giant *giant = giant_of(f, d);
    uint64_t len = next_len(cfg, giant);
    struct text out;
    text_init(&out);
    if (cfg->form == FORM_FRAGMENTS) {
        add_fragment(f, d, len, &out);
    } else {
        if (giant->sent == 0)
            add_giant_head(f, d, true, &out);
        add_x(f, d, len, &out);
    }
    bool taken = fault_inject(f, d, text_chars(&out), out.len);
    text_fini(&out);
    if (taken)
        giant->sent += len;
    return taken;
}

/* --- A bomb --- */

/* Each step is a stream by itself, so that one of them is enough however many there are. */
static void add_deflated(const struct oversize_message *cfg, struct text *out)
{
    static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff}; /* RFC 7692 7.2.1 */
    struct compress *compress = compress_new(COMPRESS_WINDOW_MIN, DEFLATE_CONTEXT_RESET);
    uint8_t *plain = xmalloc(BOMB_STEP);
    struct text step;
    text_init(&step);
    memset(plain, 'x', BOMB_STEP);
    compress_feed(compress, plain, BOMB_STEP, DEFLATE_LAST, &step);
    for (uint64_t size = 0; size < cfg->size; size += BOMB_STEP) {
        if (size > 0)
            text_add_bytes(out, tail, sizeof tail);
        text_add_bytes(out, step.chars, step.len);
    }
    text_fini(&step);
    free(plain);
    compress_free(compress);
}

static void send_bomb(struct fault *f, enum dir d)
{
    const struct oversize_message *cfg = fault_config(f);
    const struct frame_head head = {.fin = true, .rsv = RSV1, .opcode = opcodes[cfg->opcode]};
    struct text payload, out;
    text_init(&payload);
    text_init(&out);
    add_deflated(cfg, &payload);
    message_add_frame(f, d, &head, payload.chars, payload.len, &out);
    giant_of(f, d)->done = fault_inject(f, d, text_chars(&out), out.len);
    text_fini(&payload);
    text_fini(&out);
}

/* --- Pace --- */

static void finish(struct fault *f, enum dir d)
{
    struct giant *giant = giant_of(f, d);
    giant->done = true;
    giant->under_way = false;
    fault_put_back(f, d);
}

/* Returns when to go on. */
static nsec send_what_is_due(struct fault *f, enum dir d)
{
    const struct oversize_message *cfg = fault_config(f);
    struct giant *giant = giant_of(f, d);
    double may = cfg->rate * nsec_to_seconds(fault_now(f) - giant->began);
    uint64_t due = may >= (double)cfg->size ? cfg->size : (uint64_t)may;
    due = least(due, giant->sent + TURN_BYTES);
    for (int piece = 0; giant->sent < cfg->size && giant->sent <= due && piece < TURN_PIECES;
         piece++)
        if (!send_piece(f, d))
            return nsec_add(fault_now(f), TRY_AGAIN);
    if (giant->sent == cfg->size) {
        finish(f, d);
        return NEVER;
    }
    nsec next = nsec_add(giant->began, nsec_from_seconds((double)giant->sent / cfg->rate));
    return nsec_max(next, nsec_add(fault_now(f), TICK));
}

static void declare(struct fault *f, enum dir d)
{
    const struct oversize_message *cfg = fault_config(f);
    struct text out;
    text_init(&out);
    add_giant_head(f, d, cfg->form == FORM_FRAME, &out);
    add_x(f, d, DECLARED_PAYLOAD, &out);
    giant_of(f, d)->done = fault_inject(f, d, text_chars(&out), out.len);
    text_fini(&out);
}

static nsec work_on(struct fault *f, enum dir d)
{
    const struct oversize_message *cfg = fault_config(f);
    struct giant *giant = giant_of(f, d);
    if (!fault_acts_on(f, d) || giant->done)
        return NEVER;
    if (giant->under_way)
        return send_what_is_due(f, d);
    if (!fault_between(f, d))
        return nsec_add(fault_now(f), TRY_AGAIN);
    if (cfg->how == HOW_DECLARED || cfg->form == FORM_DEFLATED) {
        if (cfg->form == FORM_DEFLATED)
            send_bomb(f, d);
        else
            declare(f, d);
        return giant->done ? NEVER : nsec_add(fault_now(f), TRY_AGAIN);
    }
    giant->under_way = true;
    giant->began = fault_now(f);
    return send_what_is_due(f, d);
}

static void work(struct fault *f)
{
    nsec client = work_on(f, TO_CLIENT), server = work_on(f, TO_SERVER);
    fault_wake(f, nsec_min(client, server));
}

/* --- What the peer sends meanwhile --- */

static void wait_or_pass(struct fault *f, struct unit *u)
{
    const struct oversize_message *cfg = fault_config(f);
    bool fits_between = cfg->form == FORM_FRAGMENTS && frame_is_control(u->frame.opcode);
    if (giant_of(f, u->dir)->under_way && !fits_between)
        fault_set_aside(f, u, NEVER);
    else
        fault_pass(f, u);
}

static void stop(struct fault *f, struct unit *u)
{
    struct giant *giant = giant_of(f, u->dir);
    giant->under_way = false;
    giant->done = true;
    fault_pass(f, u);
}

/* Inside a frame nothing can follow but more of it. */
static void leave(struct fault *f)
{
    const struct oversize_message *cfg = fault_config(f);
    const struct frame_head last = {.fin = true, .opcode = OPCODE_CONTINUATION};
    for (int d = 0; d < DIRS; d++) {
        struct text out;
        if (!giant_of(f, (enum dir)d)->under_way)
            continue;
        if (cfg->form == FORM_FRAME) {
            fault_cut(f, SIDE_CLIENT, CUT_RST);
            fault_cut(f, SIDE_SERVER, CUT_RST);
            return;
        }
        text_init(&out);
        message_add_frame(f, (enum dir)d, &last, NULL, 0, &out);
        (void)fault_inject(f, (enum dir)d, text_chars(&out), out.len); /* no room: it stays open */
        text_fini(&out);
    }
}

static bool check(const void *config, const char **param, struct text *why)
{
    const struct oversize_message *cfg = config;
    if (cfg->form != FORM_DEFLATED)
        return true;
    if (cfg->how == HOW_DECLARED) {
        *param = "how";
        text_add(why, "'how' is declared: what is deflated is sent, as in how: sent");
    } else if (cfg->size > BOMB_LIMIT) {
        *param = "size";
        text_add(why, "'size' is more than 2GiB: with form: deflated it may be no larger");
    }
    return why->len == 0;
}

const struct fault_desc oversize_message_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "oversize_message",
    .brief = "send a message larger than anybody wants",
    .doc =
        "When the WebSocket opens, or at once on one that is open, the endpoint gets a giant message in the "
        "name of its peer, between two of that peer's own; those wait until it is over. A good endpoint "
        "has a limit, refuses with 1009 as soon as the head or the sum of the fragments passes it, and "
        "neither allocates what a head declares nor gathers without end, and measures a compressed one while it "
        "inflates. When the fault is over before "
        "all was sent, fragments end with an empty one; inside one frame the connection is reset.",
    .example = "oversize_message: {size: 1MiB, direction: to_client, form: fragments}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct oversize_message),
    .check = check,
    .state_size = sizeof(struct oversize_state),
    .ops = {.on_open = work,
            .on_frame = wait_or_pass,
            .on_end = stop,
            .on_timer = work,
            .on_stop = leave},
};
