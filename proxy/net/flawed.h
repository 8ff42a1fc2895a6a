/* The certificates with which TLS faults greet clients: each is wrong in one way only. Made on
 * first use beside the local authority's own (net/ca.h). */
#ifndef HALFOPEN_NET_FLAWED_H
#define HALFOPEN_NET_FLAWED_H

#include "net/ca.h"
#include "net/tls.h"

struct flawed {
    struct tls_context *expired;    /* by our authority, for localhost, until a week ago */
    struct tls_context *wrong_name; /* by our authority, for another host */
    struct tls_context *untrusted;  /* for localhost, by an authority that nobody was told of */
};

/* false: *why says what could not be done; nothing to free. */
bool flawed_open(struct flawed *, const struct ca *, struct text *why);
void flawed_close(struct flawed *);

#endif
