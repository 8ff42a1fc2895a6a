#include "endpoint/agreement.h"

#include "ws/upgrade.h"

/* RFC 7692 7.1: of one direction. */
struct direction {
    int window_bits;
    enum deflate_context context;
};

static struct direction direction(int window_bits, bool no_context_takeover)
{
    return (struct direction){window_bits,
                              no_context_takeover ? DEFLATE_CONTEXT_RESET : DEFLATE_CONTEXT_KEPT};
}

void agreement_begin(const char *extensions, enum inbound_peer peer, enum agreement agreement,
                     struct inbound *in, struct outbound *out)
{
    struct upgrade_deflate agreed;
    upgrade_read_deflate(extensions, &agreed);
    if (!agreed.on)
        return;
    struct direction client =
        direction(agreed.client_max_window_bits, agreed.client_no_context_takeover);
    struct direction server =
        direction(agreed.server_max_window_bits, agreed.server_no_context_takeover);
    struct direction theirs = peer == PEER_IS_CLIENT ? client : server;
    struct direction ours = peer == PEER_IS_CLIENT ? server : client;
    inbound_deflate(in, theirs.window_bits, theirs.context);
    if (agreement == AGREEMENT_BROKEN)
        ours = direction(DEFLATE_WINDOW_MAX, false);
    if (ours.window_bits >= COMPRESS_WINDOW_MIN) /* else nothing is compressed, which is legal */
        outbound_deflate(out, ours.window_bits, ours.context);
}
