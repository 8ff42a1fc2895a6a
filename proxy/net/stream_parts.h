/* What the files of a stream share and nobody else sees. */
#ifndef HALFOPEN_NET_STREAM_PARTS_H
#define HALFOPEN_NET_STREAM_PARTS_H

#include "net/stream.h"

void stream_rewatch(struct stream *);
/* Everything but the fd, which the caller closes in its own way. */
int stream_detach(struct stream *);
/* What TLS has for the socket; false: that takes no more, or has failed. */
bool stream_flush(struct stream *);
void stream_send_fin(struct stream *); /* once all is written, if it is to finish */

#endif
