/* A certificate authority of this machine's user, made on first use, so that clients can be given
 * wss://localhost URLs. It signs nothing but localhost (its name constraints say so), and only the
 * children we start are told to trust it. */
#ifndef HALFOPEN_NET_CA_H
#define HALFOPEN_NET_CA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define CA_ENVIRONMENT_COUNT 3

struct ca {
    char *folder;      /* mode 0700 */
    char *authority;   /* certificate of the authority, PEM */
    char *certificate; /* for localhost, 127.0.0.1 and ::1, PEM */
    char *key;         /* of the certificate, PEM, mode 0600 */
    char *bundle;      /* the system's authorities and ours, so that other TLS still works */
    char *environment[CA_ENVIRONMENT_COUNT + 1]; /* NAME=VALUE for children; NULL ends */
};

/* The folder: $XDG_STATE_HOME/halfopen, else ~/.local/state/halfopen. Caller frees. */
char *ca_default_folder(void);
/* Makes what is missing or about to expire; safe beside another halfopen doing the same. folder
 * NULL: the default. false: *why says what could not be done; nothing to free. */
bool ca_open(struct ca *, const char *folder, struct text *why);
void ca_close(struct ca *);

#endif
