/* tls_alert: the handshake is refused in so many words. */
#include "fault/fault.h"

struct tls_alert {
    int alert;
};

/* RFC 8446 6.2, RFC 5246 7.2.2: those that mean the same in every version, since none is agreed
 * yet. */
static const char *const names[] = {"handshake_failure",
                                    "bad_certificate",
                                    "certificate_expired",
                                    "unknown_ca",
                                    "access_denied",
                                    "protocol_version",
                                    "insufficient_security",
                                    "internal_error",
                                    "unrecognized_name",
                                    "no_application_protocol",
                                    NULL};
static const unsigned descriptions[] = {40, 42, 45, 48, 49, 70, 71, 80, 112, 120};

static const struct param params[] = {
    P_CHOICE(tls_alert, alert, .def = "handshake_failure", .choices = names,
             .doc = "the alert's name in RFC 8446 6"),
    P_END,
};

static void refuse(struct fault *f)
{
    const struct tls_alert *cfg = fault_config(f);
    fault_tls(f, TLS_ALERT, descriptions[cfg->alert]);
}

const struct fault_desc tls_alert_fault = {
    .layer = LAYER_TLS,
    .name = "tls_alert",
    .brief = "answer the ClientHello with a fatal alert",
    .doc =
        "The TLS handshake of each new connection is refused by this alert, and the connection is "
        "closed. The client sees a TLS error, a browser close code 1006. A good client counts a "
        "failed attempt and retries with growing, jittered delays.",
    .example = "tls_alert: {alert: internal_error, for: 30s}",
    .dirs = DIR_MASK(TO_CLIENT),
    .tls = true,
    .params = params,
    .config_size = sizeof(struct tls_alert),
    .ops = {.on_attempt = refuse},
};
