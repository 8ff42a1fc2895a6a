/* What reading or writing a socket or a TLS connection came to, every case spelt. */
#ifndef HALFOPEN_NET_IO_H
#define HALFOPEN_NET_IO_H

enum io_result {
    IO_OK,
    IO_WANT_READ,    /* nothing until the socket is readable */
    IO_WANT_WRITE,   /* nothing until the socket is writable */
    IO_EOF,          /* FIN on a plain connection, or one not read */
    IO_CLOSE_NOTIFY, /* TLS: ended as it should be (RFC 8446 6.1) */
    IO_TRUNCATED,    /* TLS: FIN without close_notify */
    IO_RESET,        /* RST */
    IO_TIMEOUT,      /* the kernel gave up on the peer */
    IO_ERROR         /* anything else */
};

const char *io_words(enum io_result); /* as in tcp.close: "fin", "close_notify", "rst", "timeout" */
enum io_result io_from_errno(int error);

#endif
