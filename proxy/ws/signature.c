#include "ws/signature.h"

#include <string.h>

#include "base/digest.h"

#define MARK     '#'
#define HEX_MIN  8 /* shorter runs are words: "bad", "feed" */
#define UUID_LEN 36

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* A table: every byte of every message is asked for. */
static bool is_hex(uint8_t c)
{
    static const bool hex[256] = {
        ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true,
        ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true, ['a'] = true, ['b'] = true,
        ['c'] = true, ['d'] = true, ['e'] = true, ['f'] = true, ['A'] = true, ['B'] = true,
        ['C'] = true, ['D'] = true, ['E'] = true, ['F'] = true};
    return hex[c];
}

static size_t run_of(bool (*belongs)(uint8_t), const uint8_t *bytes, size_t len)
{
    size_t run = 0;
    while (run < len && belongs(bytes[run]))
        run++;
    return run;
}

/* RFC 9562 4: 8-4-4-4-12 */
static bool is_uuid(const uint8_t *bytes, size_t len)
{
    if (len < UUID_LEN)
        return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? bytes[i] != '-' : !is_hex(bytes[i]))
            return false;
    }
    return true;
}

/* Bytes at the start that become one mark; 0: none. */
static size_t masked_len(const uint8_t *bytes, size_t len)
{
    if (is_uuid(bytes, len))
        return UUID_LEN;
    size_t hex = run_of(is_hex, bytes, len);
    return hex >= HEX_MIN ? hex : run_of(is_digit, bytes, len);
}

#define STRIDE 8

/* Without a branch for each: most text has no digits. */
static bool stride_has_hex(const uint8_t *bytes)
{
    unsigned found = 0;
    for (size_t i = 0; i < STRIDE; i++)
        found += is_hex(bytes[i]);
    return found > 0;
}

/* Length of a leading stretch without a hexadecimal digit. */
static size_t plain_len(const uint8_t *bytes, size_t len)
{
    size_t done = 0;
    while (len - done >= STRIDE && !stride_has_hex(bytes + done))
        done += STRIDE;
    while (done < len && !is_hex(bytes[done]))
        done++;
    return done;
}

size_t signature_mask(const uint8_t *payload, size_t len, uint8_t *out)
{
    size_t at = 0, written = 0;
    len = len < SIGNATURE_LIMIT_BYTES ? len : SIGNATURE_LIMIT_BYTES;
    while (at < len) {
        size_t plain = plain_len(payload + at, len - at);
        memcpy(out + written, payload + at, plain);
        written += plain;
        at += plain;
        if (at == len)
            break;
        size_t masked = masked_len(payload + at, len - at);
        out[written++] = masked ? MARK : payload[at];
        at += masked ? masked : 1;
    }
    return written;
}

size_t signature_marks(const uint8_t *payload, size_t len, struct signature_mark *out, size_t room)
{
    size_t at = 0, count = 0;
    len = len < SIGNATURE_LIMIT_BYTES ? len : SIGNATURE_LIMIT_BYTES;
    while (at < len && count < room) {
        size_t masked = is_hex(payload[at]) ? masked_len(payload + at, len - at) : 0;
        if (masked > 0)
            out[count++] = (struct signature_mark){
                .from = at,
                .len = masked,
                .decimal = run_of(is_digit, payload + at, masked) == masked};
        at += masked ? masked : 1;
    }
    return count;
}

static struct digest_input content_of(uint64_t key, const uint8_t *payload, size_t len,
                                      uint64_t total_len)
{
    len = len < SIGNATURE_LIMIT_BYTES ? len : SIGNATURE_LIMIT_BYTES;
    return (struct digest_input){key ^ total_len, payload, len};
}

uint64_t signature_content(uint64_t key, const uint8_t *payload, size_t len, uint64_t total_len)
{
    const struct digest_input in = content_of(key, payload, len, total_len);
    return digest_hash(&in);
}

struct signature signature_of(uint64_t key, const uint8_t *payload, size_t len, uint64_t total_len)
{
    uint8_t masked[SIGNATURE_LIMIT_BYTES];
    size_t masked_bytes = signature_mask(payload, len, masked);
    const struct digest_input in[2] = {content_of(key, payload, len, total_len),
                                       {key, masked, masked_bytes}};
    uint64_t out[2];
    digest_hash_both(in, out);
    return (struct signature){.content = out[0], .kind = out[1]};
}

void signature_digits(uint64_t value, char out[SIGNATURE_DIGITS + 1])
{
    for (size_t i = SIGNATURE_DIGITS; i-- > 0; value >>= 4)
        out[i] = "0123456789abcdef"[value & 15];
    out[SIGNATURE_DIGITS] = '\0';
}
