/* Keys and certificates in PEM files: each written whole or not at all. */
#ifndef HALFOPEN_NET_PEM_H
#define HALFOPEN_NET_PEM_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/text.h"

/* NULL: it is not there or cannot be read. Owned by the caller. */
X509 *pem_certificate(const char *path);
EVP_PKEY *pem_key(const char *path);
void pem_forget(EVP_PKEY *, X509 *);

/* Written beside it and renamed. false: *why says what could not be done. */
bool pem_write_file(const char *path, mode_t mode, bool (*fill)(FILE *, const void *),
                    const void *context, struct text *why);
/* The key is readable by its owner only. */
bool pem_write_pair(const char *cert_path, X509 *, const char *key_path, EVP_PKEY *,
                    struct text *why);

/* The two belong together, are signed by signer (NULL: by anybody), and the certificate is good for
 * a month at least; or its time is over. */
bool pem_pair_lasts(const char *cert_path, const char *key_path, X509 *signer);
bool pem_pair_is_over(const char *cert_path, const char *key_path, X509 *signer);

#endif
