#include "tests/unit/frame_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "scenario/load.h"
#include "ws/frame.h"

#define SHOWN_BYTES  40
#define READ_BYTES   ((size_t)64 << 10) /* what a driver reads at once */
#define SLICED_BYTES 4096
#define SLICE_BYTES  61
#define LIMIT        ((size_t)64 << 20)

struct ear {
    struct buf bytes;
    struct frame_decoder decoder;
    uint8_t key[4];
    bool headed, ended;
    enum cut end;
    size_t writes;
};

struct frame_run {
    struct plan *plan;
    struct recorder *recorder;
    struct text trace, told;
    struct run *run;
    struct session *session;
    nsec now;
    struct ear ears[3]; /* by enum side */
    struct buf kept;
    bool keeps, slices;
    uint32_t keys;
};

/* --- The driver --- */

static size_t on_output(void *driver, enum side to, const uint8_t *bytes, size_t len)
{
    struct ear *ear = &((struct frame_run *)driver)->ears[to];
    ear->writes++;
    return buf_append(&ear->bytes, bytes, len);
}

static void on_action(void *driver, struct action action)
{
    struct frame_run *r = driver;
    if (action.kind != ACTION_CUT)
        return;
    r->ears[action.side].ended = true;
    r->ears[action.side].end = action.how;
}

static void on_over(void *driver)
{
    ((struct frame_run *)driver)->session = NULL;
}

static const struct session_ops ops = {
    .on_output = on_output, .on_action = on_action, .on_over = on_over};

static void settle(struct frame_run *r)
{
    for (int turns = 0; turns < 10000 && run_deadline(r->run) <= r->now; turns++)
        run_expire(r->run, r->now);
    run_settle(r->run, r->now);
}

void frame_run_until(struct frame_run *r, nsec now)
{
    for (int turns = 0; turns < 1000000 && run_deadline(r->run) <= now; turns++) {
        r->now = nsec_max(r->now, run_deadline(r->run));
        run_expire(r->run, r->now);
    }
    r->now = now;
    settle(r);
}

/* Byte by byte at both ends, well into the payload; in between in an odd number of bytes. */
static size_t read_at_once(const struct frame_run *r, size_t done, size_t left)
{
    bool inside = done >= SLICED_BYTES && left > SLICED_BYTES;
    size_t most = !r->slices ? READ_BYTES : inside ? SLICE_BYTES : 1;
    return left < most ? left : most;
}

static void input(struct frame_run *r, enum side from, const uint8_t *bytes, size_t len)
{
    size_t done = 0;
    while (done < len && r->session) {
        size_t piece = read_at_once(r, done, len - done);
        session_input(r->session, from, bytes + done, piece, r->now);
        done += piece;
    }
    settle(r);
}

/* --- Life --- */

static struct plan *load(const char *steps)
{
    struct text scenario, problems;
    struct diag *diag = diag_new();
    text_init(&scenario);
    text_init(&problems);
    text_addf(&scenario, "scenario: frames\nstory: Frames.\ntests: client\nsteps:\n%s", steps);
    text_add(&scenario, "  - wait: 24h\n");
    struct plan *plan = scenario_parse("frames.yaml", text_chars(&scenario), scenario.len, diag);
    if (!plan) {
        diag_add_text(diag, &problems);
        fprintf(stderr, "%s", text_chars(&problems));
        abort();
    }
    diag_free(diag);
    text_fini(&scenario);
    text_fini(&problems);
    return plan;
}

static void say(struct frame_run *r, enum side from, const char *words)
{
    input(r, from, (const uint8_t *)words, strlen(words));
}

