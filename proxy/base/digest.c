#include "base/digest.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

static void digest(const EVP_MD *kind, const void *bytes, size_t len, uint8_t *out)
{
    unsigned out_len = 0;
    int done = EVP_Digest(bytes, len, out, &out_len, kind, NULL);
    assert(done == 1);
}

void digest_sha1(const void *bytes, size_t len, uint8_t out[20])
{
    digest(EVP_sha1(), bytes, len, out);
}

static void add_hex(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool digest_stream(FILE *file, uint8_t raw[32])
{
    uint8_t piece[16384];
    size_t len;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert(context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    while ((len = fread(piece, 1, sizeof piece, file)) > 0)
        (void)EVP_DigestUpdate(context, piece, len);
    (void)EVP_DigestFinal_ex(context, raw, NULL);
    EVP_MD_CTX_free(context);
    return !ferror(file);
}

bool digest_sha256_file(const char *path, char out[65])
{
    uint8_t raw[32];
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    bool done = digest_stream(file, raw);
    int error = errno;
    (void)fclose(file);
    errno = error;
    if (done)
        add_hex(raw, sizeof raw, out);
    return done;
}

void digest_base64(const void *bytes, size_t len, char *out)
{
    (void)EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
}

#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x9e3779b97f4a7c15)
#define WORD_BYTES sizeof(uint64_t)

/* One to one in the hash and in the word, so that a difference is never lost on the way. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * HASH_PRIME;
    return hash ^ hash >> 32;
}

/* Little-endian on every machine: traces are compared between them. */
static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

static uint64_t begin(const struct digest_input *in)
{
    return mix(HASH_START ^ in->key, in->len);
}

static uint64_t end(uint64_t hash, const uint8_t *bytes, size_t len)
{
    uint8_t last[WORD_BYTES] = {0};
    for (; len >= WORD_BYTES; bytes += WORD_BYTES, len -= WORD_BYTES)
        hash = mix(hash, word_at(bytes));
    if (len > 0)
        memcpy(last, bytes, len);
    return mix(mix(hash, word_at(last)), HASH_START);
}

uint64_t digest_hash(const struct digest_input *in)
{
    return end(begin(in), in->bytes, in->len);
}

/* Each multiplication waits for the one before: the processor does two chains side by side. */
void digest_hash_both(const struct digest_input in[2], uint64_t out[2])
{
    size_t shared = in[0].len < in[1].len ? in[0].len : in[1].len, done = 0;
    uint64_t one = begin(&in[0]), other = begin(&in[1]);
    for (; shared - done >= WORD_BYTES; done += WORD_BYTES) {
        one = mix(one, word_at(in[0].bytes + done));
        other = mix(other, word_at(in[1].bytes + done));
    }
    out[0] = end(one, in[0].bytes + done, in[0].len - done);
    out[1] = end(other, in[1].bytes + done, in[1].len - done);
}
