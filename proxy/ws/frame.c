#include "ws/frame.h"

#include <assert.h>
#include <string.h>

enum { LEN_16_BITS = 126, LEN_64_BITS = 127 };

void frame_decoder_init(struct frame_decoder *decoder)
{
    memset(decoder, 0, sizeof *decoder);
}

bool frame_at_boundary(const struct frame_decoder *decoder)
{
    return !decoder->in_frame && decoder->raw_len == 0;
}

/* Bytes of a head whose first two are known. */
static size_t head_len_from(uint8_t second)
{
    size_t len = 2 + ((second & 0x80) ? 4 : 0);
    if ((second & 0x7f) == LEN_16_BITS)
        return len + 2;
    return (second & 0x7f) == LEN_64_BITS ? len + 8 : len;
}

static uint64_t read_len(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void parse_len(const uint8_t *raw, struct frame_head *head)
{
    uint8_t short_len = raw[1] & 0x7f;
    if (short_len < LEN_16_BITS) {
        head->payload_len = short_len;
        head->minimal_len = true;
    } else if (short_len == LEN_16_BITS) {
        head->payload_len = read_len(raw + 2, 2);
        head->minimal_len = head->payload_len >= LEN_16_BITS;
    } else {
        head->payload_len = read_len(raw + 2, 8);
        head->minimal_len = head->payload_len > UINT16_MAX;
    }
    head->len_top_bit = head->payload_len >> 63;
}

static void parse_head(const uint8_t *raw, size_t len, struct frame_head *head)
{
    memset(head, 0, sizeof *head);
    head->fin = raw[0] & 0x80;
    head->rsv = raw[0] >> 4 & 7;
    head->opcode = raw[0] & 0x0f;
    head->masked = raw[1] & 0x80;
    head->head_len = (uint8_t)len;
    parse_len(raw, head);
    if (head->masked)
        memcpy(head->mask_key, raw + len - 4, 4);
}

static enum frame_step begin_frame(struct frame_decoder *decoder, size_t head_len)
{
    parse_head(decoder->raw, head_len, &decoder->head);
    decoder->raw_len = 0;
    decoder->left = decoder->head.payload_len;
    decoder->offset = 0;
    decoder->in_frame = true;
    return FRAME_HEAD;
}

static enum frame_step step_head(struct frame_decoder *decoder, const uint8_t *bytes, size_t len,
                                 size_t *taken)
{
    for (;;) {
        size_t want = decoder->raw_len < 2 ? 2 : head_len_from(decoder->raw[1]);
        size_t missing = want - decoder->raw_len;
        size_t piece = missing < len - *taken ? missing : len - *taken;
        memcpy(decoder->raw + decoder->raw_len, bytes + *taken, piece);
        decoder->raw_len += (uint8_t)piece;
        *taken += piece;
        if (decoder->raw_len < want)
            return FRAME_MORE;
        if (decoder->raw_len == head_len_from(decoder->raw[1]))
            return begin_frame(decoder, want);
    }
}

static enum frame_step step_payload(struct frame_decoder *decoder, size_t len, size_t *taken)
{
    *taken = decoder->left < len ? (size_t)decoder->left : len;
    decoder->offset = decoder->head.payload_len - decoder->left;
    decoder->left -= *taken;
    return FRAME_PAYLOAD;
}

enum frame_step frame_decode(struct frame_decoder *decoder, const uint8_t *bytes, size_t len,
                             size_t *taken)
{
    *taken = 0;
    if (decoder->in_frame && decoder->left == 0) {
        decoder->in_frame = false;
        return FRAME_END;
    }
    if (len == 0)
        return FRAME_MORE;
    if (decoder->in_frame)
        return step_payload(decoder, len, taken);
    return step_head(decoder, bytes, len, taken);
}

static size_t shortest_head(const struct frame_head *head)
{
    size_t len = 2 + (head->masked ? 4 : 0);
    if (head->payload_len < LEN_16_BITS)
        return len;
    return len + (head->payload_len <= UINT16_MAX ? 2 : 8);
}

static void write_len(uint8_t *out, size_t count, uint64_t value)
{
    for (size_t i = count; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

size_t frame_encode_head(const struct frame_head *head, uint8_t out[FRAME_HEAD_MAX])
{
    size_t total = head->head_len ? head->head_len : shortest_head(head);
    size_t plain = total - (head->masked ? 4 : 0);
    assert(total >= shortest_head(head) && (plain == 2 || plain == 4 || plain == 10));
    uint8_t second = plain == 2   ? (uint8_t)head->payload_len
                     : plain == 4 ? LEN_16_BITS
                                  : LEN_64_BITS;
    out[0] = (uint8_t)((head->fin ? 0x80 : 0) | (head->rsv & 7) << 4 | (head->opcode & 0x0f));
    out[1] = (uint8_t)((head->masked ? 0x80 : 0) | second);
    write_len(out + 2, plain - 2, head->payload_len);
    if (head->masked)
        memcpy(out + plain, head->mask_key, 4);
    return total;
}

static uint64_t masked_word(const uint8_t *bytes, uint64_t key)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word ^ key;
}

/* Four words at a time: a loop over one is bound by its counting. Each has a name of its own, so
 * that it stays in a register. */
static size_t mask_blocks(uint8_t *out, const uint8_t *bytes, size_t len, uint64_t key)
{
    size_t done = 0;
    for (; done + 4 * sizeof key <= len; done += 4 * sizeof key) {
        const uint8_t *from = bytes + done;
        uint8_t *to = out + done;
        uint64_t first = masked_word(from, key), second = masked_word(from + 8, key);
        uint64_t third = masked_word(from + 16, key), fourth = masked_word(from + 24, key);
        memcpy(to, &first, sizeof first);
        memcpy(to + 8, &second, sizeof second);
        memcpy(to + 16, &third, sizeof third);
        memcpy(to + 24, &fourth, sizeof fourth);
    }
    return done;
}

void frame_mask_into(uint8_t *out, const uint8_t *bytes, size_t len, const uint8_t key[4],
                     uint64_t offset)
{
    uint8_t turned[8];
    for (size_t i = 0; i < sizeof turned; i++)
        turned[i] = key[(offset + i) & 3];
    uint64_t wide_key;
    memcpy(&wide_key, turned, sizeof wide_key);
    size_t done = mask_blocks(out, bytes, len, wide_key);
    for (; done + sizeof wide_key <= len; done += sizeof wide_key) {
        uint64_t word = masked_word(bytes + done, wide_key);
        memcpy(out + done, &word, sizeof word);
    }
    for (size_t i = 0; done + i < len; i++)
        out[done + i] = bytes[done + i] ^ turned[i];
}

void frame_mask(uint8_t *bytes, size_t len, const uint8_t key[4], uint64_t offset)
{
    frame_mask_into(bytes, bytes, len, key, offset);
}

size_t frame_build(uint8_t *out, size_t room, uint8_t opcode, const void *payload, size_t len,
                   const uint8_t *key)
{
    struct frame_head head = {
        .fin = true, .opcode = opcode, .masked = key != NULL, .payload_len = len};
    uint8_t raw[FRAME_HEAD_MAX];
    if (key)
        memcpy(head.mask_key, key, 4);
    size_t head_len = frame_encode_head(&head, raw);
    assert(len <= room && head_len <= room - len);
    memcpy(out, raw, head_len);
    if (key)
        frame_mask_into(out + head_len, payload, len, key, 0);
    else if (len > 0)
        memcpy(out + head_len, payload, len);
    return head_len + len;
}

bool frame_is_control(uint8_t opcode)
{
    return opcode & 8;
}

bool frame_is_known(uint8_t opcode)
{
    return opcode <= OPCODE_BINARY || (opcode >= OPCODE_CLOSE && opcode <= OPCODE_PONG);
}

const char *frame_opcode_name(uint8_t opcode)
{
    static const char *const names[16] = {
        "continuation", "text",         "binary",       "reserved 0x3",
        "reserved 0x4", "reserved 0x5", "reserved 0x6", "reserved 0x7",
        "close",        "ping",         "pong",         "reserved 0xb",
        "reserved 0xc", "reserved 0xd", "reserved 0xe", "reserved 0xf"};
    return names[opcode & 0x0f];
}

/* RFC 7692 6: RSV1 belongs on the first frame of a data message only. */
static bool rsv_is_allowed(const struct frame_head *head, const struct frame_context *context)
{
    if (head->rsv == 0)
        return true;
    return head->rsv == RSV1 && context->rsv1_means_compressed && !frame_is_control(head->opcode) &&
           head->opcode != OPCODE_CONTINUATION;
}

/* RFC 6455 5.5 */
static const char *control_violation(const struct frame_head *head)
{
    if (!head->fin)
        return "a control frame is fragmented";
    if (head->payload_len > FRAME_CONTROL_MAX)
        return "a control frame is longer than 125 bytes";
    return NULL;
}

/* RFC 6455 5.4 */
static const char *order_violation(const struct frame_head *head, bool in_message)
{
    bool continues = head->opcode == OPCODE_CONTINUATION;
    if (continues && !in_message)
        return "a continuation without a message to continue";
    if (!continues && in_message)
        return "a new message inside a fragmented one";
    return NULL;
}

const char *frame_violation(const struct frame_head *head, const struct frame_context *context)
{
    if (!rsv_is_allowed(head, context))
        return "a reserved bit is set that no extension explains";
    if (!frame_is_known(head->opcode))
        return "a reserved opcode";
    if (context->sender == FRAME_FROM_CLIENT && !head->masked)
        return "a client's frame is not masked";
    if (context->sender == FRAME_FROM_SERVER && head->masked)
        return "a server's frame is masked";
    if (head->len_top_bit)
        return "the top bit of the length is set";
    if (!head->minimal_len)
        return "the length is not in its shortest form";
    return frame_is_control(head->opcode) ? control_violation(head)
                                          : order_violation(head, context->in_message);
}
