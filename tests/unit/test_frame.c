#include "ws/frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/unit/guarded.h"

static void note_head(const struct frame_head *head, struct text *out)
{
    text_addf(out, "[%d %d %s %d %02x%02x%02x%02x %llu %u %d %d]", head->fin, head->rsv,
              frame_opcode_name(head->opcode), head->masked, head->mask_key[0], head->mask_key[1],
              head->mask_key[2], head->mask_key[3], (unsigned long long)head->payload_len,
              head->head_len, head->minimal_len, head->len_top_bit);
}

static void note_step(enum frame_step step, const struct frame_decoder *decoder,
                      const uint8_t *bytes, size_t taken, struct text *out)
{
    switch (step) {
    case FRAME_HEAD:
        note_head(&decoder->head, out);
        break;
    case FRAME_PAYLOAD:
        for (size_t i = 0; i < taken; i++)
            text_addf(out, " %llu:%02x", (unsigned long long)decoder->offset + i, bytes[i]);
        break;
    case FRAME_END:
        text_add(out, ".");
        break;
    case FRAME_MORE:
        break;
    }
}

static void read_frames(const uint8_t *bytes, size_t len, size_t first, size_t step,
                        struct text *out)
{
    struct frame_decoder decoder;
    frame_decoder_init(&decoder);
    for (size_t at = 0; at < len;) {
        size_t piece = slice_len(at, len - at, first, step), used = 0, taken;
        enum frame_step what;
        while ((what = frame_decode(&decoder, bytes + at + used, piece - used, &taken)) !=
               FRAME_MORE) {
            note_step(what, &decoder, bytes + at + used, taken, out);
            used += taken;
        }
        at += piece;
    }
    text_add(out, frame_at_boundary(&decoder) ? " boundary" : " inside");
}

static void check_frames(const void *bytes, size_t len, const char *want)
{
    struct text got;
    text_init(&got);
    read_frames(bytes, len, len, 1, &got);
    CHECK_STR(text_chars(&got), want);
    CHECK_INT(slices_that_differ(read_frames, bytes, len), 0);
    text_fini(&got);
}

#define CHECK_FRAMES(bytes, want) check_frames(bytes, sizeof(bytes) - 1, want)

/* RFC 6455 5.7 */
static void an_unmasked_text_message(void)
{
    CHECK_FRAMES("\x81\x05Hello",
                 "[1 0 text 0 00000000 5 2 1 0] 0:48 1:65 2:6c 3:6c 4:6f. boundary");
}

static void a_masked_text_message(void)
{
    CHECK_FRAMES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
                 "[1 0 text 1 37fa213d 5 6 1 0] 0:7f 1:9f 2:4d 3:51 4:58. boundary");
}

static void a_fragmented_text_message(void)
{
    CHECK_FRAMES("\x01\x03Hel\x80\x02lo",
                 "[0 0 text 0 00000000 3 2 1 0] 0:48 1:65 2:6c."
                 "[1 0 continuation 0 00000000 2 2 1 0] 0:6c 1:6f. boundary");
}

static void a_ping_and_its_masked_pong(void)
{
    CHECK_FRAMES("\x89\x02Hi\x8a\x82\x37\xfa\x21\x3d\x7f\x93",
                 "[1 0 ping 0 00000000 2 2 1 0] 0:48 1:69."
                 "[1 0 pong 1 37fa213d 2 6 1 0] 0:7f 1:93. boundary");
}

static void length_256_takes_two_bytes(void)
{
    uint8_t bytes[4 + 256] = {0x82, 0x7e, 0x01, 0x00};
    struct frame_decoder decoder = {0};
    size_t taken;
    CHECK_INT(frame_decode(&decoder, bytes, sizeof bytes, &taken), FRAME_HEAD);
    CHECK_INT(taken, 4);
    CHECK_INT(decoder.head.payload_len, 256);
    CHECK(decoder.head.minimal_len);
    CHECK_INT(frame_decode(&decoder, bytes + 4, 256, &taken), FRAME_PAYLOAD);
    CHECK_INT(taken, 256);
}

static void length_65536_takes_eight_bytes(void)
{
    CHECK_FRAMES("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
                 "[1 0 binary 0 00000000 65536 10 1 0] inside");
}

static void no_bytes_give_nothing(void)
{
    CHECK_FRAMES("", " boundary");
}

static void an_empty_frame_ends_without_another_byte(void)
{
    CHECK_FRAMES("\x89\x00", "[1 0 ping 0 00000000 0 2 1 0]. boundary");
}

