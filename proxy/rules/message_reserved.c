/* message.reserved: frames whose reserved parts are used end the connection. */
#include "rules/lib/offence.h"

static const struct offence_kind kinds[] = {
    {.what = "reserved_bits", .words = "a reserved bit"},
    {.what = "reserved_opcode", .words = "a reserved opcode for data"},
    {.what = "reserved_control", .words = "a reserved control opcode"},
    {.what = "huge_length", .words = "a length with its top bit set"},
    {.what = "long_length", .words = "a length written longer than needed", .lenient = true},
    {0},
};

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    (void)config;
    offences_check(trace, kinds, "the fault bad_frame with reserved bits, opcodes or lengths", out);
}

const struct rule_desc message_reserved_rule = {
    .name = "message.reserved",
    .id = "MSG-09",
    .title = "Reserved bits, opcodes, lengths",
    .brief = "frames with reserved bits, opcodes or lengths are refused",
    .doc =
        "Provoked by the fault bad_frame, which sends a frame in the name of the server: with a reserved "
        "bit that no extension was agreed for, an unknown opcode, a 64-bit length with its top bit, or "
        "a length in more bytes than it needs. Each has to end the connection within a second of wall "
        "time, by a Close or by the end of TCP; one that is still there after two was accepted, which "
        "is a failure, for the long length a warning. Whoever takes such a frame for data will read "
        "the next one at the wrong place. A client that is never seen to read is not judged. The "
        "remedy is a library that checks, or its option for it.",
    .source = "RFC 6455 5.2",
    .example = "message.reserved",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .check = check,
};