static void open_websocket(struct frame_run *r)
{
    r->session = run_accept(r->run, 0, "127.0.0.1:1", "ipv4", &ops, r, r->now);
    session_connected(r->session, r->now);
    settle(r);
    say(r, SIDE_CLIENT,
        "GET /feed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    say(r, SIDE_SERVER,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

static struct frame_run *begin(const char *steps)
{
    struct frame_run *r = xcalloc(1, sizeof *r);
    struct run_options options = {.seed = 7, .observe = true};
    r->plan = load(steps);
    r->recorder = recorder_new(NULL);
    recorder_copy_to(r->recorder, &r->trace);
    for (int side = 0; side < 3; side++)
        buf_init(&r->ears[side].bytes, LIMIT);
    buf_init(&r->kept, LIMIT);
    r->run = run_new(r->plan, r->recorder, &options);
    return r;
}

struct frame_run *frame_run_new(const char *steps)
{
    struct frame_run *r = begin(steps);
    open_websocket(r);
    run_start(r->run, r->now);
    settle(r);
    return r;
}

struct frame_run *frame_run_early(const char *steps)
{
    struct frame_run *r = begin(steps);
    run_start(r->run, r->now);
    open_websocket(r);
    return r;
}

void frame_run_free(struct frame_run *r)
{
    run_end(r->run, "finished", r->now);
    run_free(r->run);
    recorder_free(r->recorder);
    plan_free(r->plan);
    for (int side = 0; side < 3; side++)
        buf_fini(&r->ears[side].bytes);
    buf_fini(&r->kept);
    text_fini(&r->trace);
    text_fini(&r->told);
    free(r);
}

/* --- Sending --- */

void frame_keep(struct frame_run *r)
{
    r->keeps = true;
}

void frame_slice(struct frame_run *r)
{
    r->slices = true;
}

void frame_send_whole_input(struct frame_run *r, enum side from)
{
    r->keeps = false;
    input(r, from, buf_bytes(&r->kept), buf_len(&r->kept));
    buf_clear(&r->kept);
}

void frame_send_bytes(struct frame_run *r, enum side from, const void *bytes, size_t len)
{
    if (r->keeps)
        (void)buf_append_all(&r->kept, bytes, len);
    else
        input(r, from, bytes, len);
}

static void send_frame(struct frame_run *r, enum side from, uint8_t first, const void *payload,
                       size_t len)
{
    uint8_t *bytes = xmalloc(FRAME_HEAD_MAX + len);
    uint32_t key = ++r->keys * 2654435761u;
    size_t size = frame_build(bytes, FRAME_HEAD_MAX + len, first & 0x0f, payload, len,
                              from == SIDE_CLIENT ? (const uint8_t *)&key : NULL);
    bytes[0] = first;
    frame_send_bytes(r, from, bytes, size);
    free(bytes);
}

void frame_send(struct frame_run *r, enum side from, uint8_t opcode, const char *payload)
{
    send_frame(r, from, opcode | 0x80, payload, strlen(payload));
}

void frame_send_part(struct frame_run *r, enum side from, uint8_t opcode, const char *payload)
{
    send_frame(r, from, opcode, payload, strlen(payload));
}

void frame_send_len(struct frame_run *r, enum side from, uint8_t opcode, size_t len)
{
    char *payload = xmalloc(len + 1);
    memset(payload, 'x', len);
    send_frame(r, from, opcode | 0x80, payload, len);
    free(payload);
}

void frame_end(struct frame_run *r, enum side from, enum cut how)
{
    if (r->session)
        session_end(r->session, from, how, cut_name(how), r->now);
    settle(r);
}

/* --- Listening --- */

static void begin_word(struct frame_run *r)
{
    if (r->told.len > 0)
        text_add(&r->told, "; ");
}

static void skip_head(struct ear *ear)
{
    const char *bytes = (const char *)buf_bytes(&ear->bytes);
    size_t len = buf_len(&ear->bytes);
    for (size_t at = 0; !ear->headed && at + 4 <= len; at++)
        if (memcmp(bytes + at, "\r\n\r\n", 4) == 0) {
            ear->headed = true;
            buf_consume(&ear->bytes, at + 4);
        }
}

static void tell_payload(struct frame_run *r, const uint8_t *payload, size_t len)
{
    if (len > SHOWN_BYTES) {
        text_addf(&r->told, " %zu", len);
        return;
    }
    text_add(&r->told, " '");
    for (size_t i = 0; i < len; i++)
        text_addf(&r->told, payload[i] >= ' ' && payload[i] < 127 ? "%c" : "\\x%02x", payload[i]);
    text_add(&r->told, "'");
}

static void tell_head(struct frame_run *r, const struct frame_head *head)
{
    text_add(&r->told,
             head->opcode == OPCODE_CONTINUATION ? "more" : frame_opcode_name(head->opcode));
    if (!head->fin)
        text_add(&r->told, "+");
    if (head->rsv)
        text_addf(&r->told, " rsv%u", head->rsv);
}

static void tell_frame(struct frame_run *r, enum side side, const struct frame_head *head,
                       const uint8_t *masked)
{
    struct ear *ear = &r->ears[side];
    size_t len = head->payload_len;
    uint8_t *payload = xmalloc(len + 1);
    memcpy(payload, masked, len);
    if (head->masked)
        frame_mask(payload, len, head->mask_key, 0);
    begin_word(r);
    tell_head(r, head);
    tell_payload(r, payload, len);
    if (head->masked != (side == SIDE_SERVER))
        text_add(&r->told, " !mask");
    else if (head->masked && memcmp(head->mask_key, ear->key, 4) == 0)
        text_add(&r->told, " !key");
    memcpy(ear->key, head->mask_key, 4);
    free(payload);
}

static bool tell_next(struct frame_run *r, enum side side)
{
    struct ear *ear = &r->ears[side];
    struct frame_decoder decoder;
    size_t taken = 0, len = buf_len(&ear->bytes);
    const uint8_t *bytes = buf_bytes(&ear->bytes);
    frame_decoder_init(&decoder);
    if (frame_decode(&decoder, bytes, len, &taken) != FRAME_HEAD ||
        decoder.head.payload_len > len - taken)
        return false;
    tell_frame(r, side, &decoder.head, bytes + taken);
    buf_consume(&ear->bytes, taken + decoder.head.payload_len);
    return true;
}

const char *frame_got(struct frame_run *r, enum side side)
{
    struct ear *ear = &r->ears[side];
    text_clear(&r->told);
    skip_head(ear);
    while (ear->headed && tell_next(r, side))
        ;
    if (buf_len(&ear->bytes) > 0) {
        begin_word(r);
        text_addf(&r->told, "cut after %zu bytes", buf_len(&ear->bytes));
    }
    if (ear->ended) {
        begin_word(r);
        text_addf(&r->told, "end %s", cut_name(ear->end));
        ear->ended = false;
    }
    return text_chars(&r->told);
}

size_t frame_writes(const struct frame_run *r, enum side side)
{
    return r->ears[side].writes;
}

const char *frame_trace(const struct frame_run *r)
{
    return text_chars(&r->trace);
}

size_t frame_events(const struct frame_run *r, const char *part, const char *and_part)
{
    size_t count = 0;
    for (const char *line = text_chars(&r->trace); *line;) {
        size_t len = strcspn(line, "\n");
        char *copy = xstrndup(line, len);
        count += strstr(copy, part) && strstr(copy, and_part);
        free(copy);
        line += len + (line[len] == '\n');
    }
    return count;
}
