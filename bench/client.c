/* client PORT round CONNECTIONS SECONDS    64-byte round trips a second
 * client PORT up|down MIB                  MiB/s of bulk, to or from the server
 * client PORT idle CONNECTIONS             opens them, says so, and holds them until its input ends
 */
#include "bench/wire.h"

#define CONNECTIONS_LIMIT 10000

static struct sockaddr_in address = {.sin_family = AF_INET};

static int connect_to(const char *target)
{
    char head[512];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    at_once(fd);
    int len = snprintf(head, sizeof head,
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                       target);
    send_all(fd, head, (size_t)len);
    return fd;
}

/* To the end of the head, a byte at a time: what follows it is measured. */
static void read_head(int fd)
{
    uint32_t last = 0;
    for (uint8_t byte; last != 0x0d0a0d0a; last = last << 8 | byte)
        if (recv(fd, &byte, 1, 0) != 1)
            die("no answer");
}

static void ask(int fd)
{
    static const uint8_t frame[SMALL_UP] = {0x82, 0x80 | SMALL_BYTES};
    send_all(fd, frame, sizeof frame);
}

static double round_trips(int connections, double length)
{
    static size_t waiting[CONNECTIONS_LIMIT]; /* by descriptor: bytes that are to come */
    struct epoll_event events[64];
    uint8_t reply[SMALL_DOWN];
    int set = epoll_create1(EPOLL_CLOEXEC);
    uint64_t trips = 0;
    for (int i = 0; i < connections; i++) {
        int fd = connect_to("/echo");
        read_head(fd);
        watch(set, EPOLL_CTL_ADD, fd, EPOLLIN);
        waiting[fd] = SMALL_DOWN;
        ask(fd);
    }
    double began = seconds(), now = began;
    for (; now < began + length; now = seconds()) {
        int count = epoll_wait(set, events, 64, 1000);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            ssize_t got = recv(fd, reply, waiting[fd], 0);
            if (got <= 0)
                die("the other side ended");
            waiting[fd] -= (size_t)got;
            if (waiting[fd] > 0)
                continue;
            trips++;
            waiting[fd] = SMALL_DOWN;
            ask(fd);
        }
    }
    return (double)trips / (now - began);
}

static double upload(uint64_t mib)
{
    static uint8_t frame[PIECE_BYTES + 14];
    char target[64], reply[SMALL_DOWN];
    size_t len = bulk_frame(frame, true);
    uint64_t frames = (mib << 20) / PIECE_BYTES;
    snprintf(target, sizeof target, "/sink?%llu", (unsigned long long)(frames * len));
    int fd = connect_to(target);
    read_head(fd);
    double began = seconds();
    for (uint64_t i = 0; i < frames; i++)
        send_all(fd, frame, len);
    if (recv(fd, reply, sizeof reply, MSG_WAITALL) != SMALL_DOWN)
        die("no receipt");
    return (double)mib / (seconds() - began);
}

static double download(uint64_t mib)
{
    static uint8_t piece[4 * PIECE_BYTES];
    char target[64];
    uint64_t frames = (mib << 20) / PIECE_BYTES, left = frames * (PIECE_BYTES + HEAD_BYTES);
    snprintf(target, sizeof target, "/source?%llu", (unsigned long long)left);
    int fd = connect_to(target);
    read_head(fd);
    double began = seconds();
    while (left > 0) {
        ssize_t got = recv(fd, piece, sizeof piece, 0);
        if (got <= 0)
            die("the source ended");
        left -= (uint64_t)got < left ? (uint64_t)got : left;
    }
    return (double)mib / (seconds() - began);
}

static void hold(int connections)
{
    char nothing;
    for (int i = 0; i < connections; i++)
        read_head(connect_to("/echo"));
    puts("open");
    fflush(stdout);
    (void)!read(STDIN_FILENO, &nothing, 1);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    unsigned long amount = strtoul(argv[3], NULL, 10);
    if (strcmp(argv[2], "round") == 0 && argc > 4 && amount < CONNECTIONS_LIMIT / 2)
        printf("%.0f\n", round_trips((int)amount, strtod(argv[4], NULL)));
    else if (strcmp(argv[2], "up") == 0)
        printf("%.1f\n", upload(amount));
    else if (strcmp(argv[2], "down") == 0)
        printf("%.1f\n", download(amount));
    else if (strcmp(argv[2], "idle") == 0)
        hold((int)amount);
    else
        return 2;
    return 0;
}
