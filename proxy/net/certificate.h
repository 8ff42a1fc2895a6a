/* Making keys and certificates: EC P-256, in memory. */
#ifndef HALFOPEN_NET_CERTIFICATE_H
#define HALFOPEN_NET_CERTIFICATE_H

#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/nsec.h"

EVP_PKEY *certificate_key(void); /* a new one */
/* A new authority that may sign for localhost only. Owned by the caller, as all here. */
X509 *certificate_authority(EVP_PKEY *key, const char *name, int days);
X509 *certificate_for_localhost(EVP_PKEY *key, X509 *authority, EVP_PKEY *authority_key, int days);
/* Whose time is over: valid for a year until `days` ago. */
X509 *certificate_expired(EVP_PKEY *key, X509 *authority, EVP_PKEY *authority_key, int days);
/* For that one host name, below localhost. */
X509 *certificate_for_name(EVP_PKEY *key, const char *name, X509 *authority,
                           EVP_PKEY *authority_key, int days);
/* Valid now and for so many days to come. */
bool certificate_lasts(const X509 *, int days);
bool certificate_is_over(const X509 *); /* it was valid once and is no longer */

#endif
