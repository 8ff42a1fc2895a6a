#include "net/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

#define WHY_BYTES 160

struct tls_context {
    SSL_CTX *ssl;
    bool server;
};

struct tls {
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    bool ended;    /* the socket's FIN was fed */
    int refusal;   /* alert that answers the ClientHello; -1: none */
    int heard;     /* fatal alert of the peer; -1: none */
    char why[WHY_BYTES];
};

/* --- contexts --- */

static void add_openssl_error(struct text *why, const char *what)
{
    char reason[WHY_BYTES] = "unknown reason";
    unsigned long code = ERR_get_error();
    if (code)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    text_addf(why, "%s: %s", what, reason);
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct tls *tls = SSL_get_app_data(ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
        tls->heard = value & 0xff;
}

static struct tls_context *new_context(bool server)
{
    struct tls_context *context = xcalloc(1, sizeof *context);
    context->server = server;
    context->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    assert(context->ssl);
    SSL_CTX_set_info_callback(context->ssl, on_info);
    SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
    SSL_CTX_set_mode(context->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

static struct tls_context *give_up(struct tls_context *context, struct text *why, const char *what)
{
    add_openssl_error(why, what);
    tls_context_free(context);
    return NULL;
}

/* RFC 6455 travels over HTTP/1.1: the only protocol we agree to when a client offers several. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len, void *unused)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;
    int found =
        SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, offered, offered_len);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static int on_client_hello(SSL *ssl, int *alert, void *unused)
{
    const struct tls *tls = SSL_get_app_data(ssl);
    if (tls->refusal < 0)
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = tls->refusal;
    return SSL_CLIENT_HELLO_ERROR;
}

struct tls_context *tls_server_new(const char *cert_file, const char *key_file, struct text *why)
{
    struct tls_context *context = new_context(true);
    if (SSL_CTX_use_certificate_chain_file(context->ssl, cert_file) != 1)
        return give_up(context, why, cert_file);
    if (SSL_CTX_use_PrivateKey_file(context->ssl, key_file, SSL_FILETYPE_PEM) != 1)
        return give_up(context, why, key_file);
    SSL_CTX_set_alpn_select_cb(context->ssl, choose_protocol, NULL);
    SSL_CTX_set_client_hello_cb(context->ssl, on_client_hello, NULL);
    return context;
}

struct tls_context *tls_client_new(const char *ca_file, enum tls_verification verification,
                                   struct text *why)
{
    struct tls_context *context = new_context(false);
    if (verification == TLS_TRUST_ANYBODY)
        return context;
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
    /* A machine without CAs of its own is fine when ca_file is all that is needed. */
    (void)SSL_CTX_set_default_verify_paths(context->ssl);
    ERR_clear_error();
    if (ca_file && SSL_CTX_load_verify_locations(context->ssl, ca_file, NULL) != 1)
        return give_up(context, why, ca_file);
    return context;
}

void tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl);
    free(context);
}

/* --- connections --- */

static bool is_address(const char *name)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static void expect_name(struct tls *tls, const char *name)
{
    if (is_address(name)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), name);
        return;
    }
    SSL_set_tlsext_host_name(tls->ssl, name);
    SSL_set1_host(tls->ssl, name);
}

struct tls *tls_new(struct tls_context *context, const char *server_name)
{
    struct tls *tls = xcalloc(1, sizeof *tls);
    tls->ssl = SSL_new(context->ssl);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    assert(tls->ssl && tls->in && tls->out);
    SSL_set_app_data(tls->ssl, tls);
    tls->refusal = tls->heard = -1;
    /* An empty input means wait; whether the socket has ended is ours to know. */
    BIO_set_mem_eof_return(tls->in, -1);
    BIO_set_mem_eof_return(tls->out, -1);
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    if (context->server) {
        SSL_set_accept_state(tls->ssl);
        return tls;
    }
    SSL_set_connect_state(tls->ssl);
    if (server_name)
        expect_name(tls, server_name);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    free(tls);
}

void tls_refuse(struct tls *tls, unsigned alert)
{
    tls->refusal = (int)alert;
}

