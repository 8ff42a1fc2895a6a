/* tls_untrusted: a certificate by nobody. */
#include "fault/fault.h"

static void greet(struct fault *f)
{
    fault_tls(f, TLS_UNTRUSTED, 0);
}

const struct fault_desc tls_untrusted_fault = {
    .layer = LAYER_TLS,
    .name = "tls_untrusted",
    .brief = "greet new connections with a certificate nobody trusts",
    .doc =
        "The certificate is for the right name and valid, but by an authority that the client was "
        "never told to trust, as from a captive portal or a company's inspecting proxy. A good client "
        "refuses it (unknown_ca), counts a failed attempt and retries with growing, jittered delays.",
    .example = "tls_untrusted: {for: 30s}",
    .dirs = DIR_MASK(TO_CLIENT),
    .tls = true,
    .authority = true,
    .ops = {.on_attempt = greet},
};
