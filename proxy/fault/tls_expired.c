/* tls_expired: nobody renewed the certificate. */
#include "fault/fault.h"

static void greet(struct fault *f)
{
    fault_tls(f, TLS_EXPIRED, 0);
}

const struct fault_desc tls_expired_fault = {
    .layer = LAYER_TLS,
    .name = "tls_expired",
    .brief = "greet new connections with an expired certificate",
    .doc =
        "The certificate is for the right name and by the authority the client trusts, and was valid "
        "until a week ago. A good client refuses it (certificate_expired), counts a failed attempt, "
        "retries with growing, jittered delays, and says so to whoever runs it; one that connects all "
        "the same verifies nothing.",
    .example = "tls_expired: {for: 30s}",
    .dirs = DIR_MASK(TO_CLIENT),
    .tls = true,
    .authority = true,
    .ops = {.on_attempt = greet},
};
