#include "net/io.h"

#include <errno.h>

const char *io_words(enum io_result result)
{
    switch (result) {
    case IO_OK:
        return "ok";
    case IO_WANT_READ:
        return "want read";
    case IO_WANT_WRITE:
        return "want write";
    case IO_EOF:
        return "fin";
    case IO_CLOSE_NOTIFY:
        return "close_notify";
    case IO_TRUNCATED:
        return "truncated";
    case IO_RESET:
        return "rst";
    case IO_TIMEOUT:
        return "timeout";
    case IO_ERROR:
        return "error";
    }
    return "error";
}

enum io_result io_from_errno(int error)
{
    switch (error) {
    case ECONNRESET:
    case EPIPE: /* the reset was seen before, by a write */
        return IO_RESET;
    case ETIMEDOUT:
    case EHOSTUNREACH: /* what ended retransmission when a router said so */
    case ENETUNREACH:
        return IO_TIMEOUT;
    default:
        return IO_ERROR;
    }
}
