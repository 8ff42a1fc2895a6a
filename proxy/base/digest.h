/* Digests and encodings that protocols ask for, on libcrypto. */
#ifndef HALFOPEN_BASE_DIGEST_H
#define HALFOPEN_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void digest_sha1(const void *bytes, size_t len, uint8_t out[20]);
bool digest_sha256_file(const char *path, char out[65]); /* false: cannot be read, errno says why */
/* base64 with padding; out holds 4 * ((len + 2) / 3) + 1. */
void digest_base64(const void *bytes, size_t len, char *out);
/* A fast keyed 64-bit hash, the same on every machine, for grouping, never for security. */
struct digest_input {
    uint64_t key;
    const uint8_t *bytes;
    size_t len;
};
uint64_t digest_hash(const struct digest_input *);
/* Two of them in the time of one. */
void digest_hash_both(const struct digest_input in[2], uint64_t out[2]);

#endif
