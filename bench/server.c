/* server: an echo server, a sink and a source of bytes, in one epoll loop. Prints its port. The
 * target of the request says which: /echo, /sink?BYTES (answers with one small frame when it has
 * read so many), /source?BYTES (sends so many, in frames). */
#include "bench/wire.h"

#define DESCRIPTORS 20000
#define BACKLOG     4096

enum duty { NOTHING_YET, ECHO, SINK, SOURCE };

struct guest {
    enum duty duty;
    uint64_t left; /* bytes, SINK and SOURCE */
    size_t len;    /* of what came and makes no whole frame yet */
    uint8_t some[1024];
};

static struct guest *guests[DESCRIPTORS];
static uint8_t piece[PIECE_BYTES], frame[PIECE_BYTES + 14];
static size_t frame_len;
static int set;

static void forget(int fd)
{
    free(guests[fd]);
    guests[fd] = NULL;
    close(fd);
}

static void answer(int fd, struct guest *guest, const char *head)
{
    static const char accepted[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    const char *question = strchr(head, '?');
    guest->left = question ? strtoull(question + 1, NULL, 10) : 0;
    guest->duty = strncmp(head, "GET /sink", 9) == 0      ? SINK
                  : strncmp(head, "GET /source", 11) == 0 ? SOURCE
                                                          : ECHO;
    guest->len = 0;
    send_all(fd, accepted, sizeof accepted - 1);
    if (guest->duty == SOURCE)
        watch(set, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
}

static void read_head(int fd, struct guest *guest)
{
    ssize_t got = recv(fd, guest->some + guest->len, sizeof guest->some - 1 - guest->len, 0);
    if (got <= 0) {
        forget(fd);
        return;
    }
    guest->len += (size_t)got;
    guest->some[guest->len] = '\0';
    if (strstr((char *)guest->some, "\r\n\r\n"))
        answer(fd, guest, (char *)guest->some);
}

/* Only frames of SMALL_BYTES come here, one at a time, maybe in pieces. */
static void echo(int fd, struct guest *guest)
{
    ssize_t got = recv(fd, guest->some + guest->len, sizeof guest->some - guest->len, 0);
    if (got <= 0) {
        forget(fd);
        return;
    }
    guest->len += (size_t)got;
    while (guest->len >= SMALL_UP) {
        uint8_t reply[SMALL_DOWN] = {0x82, SMALL_BYTES};
        memcpy(reply + 2, guest->some + 6, SMALL_BYTES);
        send_all(fd, reply, sizeof reply);
        guest->len -= SMALL_UP;
        memmove(guest->some, guest->some + SMALL_UP, guest->len);
    }
}

static void sink(int fd, struct guest *guest)
{
    static const uint8_t done[SMALL_DOWN] = {0x82, SMALL_BYTES};
    ssize_t got = recv(fd, piece, sizeof piece, 0);
    if (got <= 0) {
        forget(fd);
        return;
    }
    bool over = (uint64_t)got >= guest->left;
    guest->left -= over ? guest->left : (uint64_t)got;
    if (over && guest->len++ == 0)
        send_all(fd, done, sizeof done);
}

/* len: how much of the frame under way has gone; left is a whole number of frames in the beginning.
 */
static void pour(int fd, struct guest *guest)
{
    while (guest->left > 0) {
        size_t whole = frame_len - guest->len;
        ssize_t put = send(fd, frame + guest->len, whole, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && errno == EAGAIN)
            return;
        guest->left -= put < 0 ? guest->left : (uint64_t)put;
        guest->len = put < 0 ? 0 : (guest->len + (size_t)put) % frame_len;
    }
    watch(set, EPOLL_CTL_MOD, fd, EPOLLIN);
}

static void serve(int fd, uint32_t events)
{
    struct guest *guest = guests[fd];
    if (events & EPOLLOUT)
        pour(fd, guest);
    else if (guest->duty == NOTHING_YET)
        read_head(fd, guest);
    else if (guest->duty == ECHO)
        echo(fd, guest);
    else
        sink(fd, guest);
}

static void greet(int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        if (fd >= DESCRIPTORS)
            exit(1);
        at_once(fd);
        guests[fd] = calloc(1, sizeof **guests);
        watch(set, EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, BACKLOG) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0)
        die("listen");
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(void)
{
    struct epoll_event events[256];
    set = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_somewhere();
    frame_len = bulk_frame(frame, false);
    watch(set, EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        int count = epoll_wait(set, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                greet(listener);
            else
                serve(events[i].data.fd, events[i].events);
        }
    }
}
