/* message.control_limits: control frames that are too long or in pieces end the connection. */
#include "rules/lib/offence.h"

static const struct offence_kind kinds[] = {
    {.what = "large_control", .words = "a ping of 126 bytes"},
    {.what = "fragmented_control", .words = "a ping that is not final"},
    {0},
};

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    (void)config;
    offences_check(trace, kinds, "the fault bad_frame with large_control or fragmented_control",
                   out);
}

const struct rule_desc message_control_limits_rule = {
    .name = "message.control_limits",
    .id = "MSG-12",
    .title = "Control frame limits",
    .brief = "control frames are short and whole, or refused",
    .doc =
        "Provoked by the fault bad_frame, which sends a ping of 126 bytes, or one that is not final, "
        "in the name of the server. Either has to end the connection within a second of wall time, by "
        "a Close or by the end of TCP; a client that is still there after two accepted it, which is a "
        "failure. Whoever makes room for 125 bytes and takes more has a buffer overrun; whoever waits "
        "for the rest of a ping stops answering. The remedy is a library that checks the length and "
        "FIN of control frames.",
    .source = "RFC 6455 5.5",
    .example = "message.control_limits",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .check = check,
};
