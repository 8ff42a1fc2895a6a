/* accept_close: somebody accepts and hangs up. */
#include "fault/fault.h"

static void hang_up(struct fault *f)
{
    fault_refuse(f, CUT_CLOSE);
}

const struct fault_desc accept_close_fault = {
    .layer = LAYER_CONNECTING,
    .name = "accept_close",
    .brief = "accept new connections and close them with a FIN",
    .doc =
        "Every new connection is accepted and closed before a byte is read: FIN at once, and an RST "
        "for what the client sends all the same. So does a load balancer without a healthy backend, "
        "or a server that has reached its limit. The client sees the connection end without a "
        "response. Connections that exist are left alone. A good client counts it as a failed attempt "
        "and backs off: the connect succeeded, the WebSocket did not.",
    .example = "accept_close: {for: 30s}",
    .dirs = DIR_BOTH,
    .ops = {.on_attempt = hang_up},
};
