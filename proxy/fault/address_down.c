/* address_down: one of the two addresses of a name no longer answers. */
#include "fault/fault.h"

enum which { WHICH_USED, WHICH_IPV4, WHICH_IPV6 };

struct address_down {
    int family; /* enum which */
};

static const char *const families[] = {"used", "ipv4", "ipv6", NULL};

static const struct param params[] = {
    P_CHOICE(address_down, family, .def = "used", .choices = families,
             .doc = "whose address: 127.0.0.1, ::1, or that by which a client's newest connection "
                    "came, for each client its own"),
    P_END,
};

static enum door shut(const void *config, enum family family, enum family used)
{
    const struct address_down *cfg = config;
    enum family meant = cfg->family == WHICH_IPV4   ? FAMILY_IPV4
                        : cfg->family == WHICH_IPV6 ? FAMILY_IPV6
                                                    : used;
    return family == meant ? DOOR_SHUT : DOOR_OPEN;
}

const struct fault_desc address_down_fault = {
    .layer = LAYER_CONNECTING,
    .name = "address_down",
    .brief = "refuse connects to one address of the name",
    .doc =
        "A record of a name that points to a machine which is gone, a service that no longer listens "
        "on IPv6: a connect to one of two addresses is refused by the kernel (ECONNREFUSED), the "
        "other address works. The scenario has to give the client a name (address: localhost, or "
        "tls: true), which stands for 127.0.0.1 and ::1; where the machine has no ::1, or the client "
        "was given an address, nothing is shut and the trace says so. Connections that exist are left "
        "alone. Attempts at that address cannot be seen, so delays between them are not judged. A "
        "good client tries all addresses of the name in each attempt.",
    .example = "address_down: {family: ipv6, for: 20s}",
    .dirs = DIR_BOTH,
    .door = shut,
    .params = params,
    .config_size = sizeof(struct address_down),
};