void tls_limit(struct tls *tls, unsigned version)
{
    int least = version < TLS1_2_VERSION ? TLS1_VERSION : TLS1_2_VERSION;
    SSL_set_min_proto_version(tls->ssl, least);
    SSL_set_max_proto_version(tls->ssl, (int)version);
    if (version >= TLS1_2_VERSION)
        return;
    /* What these versions sign with is below every security level but the lowest. */
    SSL_set_security_level(tls->ssl, 0);
    int done = SSL_set_cipher_list(tls->ssl, "ALL:@SECLEVEL=0");
    assert(done);
}

void tls_feed(struct tls *tls, const void *bytes, size_t len)
{
    size_t taken = 0;
    int done = BIO_write_ex(tls->in, bytes, len, &taken);
    assert(done == 1 && taken == len);
}

void tls_feed_end(struct tls *tls)
{
    tls->ended = true;
}

size_t tls_fed(const struct tls *tls)
{
    return BIO_ctrl_pending(tls->in);
}

size_t tls_unsent(struct tls *tls, const uint8_t **bytes)
{
    char *start = NULL;
    long len = BIO_get_mem_data(tls->out, &start);
    *bytes = (const uint8_t *)start;
    return len > 0 ? (size_t)len : 0;
}

void tls_sent(struct tls *tls, size_t len)
{
    uint8_t gone[4096];
    const uint8_t *bytes;
    size_t all = tls_unsent(tls, &bytes);
    assert(len <= all);
    if (len == all) {
        (void)BIO_reset(tls->out);
        return;
    }
    while (len > 0) {
        int n = BIO_read(tls->out, gone, len < sizeof gone ? (int)len : (int)sizeof gone);
        assert(n > 0);
        len -= (size_t)n;
    }
}

static void note_why(struct tls *tls)
{
    unsigned long code = ERR_peek_last_error();
    if (tls->heard >= 0 || tls->refusal >= 0) {
        bool theirs = tls->heard >= 0;
        snprintf(tls->why, sizeof tls->why, "alert %s %s", theirs ? "received:" : "sent:",
                 SSL_alert_desc_string_long(theirs ? tls->heard : tls->refusal));
        return;
    }
    long verified = SSL_get_verify_result(tls->ssl);
    const char *why = verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                      : code                ? ERR_reason_error_string(code)
                                            : NULL;
    strncpy(tls->why, why ? why : "handshake failed", sizeof tls->why - 1);
}

static enum io_result outcome(struct tls *tls, int returned)
{
    switch (SSL_get_error(tls->ssl, returned)) {
    case SSL_ERROR_NONE:
        return IO_OK;
    case SSL_ERROR_WANT_READ:
        return tls->ended ? IO_TRUNCATED : IO_WANT_READ;
    case SSL_ERROR_ZERO_RETURN:
        return IO_CLOSE_NOTIFY;
    default:
        note_why(tls);
        ERR_clear_error();
        return IO_ERROR;
    }
}

enum io_result tls_handshake(struct tls *tls)
{
    ERR_clear_error();
    return outcome(tls, SSL_do_handshake(tls->ssl));
}

enum io_result tls_read(struct tls *tls, void *bytes, size_t room, size_t *got)
{
    ERR_clear_error();
    *got = 0;
    return outcome(tls, SSL_read_ex(tls->ssl, bytes, room, got));
}

enum io_result tls_write(struct tls *tls, const void *bytes, size_t len)
{
    const uint8_t *rest = bytes;
    while (len > 0) {
        size_t took = 0;
        ERR_clear_error();
        enum io_result result = outcome(tls, SSL_write_ex(tls->ssl, rest, len, &took));
        if (result != IO_OK)
            return IO_ERROR; /* memory never blocks, and we never renegotiate */
        rest += took;
        len -= took;
    }
    return IO_OK;
}

void tls_shutdown(struct tls *tls)
{
    ERR_clear_error();
    (void)SSL_shutdown(tls->ssl); /* 0: sent, theirs not seen, which is no concern here */
    ERR_clear_error();
}

const char *tls_version(const struct tls *tls)
{
    return SSL_get_version(tls->ssl);
}

const char *tls_name(const struct tls *tls)
{
    const char *name = SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);
    return name ? name : "";
}

const char *tls_why(const struct tls *tls)
{
    return tls->why;
}
