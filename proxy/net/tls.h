/* TLS by OpenSSL over memory: whoever owns the socket reads and writes it, and feeds ciphertext in
 * and takes it out here. So a bare FIN can be told from a close_notify, and writing goes on after
 * either (OpenSSL 3 on a socket of its own cannot). No socket, no clock. */
#ifndef HALFOPEN_NET_TLS_H
#define HALFOPEN_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "net/io.h"

struct tls_context; /* what many connections share */
struct tls;         /* one connection */

enum tls_verification { TLS_VERIFY, TLS_TRUST_ANYBODY };

/* NULL: *why says what was wrong. */
struct tls_context *tls_server_new(const char *cert_file, const char *key_file, struct text *why);
/* ca_file: trusted beside the system's CAs; NULL: none. */
struct tls_context *tls_client_new(const char *ca_file, enum tls_verification, struct text *why);
void tls_context_free(struct tls_context *); /* connections that are left keep working */

/* server_name: client side: SNI (unless it is an address) and the name that is verified. NULL for
 * servers. */
struct tls *tls_new(struct tls_context *, const char *server_name);
void tls_free(struct tls *);
/* Server side, before anything is fed. The ClientHello is answered by this fatal alert, RFC 8446 6.
 */
void tls_refuse(struct tls *, unsigned alert);
/* No version above it (0x0301 is TLS 1.0) is spoken, with what ciphers it had. */
void tls_limit(struct tls *, unsigned version);

/* Ciphertext from the socket; all of it is taken. At most one read's worth should be fed before it
 * is drained by tls_handshake or tls_read. */
void tls_feed(struct tls *, const void *bytes, size_t len);
void tls_feed_end(struct tls *);    /* the socket's FIN */
size_t tls_fed(const struct tls *); /* ciphertext not looked at yet */
/* Ciphertext for the socket: borrows; 0 when there is none. */
size_t tls_unsent(struct tls *, const uint8_t **bytes);
void tls_sent(struct tls *, size_t); /* so much of it is written */

/* IO_OK: complete. IO_WANT_READ; IO_TRUNCATED: FIN in the middle; IO_ERROR: tls_why. */
enum io_result tls_handshake(struct tls *);
/* IO_OK with *got > 0, IO_WANT_READ, IO_CLOSE_NOTIFY, IO_TRUNCATED or IO_ERROR. */
enum io_result tls_read(struct tls *, void *, size_t room, size_t *got);
/* IO_OK: all of it is ciphertext now; or IO_ERROR. */
enum io_result tls_write(struct tls *, const void *, size_t len);
void tls_shutdown(struct tls *); /* close_notify; reading goes on */

const char *tls_version(const struct tls *); /* "TLSv1.3" */
const char *tls_name(const struct tls *);    /* server name asked for, or "" */
const char *tls_why(const struct tls *);     /* what went wrong, in OpenSSL's words, or "" */

#endif
