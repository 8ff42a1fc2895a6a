/* What was agreed on in the opening handshake, put to work on both directions of a connection. */
#ifndef HALFOPEN_ENDPOINT_AGREEMENT_H
#define HALFOPEN_ENDPOINT_AGREEMENT_H

#include "endpoint/inbound.h"
#include "endpoint/outbound.h"

enum agreement { AGREEMENT_KEPT, AGREEMENT_BROKEN }; /* BROKEN: compresses as it likes; for flaws */

/* extensions: of the answer. Until the resets of both. */
void agreement_begin(const char *extensions, enum inbound_peer, enum agreement, struct inbound *,
                     struct outbound *);

#endif
