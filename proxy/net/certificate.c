#include "net/certificate.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define SERIAL_BITS            127
#define DAY_SECONDS            (24L * 60 * 60)
#define YEAR_DAYS              365
#define CERTIFICATE_NAME_BYTES 256

EVP_PKEY *certificate_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert(key);
    return key;
}

static void add_extension(X509 *cert, X509 *issuer, int which, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, which, value);
    assert(extension);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

static void set_serial(X509 *cert)
{
    BIGNUM *number = BN_new();
    int done = BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY);
    assert(done);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
}

static X509 *new_certificate(EVP_PKEY *key, const char *name, int days)
{
    X509 *cert = X509_new();
    assert(cert);
    X509_set_version(cert, X509_VERSION_3);
    set_serial(cert);
    /* A day back: clocks of containers and phones differ. */
    X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_SECONDS);
    X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY_SECONDS);
    X509_set_pubkey(cert, key);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"halfopen", -1,
                               -1, 0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
    return cert;
}

static X509 *sign(X509 *cert, EVP_PKEY *key)
{
    int len = X509_sign(cert, key, EVP_sha256());
    assert(len > 0);
    return cert;
}

X509 *certificate_authority(EVP_PKEY *key, const char *name, int days)
{
    X509 *cert = new_certificate(key, name, days);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(cert, cert, NID_subject_key_identifier, "hash");
    add_extension(cert, cert, NID_name_constraints,
                  "critical,permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0,"
                  "permitted;IP:::1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF");
    return sign(cert, key);
}

static X509 *sign_leaf(X509 *cert, const char *names, X509 *authority, EVP_PKEY *authority_key)
{
    X509_set_issuer_name(cert, X509_get_subject_name(authority));
    add_extension(cert, authority, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(cert, authority, NID_key_usage, "critical,digitalSignature");
    add_extension(cert, authority, NID_ext_key_usage, "serverAuth");
    add_extension(cert, authority, NID_subject_key_identifier, "hash");
    add_extension(cert, authority, NID_authority_key_identifier, "keyid:always");
    add_extension(cert, authority, NID_subject_alt_name, names);
    return sign(cert, authority_key);
}

#define LOCALHOST "DNS:localhost,IP:127.0.0.1,IP:::1"

X509 *certificate_for_localhost(EVP_PKEY *key, X509 *authority, EVP_PKEY *authority_key, int days)
{
    return sign_leaf(new_certificate(key, "localhost", days), LOCALHOST, authority, authority_key);
}

X509 *certificate_expired(EVP_PKEY *key, X509 *authority, EVP_PKEY *authority_key, int days)
{
    X509 *cert = new_certificate(key, "localhost", -days);
    X509_gmtime_adj(X509_getm_notBefore(cert), -(days + YEAR_DAYS) * DAY_SECONDS);
    return sign_leaf(cert, LOCALHOST, authority, authority_key);
}

X509 *certificate_for_name(EVP_PKEY *key, const char *name, X509 *authority,
                           EVP_PKEY *authority_key, int days)
{
    char names[CERTIFICATE_NAME_BYTES];
    int len = snprintf(names, sizeof names, "DNS:%s", name);
    assert(len > 0 && (size_t)len < sizeof names);
    return sign_leaf(new_certificate(key, name, days), names, authority, authority_key);
}

bool certificate_lasts(const X509 *cert, int days)
{
    time_t later = time(NULL) + days * DAY_SECONDS;
    return X509_cmp_current_time(X509_get0_notBefore(cert)) < 0 &&
           X509_cmp_time(X509_get0_notAfter(cert), &later) > 0;
}

bool certificate_is_over(const X509 *cert)
{
    return X509_cmp_current_time(X509_get0_notAfter(cert)) < 0;
}
