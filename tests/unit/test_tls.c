#include "tests/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/ca.h"
#include "net/tls.h"

/* Two ends in memory under an authority of their own; no socket. */
struct pair {
    char folder[64];
    struct ca ca;
    struct tls_context *server_context, *client_context;
    struct tls *server, *client;
};

static void open_pair(struct pair *pair, const char *name, bool trusted)
{
    struct text why;
    text_init(&why);
    snprintf(pair->folder, sizeof pair->folder, "/tmp/halfopen-test-XXXXXX");
    CHECK(mkdtemp(pair->folder) != NULL);
    CHECK(ca_open(&pair->ca, pair->folder, &why));
    pair->server_context = tls_server_new(pair->ca.certificate, pair->ca.key, &why);
    pair->client_context = tls_client_new(trusted ? pair->ca.authority : NULL, TLS_VERIFY, &why);
    CHECK_STR(text_chars(&why), "");
    pair->server = tls_new(pair->server_context, NULL);
    pair->client = tls_new(pair->client_context, name);
    text_fini(&why);
}

static void remove_folder(const char *folder)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    while (open && (entry = readdir(open)))
        if (entry->d_name[0] != '.') {
            char *path = xprintf("%s/%s", folder, entry->d_name);
            (void)unlink(path);
            free(path);
        }
    if (open)
        closedir(open);
    (void)rmdir(folder);
}

static void close_pair(struct pair *pair)
{
    tls_free(pair->server);
    tls_free(pair->client);
    tls_context_free(pair->server_context);
    tls_context_free(pair->client_context);
    ca_close(&pair->ca);
    remove_folder(pair->folder);
}

static void carry(struct tls *from, struct tls *to, size_t slice)
{
    const uint8_t *bytes;
    size_t len;
    while ((len = tls_unsent(from, &bytes)) > 0) {
        size_t part = len < slice ? len : slice;
        tls_feed(to, bytes, part);
        tls_sent(from, part);
    }
}

static enum io_result shake(struct pair *pair, size_t slice)
{
    enum io_result client = IO_WANT_READ, server = IO_WANT_READ;
    for (int i = 0; i < 20 && (client == IO_WANT_READ || server == IO_WANT_READ); i++) {
        if (client == IO_WANT_READ)
            client = tls_handshake(pair->client);
        carry(pair->client, pair->server, slice);
        if (server == IO_WANT_READ)
            server = tls_handshake(pair->server);
        carry(pair->server, pair->client, slice);
    }
    return client == IO_OK ? server : client;
}

static void localhost_is_trusted_under_our_authority(void)
{
    struct pair pair;
    open_pair(&pair, "localhost", true);
    CHECK_INT(shake(&pair, 1 << 16), IO_OK);
    CHECK_STR(tls_version(pair.client), "TLSv1.3");
    CHECK_STR(tls_name(pair.server), "localhost");
    close_pair(&pair);
}

static void an_address_is_trusted_too_and_is_no_server_name(void)
{
    struct pair pair;
    open_pair(&pair, "127.0.0.1", true);
    CHECK_INT(shake(&pair, 1 << 16), IO_OK);
    CHECK_STR(tls_name(pair.server), "");
    close_pair(&pair);
}

static void a_handshake_survives_any_slicing(void)
{
    struct pair pair;
    open_pair(&pair, "::1", true);
    CHECK_INT(shake(&pair, 1), IO_OK);
    close_pair(&pair);
}

static void another_name_is_refused(void)
{
    struct pair pair;
    open_pair(&pair, "example.org", true);
    CHECK_INT(shake(&pair, 1 << 16), IO_ERROR);
    CHECK_CONTAINS(tls_why(pair.client), "mismatch");
    close_pair(&pair);
}

static void an_authority_nobody_named_is_not_trusted(void)
{
    struct pair pair;
    open_pair(&pair, "localhost", false);
    CHECK_INT(shake(&pair, 1 << 16), IO_ERROR);
    CHECK_CONTAINS(tls_why(pair.client), "certificate");
    close_pair(&pair);
}

static void bytes_come_out_as_they_went_in(void)
{
    struct pair pair;
    char out[16];
    size_t got;
    open_pair(&pair, "localhost", true);
    (void)shake(&pair, 1 << 16);
    CHECK_INT(tls_write(pair.client, "half-open", 9), IO_OK);
    carry(pair.client, pair.server, 3);
    CHECK_INT(tls_read(pair.server, out, sizeof out, &got), IO_OK);
    CHECK_BYTES(out, got, "half-open", 9);
    close_pair(&pair);
}