static void part_of_a_head_is_no_boundary(void)
{
    CHECK_FRAMES("\x89", " inside");
}

static void lengths_that_are_not_minimal_are_reported(void)
{
    CHECK_FRAMES("\x82\x7e\x00\x7d", "[1 0 binary 0 00000000 125 4 0 0] inside");
    CHECK_FRAMES("\x82\x7e\x00\x7e", "[1 0 binary 0 00000000 126 4 1 0] inside");
    CHECK_FRAMES("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff",
                 "[1 0 binary 0 00000000 65535 10 0 0] inside");
}

static void a_length_with_the_top_bit_is_reported_and_carried(void)
{
    CHECK_FRAMES("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xffx",
                 "[1 0 binary 0 00000000 18446744073709551615 10 1 1] 0:78 inside");
}

static void reserved_bits_and_opcodes_are_carried(void)
{
    CHECK_FRAMES("\xf3\x01x", "[1 7 reserved 0x3 0 00000000 1 2 1 0] 0:78. boundary");
}

static void what_was_decoded_is_encoded_as_it_was(void)
{
    static const struct {
        const char *bytes;
        size_t len;
    } heads[] = {{"\x81\x05", 2},
                 {"\x81\x85\x37\xfa\x21\x3d", 6},
                 {"\xf2\x7e\x00\x05", 4},
                 {"\x02\xff\x00\x00\x00\x00\x00\x00\x00\x05\x01\x02\x03\x04", 14}};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct frame_decoder decoder = {0};
        uint8_t out[FRAME_HEAD_MAX];
        size_t taken;
        (void)frame_decode(&decoder, (const uint8_t *)heads[i].bytes, heads[i].len, &taken);
        size_t len = frame_encode_head(&decoder.head, out);
        CHECK_BYTES(out, len, heads[i].bytes, heads[i].len);
        CHECK_BYTES(decoder.raw, decoder.head.head_len, heads[i].bytes, heads[i].len);
    }
}

static void lengths_change_their_form_at_126_and_65536(void)
{
    static const struct {
        uint64_t len;
        size_t head;
    } edges[] = {{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}, {UINT64_MAX, 10}};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        struct frame_head head = {
            .fin = true, .opcode = OPCODE_BINARY, .payload_len = edges[i].len};
        uint8_t out[FRAME_HEAD_MAX];
        CHECK_INT(frame_encode_head(&head, out), edges[i].head);
    }
}

static void masking_is_the_same_from_any_offset(void)
{
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t whole[101], pieces[101];
    for (size_t i = 0; i < sizeof whole; i++)
        whole[i] = pieces[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof whole; i++)
        whole[i] ^= key[i % 4];
    size_t wrong = 0;
    for (size_t cut = 0; cut <= sizeof pieces; cut++) {
        uint8_t copy[101], other[101];
        memcpy(copy, pieces, sizeof copy);
        frame_mask(copy, cut, key, 0);
        frame_mask(copy + cut, sizeof copy - cut, key, cut);
        wrong += memcmp(copy, whole, sizeof copy) != 0;
        frame_mask_into(other, pieces, cut, key, 0);
        frame_mask_into(other + cut, pieces + cut, sizeof other - cut, key, cut);
        wrong += memcmp(other, whole, sizeof other) != 0;
    }
    CHECK_INT(wrong, 0);
}

