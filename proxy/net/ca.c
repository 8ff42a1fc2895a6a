#include "net/ca.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/certificate.h"
#include "net/pem.h"

#define AUTHORITY_DAYS 3650
#define LEAF_DAYS      397 /* longer ones are refused by some clients */
#define BUNDLE_LIMIT   ((size_t)8 << 20)

static const char *const system_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
    "/etc/ssl/ca-bundle.pem",             /* openSUSE */
    "/etc/ssl/cert.pem",
};

/* --- Files --- */

char *ca_default_folder(void)
{
    const char *state = getenv("XDG_STATE_HOME");
    if (state && state[0] == '/')
        return xprintf("%s/halfopen", state);
    const char *home = getenv("HOME");
    return xprintf("%s/.local/state/halfopen", home && home[0] ? home : "/tmp");
}

static bool make_folders(const char *path, struct text *why)
{
    char *copy = xstrdup(path);
    bool failed = false;
    for (char *slash = copy + 1; !failed; slash++) {
        bool last = *slash == '\0';
        if (!last && *slash != '/')
            continue;
        *slash = '\0';
        failed = mkdir(copy, last ? 0700 : 0755) && errno != EEXIST;
        if (last)
            break;
        *slash = '/';
    }
    failed = failed || chmod(path, 0700);
    if (failed)
        text_addf(why, "%s: %s", copy, strerror(errno));
    free(copy);
    return !failed;
}

/* --- The bundle --- */

static bool copy_file(FILE *to, const char *path)
{
    FILE *from = path ? fopen(path, "re") : NULL;
    if (!from)
        return false;
    char part[16 << 10];
    size_t got, all = 0;
    while (all < BUNDLE_LIMIT && (got = fread(part, 1, sizeof part, from)) > 0) {
        if (fwrite(part, 1, got, to) != got)
            break;
        all += got;
    }
    fclose(from);
    fputc('\n', to);
    return all > 0;
}

static bool fill_bundle(FILE *file, const void *context)
{
    const struct ca *ca = context;
    const char *users = getenv("SSL_CERT_FILE");
    bool ours = users && strcmp(users, ca->bundle) == 0; /* run by ourselves: it would grow */
    bool copied = !ours && copy_file(file, users);
    for (size_t i = 0; !copied && i < sizeof system_bundles / sizeof *system_bundles; i++)
        copied = copy_file(file, system_bundles[i]);
    return copy_file(file, ca->authority);
}

/* --- Keys and certificates --- */

static bool make_authority(const char *cert_path, const char *key_path, struct text *why)
{
    EVP_PKEY *key = certificate_key();
    X509 *cert = certificate_authority(key, "halfopen local authority", AUTHORITY_DAYS);
    bool done = pem_write_pair(cert_path, cert, key_path, key, why);
    pem_forget(key, cert);
    return done;
}

static bool make_leaf(const struct ca *ca, X509 *authority, EVP_PKEY *authority_key,
                      struct text *why)
{
    EVP_PKEY *key = certificate_key();
    X509 *cert = certificate_for_localhost(key, authority, authority_key, LEAF_DAYS);
    bool done = pem_write_pair(ca->certificate, cert, ca->key, key, why);
    pem_forget(key, cert);
    return done;
}

static bool make_missing(const struct ca *ca, struct text *why)
{
    char *authority_key_path = xprintf("%s/authority.key", ca->folder);
    bool done = pem_pair_lasts(ca->authority, authority_key_path, NULL) ||
                make_authority(ca->authority, authority_key_path, why);
    X509 *authority = done ? pem_certificate(ca->authority) : NULL;
    EVP_PKEY *key = done ? pem_key(authority_key_path) : NULL;
    if (done && (!authority || !key)) {
        text_addf(why, "%s cannot be read", ca->folder);
        done = false;
    }
    if (done && !pem_pair_lasts(ca->certificate, ca->key, authority))
        done = make_leaf(ca, authority, key, why);
    pem_forget(key, authority);
    free(authority_key_path);
    return done && pem_write_file(ca->bundle, 0644, fill_bundle, ca, why);
}

static void name_files(struct ca *ca, const char *folder)
{
    *ca = (struct ca){0};
    ca->folder = folder ? xstrdup(folder) : ca_default_folder();
    ca->authority = xprintf("%s/authority.pem", ca->folder);
    ca->certificate = xprintf("%s/localhost.pem", ca->folder);
    ca->key = xprintf("%s/localhost.key", ca->folder);
    ca->bundle = xprintf("%s/bundle.pem", ca->folder);
    ca->environment[0] = xprintf("NODE_EXTRA_CA_CERTS=%s", ca->authority);
    ca->environment[1] = xprintf("SSL_CERT_FILE=%s", ca->bundle);
    ca->environment[2] = xprintf("REQUESTS_CA_BUNDLE=%s", ca->bundle);
}

bool ca_open(struct ca *ca, const char *folder, struct text *why)
{
    name_files(ca, folder);
    bool done = make_folders(ca->folder, why);
    int lock = done ? open(ca->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (done && (lock < 0 || flock(lock, LOCK_EX))) {
        text_addf(why, "%s: %s", ca->folder, strerror(errno));
        done = false;
    }
    done = done && make_missing(ca, why);
    if (lock >= 0)
        close(lock);
    if (!done)
        ca_close(ca);
    return done;
}

void ca_close(struct ca *ca)
{
    free(ca->folder);
    free(ca->authority);
    free(ca->certificate);
    free(ca->key);
    free(ca->bundle);
    for (size_t i = 0; i < CA_ENVIRONMENT_COUNT; i++)
        free(ca->environment[i]);
    *ca = (struct ca){0};
}
