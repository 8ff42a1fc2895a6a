/* Frames as they pass. With no fault at work on the direction heads are decoded in place and the
 * bytes go on as they came; else each frame walks the chain. Every frame is recorded before its
 * last byte is passed on. */
#include "core/internal.h"

#include <string.h>

#include "ws/close.h"
#include "ws/redact.h"
#include "ws/signature.h"

#define SCRATCH_BYTES 4096

void frames_init(struct lane *lane)
{
    frame_decoder_init(&lane->decoder);
    text_init(&lane->message);
    buf_init(&lane->whole, FRAME_HEAD_MAX + ((size_t)64 << 10));
}

void frames_fini(struct lane *lane)
{
    text_fini(&lane->message);
    buf_fini(&lane->whole);
    if (lane->inflater)
        deflate_free(lane->inflater);
}

/* --- Looking at what passes --- */

static void note_violation(struct session *s, struct lane *lane, const char *what)
{
    struct event ev = {.kind = EV_WS_ERROR,
                       .side = dir_from(lane->dir),
                       .by = session_cause(s, dir_from(lane->dir))};
    if (!what)
        return;
    ev.ws_error = (struct ev_ws_error){.what = what};
    session_emit(s, ev);
}

static void begin_message(struct lane *lane, const struct frame_head *head)
{
    text_clear(&lane->message);
    lane->message_opcode = head->opcode;
    lane->message_len = lane->message_frames = 0;
    lane->message_compressed = lane->inflater && (head->rsv & RSV1);
    lane->inflated = DEFLATE_OK;
}

static void look_at_head(struct session *s, struct lane *lane)
{
    const struct frame_head *head = &lane->decoder.head;
    struct frame_context context = {.sender = lane->dir == TO_SERVER ? FRAME_FROM_CLIENT
                                                                     : FRAME_FROM_SERVER,
                                    .in_message = lane->in_message,
                                    .rsv1_means_compressed = lane->inflater != NULL};
    note_violation(s, lane, frame_violation(head, &context));
    lane->control_len = 0;
    if (frame_is_control(head->opcode))
        return;
    if (head->opcode != OPCODE_CONTINUATION || !lane->in_message)
        begin_message(lane, head);
    lane->frame_from = lane->message.len;
}

static void keep_control(struct lane *lane, const uint8_t *bytes, size_t len)
{
    size_t room = sizeof lane->control - lane->control_len;
    size_t taken = len < room ? len : room;
    memcpy(lane->control + lane->control_len, bytes, taken);
    if (lane->decoder.head.masked)
        frame_mask(lane->control + lane->control_len, taken, lane->decoder.head.mask_key,
                   lane->decoder.offset);
    lane->control_len += taken;
}

static void keep_piece(struct lane *lane, const uint8_t *bytes, size_t len)
{
    size_t room = SIGNATURE_LIMIT_BYTES - lane->message.len;
    if (lane->message_compressed)
        lane->inflated = deflate_feed(lane->inflater, bytes, len, DEFLATE_PART, &lane->message,
                                      SIGNATURE_LIMIT_BYTES);
    else
        text_add_bytes(&lane->message, bytes, len < room ? len : room);
}

static void keep_data(struct lane *lane, const uint8_t *bytes, size_t len)
{
    const struct frame_head *head = &lane->decoder.head;
    uint8_t scratch[SCRATCH_BYTES];
    for (size_t done = 0; done < len; done += sizeof scratch) {
        if (!lane->message_compressed && lane->message.len >= SIGNATURE_LIMIT_BYTES)
            return;
        size_t piece = len - done < sizeof scratch ? len - done : sizeof scratch;
        memcpy(scratch, bytes + done, piece);
        if (head->masked)
            frame_mask(scratch, piece, head->mask_key, lane->decoder.offset + done);
        keep_piece(lane, scratch, piece);
    }
}

static void look_at_payload(struct session *s, struct lane *lane, const uint8_t *bytes, size_t len)
{
    if (frame_is_control(lane->decoder.head.opcode))
        keep_control(lane, bytes, len);
    else if (s->run->options.observe)
        keep_data(lane, bytes, len);
}

/* --- Masking keys that can be foretold --- */

#define MASKS_TOLD       3 /* so many in a row are told of, and so many more */
#define MASKS_TOLD_AGAIN 20
#define MASKS_TOLD_EVERY 100

static bool is_told(uint64_t row)
{
    return row == MASKS_TOLD || row == MASKS_TOLD_AGAIN || (row > 0 && row % MASKS_TOLD_EVERY == 0);
}