static void a_built_frame_is_the_rfc_example(void)
{
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t out[11];
    size_t len = frame_build(out, sizeof out, OPCODE_TEXT, "Hello", 5, key);
    CHECK_BYTES(out, len, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    len = frame_build(out, 7, OPCODE_TEXT, "Hello", 5, NULL);
    CHECK_BYTES(out, len, "\x81\x05Hello", 7);
}

static const char *violation(struct frame_head head, bool in_message, bool compressed)
{
    struct frame_context context = {head.masked ? FRAME_FROM_CLIENT : FRAME_FROM_SERVER, in_message,
                                    compressed};
    head.minimal_len = true;
    return frame_violation(&head, &context);
}

static void sound_frames_violate_nothing(void)
{
    CHECK_STR(violation((struct frame_head){.fin = true, .opcode = OPCODE_TEXT}, false, false),
              NULL);
    CHECK_STR(violation((struct frame_head){.opcode = OPCODE_CONTINUATION}, true, false), NULL);
    CHECK_STR(violation(
                  (struct frame_head){
                      .fin = true, .opcode = OPCODE_PING, .masked = true, .payload_len = 125},
                  true, false),
              NULL);
    CHECK_STR(violation((struct frame_head){.fin = true, .rsv = RSV1, .opcode = OPCODE_TEXT}, false,
                        true),
              NULL);
}

static void violations_are_named(void)
{
    CHECK_CONTAINS(violation((struct frame_head){.opcode = OPCODE_PING}, false, false),
                   "fragmented");
    CHECK_CONTAINS(
        violation((struct frame_head){.fin = true, .opcode = OPCODE_PING, .payload_len = 126},
                  false, false),
        "longer than 125");
    CHECK_CONTAINS(violation((struct frame_head){.fin = true}, false, false), "continuation");
    CHECK_CONTAINS(violation((struct frame_head){.fin = true, .opcode = OPCODE_TEXT}, true, false),
                   "inside");
    CHECK_CONTAINS(violation((struct frame_head){.fin = true, .opcode = 3}, false, false),
                   "opcode");
    CHECK_CONTAINS(violation((struct frame_head){.fin = true, .rsv = RSV1, .opcode = OPCODE_TEXT},
                             false, false),
                   "reserved bit");
    CHECK_CONTAINS(violation((struct frame_head){.fin = true, .rsv = RSV1}, true, true),
                   "reserved bit");
}

static void masking_is_the_clients_duty(void)
{
    struct frame_head head = {.fin = true, .opcode = OPCODE_TEXT, .minimal_len = true};
    struct frame_context client = {FRAME_FROM_CLIENT, false, false};
    struct frame_context server = {FRAME_FROM_SERVER, false, false};
    CHECK_CONTAINS(frame_violation(&head, &client), "not masked");
    head.masked = true;
    CHECK_CONTAINS(frame_violation(&head, &server), "is masked");
}

/* Heads at random with short payloads, some of them cut off: any slicing gives the same. */
static void random_frames_read_the_same_in_any_slices(void)
{
    struct rng rng;
    size_t different = 0;
    rng_init(&rng, 1, "frames", 0);
    for (int round = 0; round < 200; round++) {
        uint8_t bytes[256];
        size_t len = 0;
        while (len < 128) {
            uint8_t payload[32];
            struct frame_head head = {.fin = rng_next(&rng) & 1,
                                      .rsv = rng_next(&rng) & 7,
                                      .opcode = rng_next(&rng) & 15,
                                      .masked = rng_next(&rng) & 1};
            size_t forms[] = {2, 4, 10};
            head.payload_len = rng_next(&rng) % sizeof payload;
            head.head_len = (uint8_t)(forms[rng_next(&rng) % 3] + (head.masked ? 4 : 0));
            len += frame_encode_head(&head, bytes + len);
            memset(bytes + len, round, head.payload_len);
            len += head.payload_len;
        }
        len -= rng_next(&rng) % 20;
        different += slices_that_differ(read_frames, bytes, len);
    }
    CHECK_INT(different, 0);
}

static void random_bytes_do_no_harm(void)
{
    struct rng rng;
    size_t different = 0;
    rng_init(&rng, 2, "frames", 0);
    for (int round = 0; round < 300; round++) {
        uint8_t bytes[64];
        size_t len = rng_next(&rng) % sizeof bytes;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)rng_next(&rng);
        different += slices_that_differ(read_frames, bytes, len);
    }
    CHECK_INT(different, 0);
}

SUITE(frame, TEST(an_unmasked_text_message), TEST(a_masked_text_message),
      TEST(a_fragmented_text_message), TEST(a_ping_and_its_masked_pong),
      TEST(length_256_takes_two_bytes), TEST(length_65536_takes_eight_bytes),
      TEST(no_bytes_give_nothing), TEST(an_empty_frame_ends_without_another_byte),
      TEST(part_of_a_head_is_no_boundary), TEST(lengths_that_are_not_minimal_are_reported),
      TEST(a_length_with_the_top_bit_is_reported_and_carried),
      TEST(reserved_bits_and_opcodes_are_carried), TEST(what_was_decoded_is_encoded_as_it_was),
      TEST(lengths_change_their_form_at_126_and_65536), TEST(masking_is_the_same_from_any_offset),
      TEST(a_built_frame_is_the_rfc_example), TEST(sound_frames_violate_nothing),
      TEST(violations_are_named), TEST(masking_is_the_clients_duty),
      TEST(random_frames_read_the_same_in_any_slices), TEST(random_bytes_do_no_harm))
