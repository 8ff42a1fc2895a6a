#include "net/flawed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/certificate.h"
#include "net/pem.h"

#define LEAF_DAYS    397
#define EXPIRED_DAYS 7
#define OTHER_NAME   "somewhere-else.localhost" /* within what our authority may sign */

/* The local authority, to sign with. */
struct signer {
    X509 *cert;
    EVP_PKEY *key;
};

/* One kind of certificate: is what is in the files good enough, and how a new one is made. */
struct recipe {
    const char *name;
    bool (*is_there)(const char *cert_path, const char *key_path, X509 *signer);
    X509 *(*make)(EVP_PKEY *key, const struct signer *);
};

static X509 *make_expired(EVP_PKEY *key, const struct signer *signer)
{
    return certificate_expired(key, signer->cert, signer->key, EXPIRED_DAYS);
}

static X509 *make_wrong_name(EVP_PKEY *key, const struct signer *signer)
{
    return certificate_for_name(key, OTHER_NAME, signer->cert, signer->key, LEAF_DAYS);
}

/* Its authority is made for it and forgotten. */
static X509 *make_untrusted(EVP_PKEY *key, const struct signer *unused)
{
    EVP_PKEY *authority_key = certificate_key();
    X509 *authority = certificate_authority(authority_key, "an authority nobody knows", LEAF_DAYS);
    X509 *cert = certificate_for_localhost(key, authority, authority_key, LEAF_DAYS);
    pem_forget(authority_key, authority);
    return cert;
}

static bool untrusted_is_there(const char *cert_path, const char *key_path, X509 *signer)
{
    return pem_pair_lasts(cert_path, key_path, NULL) &&
           !pem_pair_lasts(cert_path, key_path, signer);
}

static const struct recipe expired = {"expired", pem_pair_is_over, make_expired};
static const struct recipe wrong_name = {"wrong-name", pem_pair_lasts, make_wrong_name};
static const struct recipe untrusted = {"untrusted", untrusted_is_there, make_untrusted};

static struct tls_context *open_one(const struct recipe *recipe, const struct ca *ca,
                                    const struct signer *signer, struct text *why)
{
    struct tls_context *context = NULL;
    char *cert_path = xprintf("%s/%s.pem", ca->folder, recipe->name);
    char *key_path = xprintf("%s/%s.key", ca->folder, recipe->name);
    bool there = recipe->is_there(cert_path, key_path, signer->cert);
    if (!there) {
        EVP_PKEY *key = certificate_key();
        X509 *cert = recipe->make(key, signer);
        there = pem_write_pair(cert_path, cert, key_path, key, why);
        pem_forget(key, cert);
    }
    if (there)
        context = tls_server_new(cert_path, key_path, why);
    free(cert_path);
    free(key_path);
    return context;
}

static bool open_all(struct flawed *flawed, const struct ca *ca, struct text *why)
{
    char *path = xprintf("%s/authority.key", ca->folder);
    struct signer signer = {pem_certificate(ca->authority), pem_key(path)};
    free(path);
    if (signer.cert && signer.key) {
        flawed->expired = open_one(&expired, ca, &signer, why);
        flawed->wrong_name = open_one(&wrong_name, ca, &signer, why);
        flawed->untrusted = open_one(&untrusted, ca, &signer, why);
    } else {
        text_addf(why, "%s cannot be read", ca->folder);
    }
    pem_forget(signer.key, signer.cert);
    return flawed->expired && flawed->wrong_name && flawed->untrusted;
}

bool flawed_open(struct flawed *flawed, const struct ca *ca, struct text *why)
{
    *flawed = (struct flawed){0};
    int lock = open(ca->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX))
        text_addf(why, "%s: %s", ca->folder, strerror(errno));
    else if (open_all(flawed, ca, why)) {
        close(lock);
        return true;
    }
    if (lock >= 0)
        close(lock);
    flawed_close(flawed);
    return false;
}

void flawed_close(struct flawed *flawed)
{
    tls_context_free(flawed->expired);
    tls_context_free(flawed->wrong_name);
    tls_context_free(flawed->untrusted);
    *flawed = (struct flawed){0};
}
