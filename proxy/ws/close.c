#include "ws/close.h"

#include <string.h>

#include "ws/frame.h"
#include "ws/utf8.h"

struct close_range {
    uint16_t from, to;
    bool on_wire;
    const char *name;
};

/* RFC 6455 7.4, and what IANA registered since. Sorted; what is not here is unassigned. */
static const struct close_range ranges[] = {
    {1000, 1000, true, "normal closure"},
    {1001, 1001, true, "going away"},
    {1002, 1002, true, "protocol error"},
    {1003, 1003, true, "unsupported data"},
    {1004, 1004, false, "reserved"},
    {1005, 1005, false, "no status received"},
    {1006, 1006, false, "abnormal closure"},
    {1007, 1007, true, "invalid payload data"},
    {1008, 1008, true, "policy violation"},
    {1009, 1009, true, "message too big"},
    {1010, 1010, true, "mandatory extension"},
    {1011, 1011, true, "internal error"},
    {1012, 1012, true, "service restart"},
    {1013, 1013, true, "try again later"},
    {1014, 1014, true, "bad gateway"},
    {1015, 1015, false, "TLS handshake"},
    {3000, 3000, true, "unauthorized"},
    {3001, 3002, true, "library or framework"},
    {3003, 3003, true, "forbidden"},
    {3004, 3007, true, "library or framework"},
    {3008, 3008, true, "timeout"},
    {3009, 3999, true, "library or framework"},
    {4000, 4999, true, "application"},
};

static const struct close_range *find(uint16_t code)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].from && code <= ranges[i].to)
            return &ranges[i];
    return NULL;
}

const char *close_name(uint16_t code)
{
    const struct close_range *range = find(code);
    return range ? range->name : "unassigned";
}

bool close_may_be_sent(uint16_t code)
{
    const struct close_range *range = find(code);
    return range && range->on_wire;
}

static const char *find_wrong(const struct close_payload *payload, size_t len)
{
    if (len == 1)
        return "a payload of one byte";
    if (len > FRAME_CONTROL_MAX)
        return "longer than 125 bytes";
    if (len >= 2 && !find(payload->code))
        return "a code that nobody assigned";
    if (len >= 2 && !close_may_be_sent(payload->code))
        return "a code that must not be sent";
    return payload->reason_is_utf8 ? "" : "the reason is not UTF-8";
}

void close_parse(const uint8_t *payload, size_t len, struct close_payload *out)
{
    *out = (struct close_payload){.code = CLOSE_NO_STATUS, .reason_is_utf8 = true};
    if (len >= 2) {
        out->code = (uint16_t)(payload[0] << 8 | payload[1]);
        out->reason = payload + 2;
        out->reason_len = len - 2;
        out->reason_is_utf8 = utf8_is_valid(out->reason, out->reason_len);
    }
    out->wrong = find_wrong(out, len);
}

static size_t cut_before_character(const char *reason)
{
    size_t len = strnlen(reason, CLOSE_REASON_MAX + 1);
    if (len <= CLOSE_REASON_MAX)
        return len;
    len = CLOSE_REASON_MAX;
    while (len > 0 && ((uint8_t)reason[len] & 0xc0) == 0x80)
        len--;
    return len;
}

size_t close_build(uint8_t out[125], uint16_t code, const char *reason)
{
    if (code == CLOSE_NO_STATUS)
        return 0;
    size_t len = reason ? cut_before_character(reason) : 0;
    out[0] = (uint8_t)(code >> 8);
    out[1] = (uint8_t)code;
    if (len > 0)
        memcpy(out + 2, reason, len);
    return 2 + len;
}
