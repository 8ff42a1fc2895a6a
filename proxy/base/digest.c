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

uint64_t digest_hash(uint64_t key, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u ^ key;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash ^ (hash >> 32);
}
