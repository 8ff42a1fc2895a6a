/* The ends we make ourselves: each way a connection can stop. */
#include <unistd.h>

#include "net/kernel.h"
#include "net/stream_parts.h"

void stream_finish(struct stream *stream)
{
    if (stream->state == STREAM_CLOSED || stream->silent || stream->finishing)
        return;
    if (stream->state == STREAM_CONNECTING) {
        stream_close(stream);
        return;
    }
    stream->finishing = true;
    if (stream->tls)
        tls_shutdown(stream->tls);
    stream_send_fin(stream);
    stream_rewatch(stream);
}

void stream_truncate(struct stream *stream)
{
    if (stream->state == STREAM_CLOSED || stream->silent || stream->finishing)
        return;
    if (stream->state == STREAM_CONNECTING) {
        stream_close(stream);
        return;
    }
    stream->finishing = true;
    stream_send_fin(stream);
    stream_rewatch(stream);
}

void stream_hang_up(struct stream *stream)
{
    if (stream->state == STREAM_OPEN && stream->tls) {
        tls_shutdown(stream->tls);
        (void)stream_flush(
            stream); /* what the socket does not take at once is lost, as with close(2) */
    }
    int fd = stream_detach(stream);
    if (fd >= 0)
        socket_finish(fd);
}

int stream_vanish(struct stream *stream)
{
    if (stream->fd < 0)
        return 0;
    int error = kernel_vanish(stream->fd);
    if (!error)
        stream_close(stream);
    return error;
}

void stream_reset(struct stream *stream)
{
    int fd = stream_detach(stream);
    if (fd >= 0)
        socket_reset(fd);
}

void stream_silence(struct stream *stream)
{
    if (stream->state == STREAM_CLOSED)
        return;
    stream->silent = true;
    stream_rewatch(stream);
    if (stream->hung_up)
        loop_touch(stream->loop, &stream->turn);
}

void stream_close(struct stream *stream)
{
    int fd = stream_detach(stream);
    if (fd >= 0)
        close(fd);
}
