/* tls_wrong_name: a certificate of somebody else. */
#include "fault/fault.h"

static void greet(struct fault *f)
{
    fault_tls(f, TLS_WRONG_NAME, 0);
}

const struct fault_desc tls_wrong_name_fault = {
    .layer = LAYER_TLS,
    .name = "tls_wrong_name",
    .brief = "greet new connections with another host's certificate",
    .doc =
        "The certificate is valid and by the authority the client trusts, but for another host, as "
        "from a load balancer's default site. A good client refuses it, counts a failed attempt and "
        "retries with growing, jittered delays; one that connects all the same can be led anywhere.",
    .example = "tls_wrong_name: {for: 30s}",
    .dirs = DIR_MASK(TO_CLIENT),
    .tls = true,
    .authority = true,
    .ops = {.on_attempt = greet},
};
