/* tls_downgrade: only old versions of TLS are spoken. */
#include "fault/fault.h"

struct tls_downgrade {
    int highest;
};

static const char *const versions[] = {"1.0", "1.1", "1.2", NULL};
static const unsigned numbers[] = {0x0301, 0x0302, 0x0303};

static const struct param params[] = {
    P_CHOICE(tls_downgrade, highest, .def = "1.1", .choices = versions,
             .doc = "the highest version offered; 1.0 and 1.1 are deprecated by RFC 8996"),
    P_END,
};

static void limit(struct fault *f)
{
    const struct tls_downgrade *cfg = fault_config(f);
    fault_tls(f, TLS_DOWNGRADE, numbers[cfg->highest]);
}

const struct fault_desc tls_downgrade_fault = {
    .layer = LAYER_TLS,
    .name = "tls_downgrade",
    .brief = "speak no version of TLS above an old one",
    .doc =
        "New connections are offered nothing above the version given, as by an appliance nobody "
        "updates. With 1.2 everything works, without what TLS 1.3 has. With 1.0 or 1.1 a good client "
        "refuses (protocol_version, RFC 8996), counts a failed attempt and retries with growing, "
        "jittered delays; one that agrees speaks a broken protocol.",
    .example = "tls_downgrade: {highest: 1.1, for: 30s}",
    .dirs = DIR_MASK(TO_CLIENT),
    .tls = true,
    .params = params,
    .config_size = sizeof(struct tls_downgrade),
    .ops = {.on_attempt = limit},
};
