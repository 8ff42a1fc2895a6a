#include "base/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/check.h"

/* RFC 6455 1.3: the sample key and its accept value. */
static void the_accept_value_of_the_rfc_comes_out(void)
{
    static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t sha[20];
    char out[29];
    digest_sha1(key, sizeof key - 1, sha);
    digest_base64(sha, sizeof sha, out);
    CHECK_STR(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void check_file(const void *bytes, size_t len, const char *want)
{
    char name[] = "/tmp/halfopen-digest-XXXXXX", out[65] = "";
    int fd = mkstemp(name);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, bytes, len), len);
    close(fd);
    CHECK(digest_sha256_file(name, out));
    CHECK_STR(out, want);
    unlink(name);
}

/* FIPS 180-4's examples: none, a few and a million bytes. */
static void sha256_is_the_standards(void)
{
    static uint8_t million[1000000];
    memset(million, 'a', sizeof million);
    check_file("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_file("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_file(million, sizeof million,
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 4648 10. */
static void base64_pads_every_remainder(void)
{
    static const char *const want[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                       "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t len = 0; len <= 6; len++) {
        char out[9];
        digest_base64("foobar", len, out);
        CHECK_STR(out, want[len]);
    }
}

static void a_file_that_cannot_be_read_says_why(void)
{
    char out[65];
    errno = 0;
    CHECK(!digest_sha256_file("/nowhere/at/all", out));
    CHECK_INT(errno, ENOENT);
    CHECK(!digest_sha256_file("/tmp", out));
    CHECK_INT(errno, EISDIR);
}

static uint64_t hash(uint64_t key, const char *bytes)
{
    return digest_hash(&(struct digest_input){key, (const uint8_t *)bytes, strlen(bytes)});
}

static void hashes_differ_by_key_and_by_byte(void)
{
    CHECK(hash(1, "ping") == hash(1, "ping"));
    CHECK(hash(1, "ping") != hash(2, "ping"));
    CHECK(hash(1, "ping") != hash(1, "pong"));
    CHECK(hash(1, "12345678ping") != hash(1, "12345679ping"));
    CHECK(hash(1, "12345678ping") != hash(1, "12345678pong"));
    CHECK(hash(1, "ping") != hash(1, "pin"));
}

static void two_hashes_do_not_mix(void)
{
    static const char text[] = "0123456789abcdefghijklmnopqrst";
    const struct digest_input other = {2, (const uint8_t *)"56789 56789 56789", 17};
    for (size_t from = 0; from <= 30; from++) {
        uint64_t both[2], swapped[2];
        const struct digest_input one = {1, (const uint8_t *)text + from, 30 - from};
        digest_hash_both((struct digest_input[]){one, other}, both);
        digest_hash_both((struct digest_input[]){other, one}, swapped);
        CHECK_INT(both[0], hash(1, text + from));
        CHECK_INT(both[1], hash(2, "56789 56789 56789"));
        CHECK_INT(swapped[0], both[1]);
        CHECK_INT(swapped[1], both[0]);
    }
}

SUITE(digest, TEST(the_accept_value_of_the_rfc_comes_out), TEST(sha256_is_the_standards),
      TEST(base64_pads_every_remainder), TEST(a_file_that_cannot_be_read_says_why),
      TEST(hashes_differ_by_key_and_by_byte), TEST(two_hashes_do_not_mix))
