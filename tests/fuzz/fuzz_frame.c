#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "tests/fuzz/fuzz.h"
#include "ws/frame.h"

/* What a decoder makes of the bytes in pieces of step. The heads encode as they were read. */
static void read_in(const uint8_t *bytes, size_t len, size_t step, struct text *out)
{
    struct frame_decoder decoder;
    uint64_t payload = 0;
    frame_decoder_init(&decoder);
    for (size_t at = 0; at < len; at += step) {
        const uint8_t *piece = bytes + at;
        size_t left = len - at < step ? len - at : step, taken;
        enum frame_step said;
        while ((said = frame_decode(&decoder, piece, left, &taken)) != FRAME_MORE) {
            uint8_t again[FRAME_HEAD_MAX];
            assert(taken <= left);
            if (said == FRAME_HEAD) {
                assert(frame_encode_head(&decoder.head, again) == decoder.head.head_len);
                assert(decoder.head.len_top_bit ||
                       memcmp(again, decoder.raw, decoder.head.head_len) == 0);
                payload = 0;
            } else if (said == FRAME_PAYLOAD) {
                assert(decoder.offset == payload && taken > 0);
                payload += taken;
            } else {
                assert(taken == 0 && payload == decoder.head.payload_len);
                text_addf(out, "%s %llu;", frame_opcode_name(decoder.head.opcode),
                          (unsigned long long)payload);
            }
            piece += taken;
            left -= taken;
        }
    }
    text_addf(out, "%d", frame_at_boundary(&decoder));
}

void fuzz_frame(const uint8_t *bytes, size_t len)
{
    struct text whole, bytewise;
    text_init(&whole);
    text_init(&bytewise);
    if (len > 0)
        read_in(bytes, len, len, &whole);
    read_in(bytes, len, 1, &bytewise);
    assert(len == 0 || strcmp(text_chars(&whole), text_chars(&bytewise)) == 0);
    text_fini(&whole);
    text_fini(&bytewise);
}