/* Returns how many keys in a row are one step apart, this one included. */
static uint64_t watch_number(struct mask_watch *watch, int order, uint32_t number)
{
    uint32_t step = number - watch->last[order];
    if (watch->row[order] >= 2 && step != watch->step[order])
        watch->row[order] = 1;
    watch->step[order] = step;
    watch->last[order] = number;
    return ++watch->row[order];
}

/* RFC 6455 5.3: unpredictable. An empty payload hides nothing, whatever its key. */
static void watch_mask(struct session *s, struct lane *lane)
{
    const struct frame_head *head = &lane->decoder.head;
    const uint8_t *key = head->mask_key;
    uint32_t big = (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
    uint32_t little =
        (uint32_t)key[3] << 24 | (uint32_t)key[2] << 16 | (uint32_t)key[1] << 8 | key[0];
    if (!head->masked || head->payload_len == 0)
        return;
    uint64_t rows[2] = {watch_number(&lane->masks, 0, big), watch_number(&lane->masks, 1, little)};
    int order = rows[1] > rows[0];
    if (!is_told(rows[order]))
        return;
    struct event ev = {.kind = EV_WS_MASK,
                       .side = dir_from(lane->dir),
                       .by = session_cause(s, dir_from(lane->dir))};
    ev.ws_mask = (struct ev_ws_mask){.frames = rows[order], .step = lane->masks.step[order]};
    session_emit(s, ev);
}

/* --- A frame is complete --- */

struct hashes {
    char content[SIGNATURE_DIGITS + 1], kind[SIGNATURE_DIGITS + 1];
    uint64_t signature; /* kind, as a number */
};

static void hash(const struct session *s, const void *bytes, size_t len, uint64_t total,
                 struct hashes *out)
{
    struct signature signature = signature_of(s->run->hash_key, bytes, len, total);
    signature_digits(signature.content, out->content);
    signature_digits(signature.kind, out->kind);
    out->signature = signature.kind;
}

void frames_hash(const struct session *s, const void *bytes, size_t len, char out[17])
{
    signature_digits(signature_content(s->run->hash_key, bytes, len, len), out);
}

static void look_at_beat(struct session *s, struct event ev, struct lane *lane, const char *kind)
{
    bool beat = heartbeats_feed(s->beats, &ev);
    bool ping = ev.kind == EV_WS_FRAME && ev.ws_frame.opcode == OPCODE_PING;
    bool pong = ev.kind == EV_WS_FRAME && ev.ws_frame.opcode == OPCODE_PONG;
    lane->heartbeat = ping ? UNIT_PING : pong ? UNIT_PONG : UNIT_NO_HEARTBEAT;
    if (!ping && !pong && (beat || *kind)) {
        enum side from = dir_from(lane->dir);
        const struct heartbeat_group *theirs = heartbeats_best(s->beats, side_other(from));
        bool answers = strcmp(kind, "pong") == 0 ||
                       (theirs && theirs->kind == HEARTBEAT_APPLICATION && theirs->last <= ev.at);
        lane->heartbeat = answers ? UNIT_APP_PONG : UNIT_APP_PING;
        if (beat) {
            s->ping_now = s->ping_now || !answers;
            s->pong_now = s->pong_now || answers;
        }
    }
    s->ping_now = s->ping_now || ping;
    s->pong_now = s->pong_now || pong;
    if (pong || (beat && lane->heartbeat == UNIT_APP_PONG))
        s->heartbeat_now = true;
    if (ping)
        run_note(s->run, s, NOTE_PING);
    if (pong)
        run_note(s->run, s, NOTE_PONG);
    if (beat)
        run_note(s->run, s, NOTE_HEARTBEAT);
}

static void record_close(struct session *s, struct lane *lane)
{
    struct close_payload close;
    struct text reason;
    text_init(&reason);
    close_parse(lane->control, lane->control_len, &close);
    redact_words((const char *)close.reason, close.reason_len, &reason);
    struct event ev = {.kind = EV_WS_CLOSE,
                       .side = dir_from(lane->dir),
                       .by = session_cause(s, dir_from(lane->dir))};
    ev.ws_close = (struct ev_ws_close){
        .code = close.code, .reason = text_chars(&reason), .wrong = close.wrong};
    session_emit(s, ev);
    text_fini(&reason);
}

static enum content_part part_of(const struct lane *lane, size_t len)
{
    bool whole = lane->message_compressed ? lane->inflated == DEFLATE_OK : len == lane->message_len;
    return whole ? CONTENT_WHOLE : CONTENT_START;
}

static void look_at_class(struct session *s, const struct event *ev, const struct lane *lane,
                          const void *bytes, size_t len, uint64_t signature)
{
    if (lane->inflated == DEFLATE_OK || lane->inflated == DEFLATE_CUT)
        classes_look(s, ev, bytes, len, part_of(lane, len), signature);
}

static void look_at_message(struct session *s, const struct event *ev, struct lane *lane,
                            const void *bytes, size_t len, uint64_t signature)
{
    const struct run_options *options = &s->run->options;
    ids_look(s, ev, bytes, len, signature, lane->heartbeat);
    auth_look(s, ev, bytes, len);
    watches_look(s, ev, bytes, len, part_of(lane, len));
    sessions_look(s, ev, bytes, len);
    look_at_class(s, ev, lane, bytes, len, signature);
    if (options->on_message)
        options->on_message(options->message_context, ev, bytes, len);
}

static uint64_t record_frame(struct session *s, struct lane *lane, bool passes)
{
    const struct frame_head *head = &lane->decoder.head;
    bool control = frame_is_control(head->opcode);
    bool alone = !control && head->fin && lane->message_frames == 1;
    const char *start = text_chars(&lane->message);
    const void *bytes = control ? (const void *)lane->control : start + lane->frame_from;
    size_t len = control ? lane->control_len : lane->message.len - lane->frame_from;
    const char *kind = alone ? recognise_kind(s->run, bytes, len) : "";
    struct hashes hashes;
    hash(s, bytes, len, head->payload_len, &hashes);
    struct event ev = {.kind = EV_WS_FRAME,
                       .side = dir_from(lane->dir),
                       .by = session_cause(s, dir_from(lane->dir))};
    ev.ws_frame = (struct ev_ws_frame){.opcode = head->opcode,
                                       .fin = head->fin,
                                       .rsv = head->rsv,
                                       .masked = head->masked,
                                       .len = head->payload_len,
                                       .hash = hashes.content,
                                       .sig = hashes.kind,
                                       .kind = kind,
                                       .passed = passes};
    ev.seq = session_emit(s, ev);
    ev.at = s->now;
    ev.conn = s->conn;
    ev.client = (int)s->number;
    look_at_beat(s, ev, lane, kind);
    if (alone)
        look_at_message(s, &ev, lane, bytes, len, hashes.signature);
    if (head->opcode == OPCODE_CLOSE)
        record_close(s, lane);
    return passes ? 0 : ev.seq;
}

static void record_message(struct session *s, struct lane *lane)
{
    struct hashes hashes;
    const char *bytes = text_chars(&lane->message);
    size_t len = lane->message.len;
    const char *kind = recognise_kind(s->run, (const uint8_t *)bytes, len);
    hash(s, bytes, len, lane->message_len, &hashes);
    struct event ev = {.kind = EV_WS_MESSAGE,
                       .side = dir_from(lane->dir),
                       .by = session_cause(s, dir_from(lane->dir))};
    ev.ws_message = (struct ev_ws_message){.opcode = lane->message_opcode,
                                           .len = lane->message_len,
                                           .frames = lane->message_frames,
                                           .hash = hashes.content,
                                           .sig = hashes.kind,
                                           .kind = kind};
    ev.seq = session_emit(s, ev);
    ev.at = s->now;
    ev.conn = s->conn;
    ev.client = (int)s->number;
    look_at_beat(s, ev, lane, kind);
    look_at_message(s, &ev, lane, bytes, len, hashes.signature);
}

/* RFC 7692 7.2.2, and the parameters that were agreed on. */
static void end_inflated(struct session *s, struct lane *lane)
{
    lane->inflated =
        deflate_feed(lane->inflater, NULL, 0, DEFLATE_LAST, &lane->message, SIGNATURE_LIMIT_BYTES);
    if (lane->inflated == DEFLATE_BROKEN)
        note_violation(s, lane, "a compressed message that does not inflate as agreed");
}

/* Returns the seq by which its delivery is told later; 0: it passes at once, or nothing is
 * recorded. */
static uint64_t finish_frame(struct session *s, struct lane *lane, bool passes)
{
    const struct frame_head *head = &lane->decoder.head;
    uint64_t seq = 0;
    bool data = !frame_is_control(head->opcode);
    if (data) {
        lane->message_frames++;
        lane->message_len += head->payload_len;
        if (head->fin && lane->message_compressed)
            end_inflated(s, lane);
    }
    if (s->run->options.observe) {
        seq = record_frame(s, lane, passes);
        watch_mask(s, lane);
        if (data && head->fin && lane->message_frames > 1)
            record_message(s, lane);
    }
    if (data)
        lane->in_message = !head->fin;
    return seq;
}

/* --- No fault looks at this direction --- */

static void pass_as_it_came(struct session *s, struct lane *lane, const uint8_t *bytes, size_t len)
{
    const uint8_t *at = bytes;
    size_t left = len, taken;
    enum frame_step step;
    while ((step = frame_decode(&lane->decoder, at, left, &taken)) != FRAME_MORE) {
        if (step == FRAME_HEAD)
            look_at_head(s, lane);
        else if (step == FRAME_PAYLOAD)
            look_at_payload(s, lane, at, taken);
        else
            (void)finish_frame(s, lane, true);
        at += taken;
        left -= taken;
    }
    struct unit u = {
        .kind = UNIT_BYTES, .dir = lane->dir, .bytes = bytes, .len = len, .arrived = s->now};
    session_sink(s, &u);
    chain_bypassed(s, lane);
    lane->head_sent = lane->decoder.in_frame ? 0 : lane->decoder.raw_len;
}

/* --- Faults look: one frame at a time --- */

static void offer(struct session *s, struct lane *lane, enum unit_kind kind, const uint8_t *bytes,
                  size_t len, bool last)
{
    struct unit u = {.kind = kind,
                     .dir = lane->dir,
                     .bytes = bytes,
                     .len = len,
                     .arrived = s->now,
                     .frame = lane->decoder.head,
                     .last = last};
    if (last)
        u.frame_seq = finish_frame(s, lane, false);
    u.whole = kind == UNIT_FRAME && last;
    if (u.whole)
        u.heartbeat = lane->heartbeat;
    chain_feed(s, &u);
}

static void offer_collected(struct session *s, struct lane *lane)
{
    lane->collecting = false;
    offer(s, lane, UNIT_FRAME, buf_bytes(&lane->whole), buf_len(&lane->whole), true);
    buf_consume(&lane->whole, buf_len(&lane->whole));
}

static void offer_head(struct session *s, struct lane *lane)
{
    const struct frame_decoder *decoder = &lane->decoder;
    size_t wanted = chain_whole_frames(s, lane->dir), sent = lane->head_sent;
    lane->head_sent = 0;
    if (wanted > 0 && sent == 0 && decoder->head.payload_len > 0 &&
        decoder->head.payload_len <= wanted) {
        lane->collecting = true;
        (void)buf_append_all(&lane->whole, decoder->raw, decoder->head.head_len);
        return;
    }
    offer(s, lane, UNIT_FRAME, decoder->raw + sent, decoder->head.head_len - sent,
          decoder->left == 0);
}

static void offer_payload(struct session *s, struct lane *lane, const uint8_t *bytes, size_t len)
{
    bool last = lane->decoder.left == 0;
    if (!lane->collecting) {
        offer(s, lane, UNIT_PAYLOAD, bytes, len, last);
        return;
    }
    (void)buf_append_all(&lane->whole, bytes, len);
    if (last)
        offer_collected(s, lane);
}

static void walk_frames(struct session *s, struct lane *lane, const uint8_t *bytes, size_t len)
{
    enum frame_step step;
    size_t taken;
    while ((step = frame_decode(&lane->decoder, bytes, len, &taken)) != FRAME_MORE) {
        if (step == FRAME_HEAD) {
            look_at_head(s, lane);
            offer_head(s, lane);
        } else if (step == FRAME_PAYLOAD) {
            look_at_payload(s, lane, bytes, taken);
            offer_payload(s, lane, bytes, taken);
        }
        bytes += taken;
        len -= taken;
    }
}

void frames_input(struct session *s, struct lane *lane, const uint8_t *bytes, size_t len)
{
    /* A head that was cut in two while frames walked is with the decoder and must walk on. */
    bool head_cut = !frame_at_boundary(&lane->decoder) && !lane->decoder.in_frame;
    lane->walking = !chain_idle(s, lane->dir) || (lane->walking && (lane->collecting || head_cut));
    if (lane->walking)
        walk_frames(s, lane, bytes, len);
    else
        pass_as_it_came(s, lane, bytes, len);
}