static void a_part_that_was_sent_is_gone_and_the_rest_is_not(void)
{
    struct pair pair;
    const uint8_t *bytes;
    open_pair(&pair, "localhost", true);
    (void)tls_handshake(pair.client);
    size_t all = tls_unsent(pair.client, &bytes);
    tls_sent(pair.client, all - 1);
    CHECK_INT(tls_unsent(pair.client, &bytes), 1);
    close_pair(&pair);
}

static enum io_result read_once(struct tls *tls)
{
    char out[16];
    size_t got;
    return tls_read(tls, out, sizeof out, &got);
}

static void a_proper_end_is_a_close_notify(void)
{
    struct pair pair;
    open_pair(&pair, "localhost", true);
    (void)shake(&pair, 1 << 16);
    tls_shutdown(pair.client);
    carry(pair.client, pair.server, 1 << 16);
    tls_feed_end(pair.server);
    CHECK_INT(read_once(pair.server), IO_CLOSE_NOTIFY);
    close_pair(&pair);
}

static void a_bare_fin_is_a_truncation(void)
{
    struct pair pair;
    open_pair(&pair, "localhost", true);
    (void)shake(&pair, 1 << 16);
    tls_feed_end(pair.server);
    CHECK_INT(read_once(pair.server), IO_TRUNCATED);
    close_pair(&pair);
}

static void writing_goes_on_after_a_bare_fin(void)
{
    struct pair pair;
    open_pair(&pair, "localhost", true);
    (void)shake(&pair, 1 << 16);
    tls_feed_end(pair.server);
    (void)read_once(pair.server);
    CHECK_INT(tls_write(pair.server, "x", 1), IO_OK);
    close_pair(&pair);
}

static void writing_goes_on_after_a_close_notify(void)
{
    struct pair pair;
    open_pair(&pair, "localhost", true);
    (void)shake(&pair, 1 << 16);
    tls_shutdown(pair.client);
    carry(pair.client, pair.server, 1 << 16);
    (void)read_once(pair.server);
    CHECK_INT(tls_write(pair.server, "x", 1), IO_OK);
    close_pair(&pair);
}

static void a_fin_in_the_handshake_is_told(void)
{
    struct pair pair;
    open_pair(&pair, "localhost", true);
    tls_feed_end(pair.server);
    CHECK_INT(tls_handshake(pair.server), IO_TRUNCATED);
    close_pair(&pair);
}

static void what_is_no_tls_is_an_error(void)
{
    struct pair pair;
    open_pair(&pair, "localhost", true);
    tls_feed(pair.server, "GET / HTTP/1.1\r\n\r\n", 18);
    CHECK_INT(tls_handshake(pair.server), IO_ERROR);
    close_pair(&pair);
}

static void the_authority_is_made_once(void)
{
    struct pair pair;
    struct ca again;
    struct text why;
    struct stat before, after;
    text_init(&why);
    open_pair(&pair, "localhost", true);
    (void)stat(pair.ca.authority, &before);
    CHECK(ca_open(&again, pair.folder, &why));
    (void)stat(again.authority, &after);
    CHECK_INT(after.st_ino, before.st_ino);
    ca_close(&again);
    text_fini(&why);
    close_pair(&pair);
}

static void keys_are_for_their_owner_only(void)
{
    struct pair pair;
    struct stat key, folder;
    open_pair(&pair, "localhost", true);
    (void)stat(pair.ca.key, &key);
    (void)stat(pair.ca.folder, &folder);
    CHECK_INT(key.st_mode & 0777, 0600);
    CHECK_INT(folder.st_mode & 0777, 0700);
    close_pair(&pair);
}

static void a_file_that_is_missing_is_named(void)
{
    struct text why;
    text_init(&why);
    CHECK(tls_server_new("/nonexistent.pem", "/nonexistent.key", &why) == NULL);
    CHECK_CONTAINS(text_chars(&why), "/nonexistent.pem: ");
    text_fini(&why);
}

SUITE(tls, TEST(localhost_is_trusted_under_our_authority),
      TEST(an_address_is_trusted_too_and_is_no_server_name), TEST(a_handshake_survives_any_slicing),
      TEST(another_name_is_refused), TEST(an_authority_nobody_named_is_not_trusted),
      TEST(bytes_come_out_as_they_went_in), TEST(a_part_that_was_sent_is_gone_and_the_rest_is_not),
      TEST(a_proper_end_is_a_close_notify), TEST(a_bare_fin_is_a_truncation),
      TEST(writing_goes_on_after_a_bare_fin), TEST(writing_goes_on_after_a_close_notify),
      TEST(a_fin_in_the_handshake_is_told), TEST(what_is_no_tls_is_an_error),
      TEST(the_authority_is_made_once), TEST(keys_are_for_their_owner_only),
      TEST(a_file_that_is_missing_is_named))
