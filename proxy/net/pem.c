#include "net/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/mem.h"
#include "net/certificate.h"

#define RENEW_DAYS 30

bool pem_write_file(const char *path, mode_t mode, bool (*fill)(FILE *, const void *),
                    const void *context, struct text *why)
{
    char *beside = xprintf("%s.%ld", path, (long)getpid());
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool done = file && fill(file, context);
    if (file)
        done = fclose(file) == 0 && done;
    done = done && rename(beside, path) == 0;
    if (!done) {
        text_addf(why, "%s: %s", path, strerror(errno));
        (void)unlink(beside);
    }
    free(beside);
    return done;
}

static bool fill_certificate(FILE *file, const void *cert)
{
    return PEM_write_X509(file, cert) == 1;
}

static bool fill_key(FILE *file, const void *key)
{
    return PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
}

X509 *pem_certificate(const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file)
        fclose(file);
    return cert;
}

EVP_PKEY *pem_key(const char *path)
{
    FILE *file = fopen(path, "re");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file)
        fclose(file);
    return key;
}

bool pem_write_pair(const char *cert_path, X509 *cert, const char *key_path, EVP_PKEY *key,
                    struct text *why)
{
    return pem_write_file(key_path, 0600, fill_key, key, why) &&
           pem_write_file(cert_path, 0644, fill_certificate, cert, why);
}

void pem_forget(EVP_PKEY *key, X509 *cert)
{
    EVP_PKEY_free(key);
    X509_free(cert);
}

static bool is_pair(X509 *cert, EVP_PKEY *key, X509 *signer)
{
    return cert && key && X509_check_private_key(cert, key) == 1 &&
           (!signer || X509_verify(cert, X509_get0_pubkey(signer)) == 1);
}

static bool pair_holds(const char *cert_path, const char *key_path, X509 *signer,
                       bool (*is_wanted)(const X509 *))
{
    X509 *cert = pem_certificate(cert_path);
    EVP_PKEY *key = pem_key(key_path);
    bool holds = is_pair(cert, key, signer) && is_wanted(cert);
    pem_forget(key, cert);
    return holds;
}

static bool lasts(const X509 *cert)
{
    return certificate_lasts(cert, RENEW_DAYS);
}

bool pem_pair_lasts(const char *cert_path, const char *key_path, X509 *signer)
{
    return pair_holds(cert_path, key_path, signer, lasts);
}

bool pem_pair_is_over(const char *cert_path, const char *key_path, X509 *signer)
{
    return pair_holds(cert_path, key_path, signer, certificate_is_over);
}
