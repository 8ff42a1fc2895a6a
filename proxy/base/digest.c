#include "base/digest.h"

#include <assert.h>
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

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t hash_on(uint64_t hash, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * FNV_PRIME;
    return hash ^ (hash >> 32);
}

/* Each multiplication waits for the one before: the processor does two chains side by side. */
void digest_hash_both(const struct digest_input in[2], uint64_t out[2])
{
    size_t shared = in[0].len < in[1].len ? in[0].len : in[1].len;
    uint64_t one = FNV_START ^ in[0].key, other = FNV_START ^ in[1].key;
    for (size_t i = 0; i < shared; i++) {
        one = (one ^ in[0].bytes[i]) * FNV_PRIME;
        other = (other ^ in[1].bytes[i]) * FNV_PRIME;
    }
    out[0] = hash_on(one, in[0].bytes + shared, in[0].len - shared);
    out[1] = hash_on(other, in[1].bytes + shared, in[1].len - shared);
}
