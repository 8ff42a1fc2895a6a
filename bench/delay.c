/* How exactly an injected delay is kept: many WebSockets through halfopen with traffic both ways,
 * each message with the time at which it was sent. Late is what a message took beyond the delay,
 * the path through both kernels and this program included; the same path without a delay is
 * measured beside it.
 *
 *     delay HALFOPEN [CONNECTIONS [MESSAGES_PER_SECOND [DELAY_MS [SECONDS [BURST]]]]]
 *
 * MESSAGES_PER_SECOND is of each connection and direction; BURST: so many are sent in a row. Prints
 * one line for each of the two, exits 1 when a message came early or was lost. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EVENTS        256
#define STAMP_BYTES   8
#define MASKED_BYTES  (2 + 4 + STAMP_BYTES)
#define PLAIN_BYTES   (2 + STAMP_BYTES)
#define HEAD_LIMIT    1024
#define PATIENCE_SECS 30

static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char response[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

enum end { CLIENT, SERVER };

struct conn {
    int fd;
    enum end end;
    bool open;
    size_t len; /* bytes of a head or frame that is not complete */
    uint8_t bytes[HEAD_LIMIT];
};

struct bench {
    const char *program;
    size_t count, burst;
    double rate, seconds;
    int64_t delay; /* ns */
    int listener, epoll;
    pid_t proxy;
    uint16_t port;
    struct conn *clients, *servers;
    size_t opened, accepted, received, sample_room;
    size_t sent; /* that count */
    int64_t *samples;
    int64_t counts_from; /* messages sent before are for warming up */
};

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- Frames of eight bytes --- */

static void send_stamp(struct bench *bench, struct conn *conn)
{
    uint8_t frame[MASKED_BYTES] = {0x82, STAMP_BYTES};
    size_t head = 2;
    int64_t now = now_ns();
    if (conn->end == CLIENT) {
        frame[1] |= 0x80; /* with a key of zeros */
        head += 4;
    }
    memcpy(frame + head, &now, sizeof now);
    if (send(conn->fd, frame, head + STAMP_BYTES, MSG_NOSIGNAL) != (ssize_t)(head + STAMP_BYTES))
        die("send");
    bench->sent += now >= bench->counts_from;
}

static void note(struct bench *bench, int64_t stamp)
{
    if (stamp >= bench->counts_from && bench->received < bench->sample_room)
        bench->samples[bench->received++] = now_ns() - stamp - bench->delay;
}

static void take_frames(struct bench *bench, struct conn *conn)
{
    size_t head = conn->end == SERVER ? 6 : 2, frame = head + STAMP_BYTES, at = 0;
    for (; conn->len - at >= frame; at += frame) {
        int64_t stamp;
        memcpy(&stamp, conn->bytes + at + head, sizeof stamp);
        note(bench, stamp);
    }
    memmove(conn->bytes, conn->bytes + at, conn->len - at);
    conn->len -= at;
}

static void take_head(struct bench *bench, struct conn *conn)
{
    uint8_t *end = memmem(conn->bytes, conn->len, "\r\n\r\n", 4);
    if (!end)
        return;
    size_t head = (size_t)(end - conn->bytes) + 4;
    memmove(conn->bytes, conn->bytes + head, conn->len - head);
    conn->len -= head;
    conn->open = true;
    bench->opened += conn->end == CLIENT;
    if (conn->end == SERVER && send(conn->fd, response, sizeof response - 1, MSG_NOSIGNAL) < 0)
        die("send");
}

static void take(struct bench *bench, struct conn *conn)
{
    ssize_t got = recv(conn->fd, conn->bytes + conn->len, sizeof conn->bytes - conn->len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        fprintf(stderr, "delay: a connection ended\n");
        exit(2);
    }
    conn->len += (size_t)got;
    if (!conn->open)
        take_head(bench, conn);
    if (conn->open)
        take_frames(bench, conn);
}

/* --- Sockets --- */

static void watch(struct bench *bench, int fd, struct conn *conn)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    if (epoll_ctl(bench->epoll, EPOLL_CTL_ADD, fd, &event))
        die("epoll_ctl");
}

static void adopt(struct bench *bench, struct conn *conn, int fd, enum end end)
{
    int on = 1;
    *conn = (struct conn){.fd = fd, .end = end};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    watch(bench, fd, conn);
}

static void accept_one(struct bench *bench)
{
    int fd = accept(bench->listener, NULL, NULL);
    if (fd >= 0 && bench->accepted < bench->count)
        adopt(bench, &bench->servers[bench->accepted++], fd, SERVER);
}

/* Until then, or until something came. */
static void turn(struct bench *bench, int64_t until)
{
    struct epoll_event events[EVENTS];
    int64_t left = until - now_ns();
    struct timespec wait = {.tv_sec = 0, .tv_nsec = left > 0 ? left % 1000000000 : 0};
    int count = epoll_pwait2(bench->epoll, events, EVENTS, &wait, NULL);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            take(bench, events[i].data.ptr);
        else
            accept_one(bench);
    }
}

static int listen_anywhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&address, &len))
        die("listen");
    *port = ntohs(address.sin_port);
    return fd;
}

static void connect_one(struct bench *bench, struct conn *conn)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(bench->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        die("connect");
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        die("send");
    adopt(bench, conn, fd, CLIENT);
}

/* --- The proxy --- */

static void exec_proxy(struct bench *bench, uint16_t upstream, int ready)
{
    char address[32], fault[64], number[16];
    snprintf(address, sizeof address, "127.0.0.1:%u", upstream);
    snprintf(fault, sizeof fault, "latency: {delay: %lldms}", (long long)(bench->delay / 1000000));
    snprintf(number, sizeof number, "%d", ready);
    if (bench->delay > 0)
        execl(bench->program, bench->program, "proxy", "--quiet", "--listen", "127.0.0.1:0",
              "--upstream", address, "--ready-fd", number, "--fault", fault, (char *)NULL);
    else
        execl(bench->program, bench->program, "proxy", "--quiet", "--listen", "127.0.0.1:0",
              "--upstream", address, "--ready-fd", number, (char *)NULL);
    die(bench->program);
}

static void start_proxy(struct bench *bench, uint16_t upstream)
{
    int ready[2];
    char line[128] = "";
    if (pipe(ready))
        die("pipe");
    bench->proxy = fork();
    if (bench->proxy < 0)
        die("fork");
    if (bench->proxy == 0) {
        close(ready[0]);
        (void)!freopen("/dev/null", "w", stdout);
        exec_proxy(bench, upstream, ready[1]);
    }
    close(ready[1]);
    ssize_t got = read(ready[0], line, sizeof line - 1);
    close(ready[0]);
    const char *colon = got > 0 ? strrchr(line, ':') : NULL;
    if (!colon) {
        fprintf(stderr, "delay: the proxy did not start\n");
        exit(2);
    }
    bench->port = (uint16_t)strtoul(colon + 1, NULL, 10);
}

/* --- One measurement --- */

static void open_all(struct bench *bench)
{
    int64_t limit = now_ns() + PATIENCE_SECS * (int64_t)1000000000;
    for (size_t i = 0; i < bench->count; i++) {
        connect_one(bench, &bench->clients[i]);
        turn(bench, 0);
    }
    while (bench->opened < bench->count && now_ns() < limit)
        turn(bench, now_ns() + 100000000);
    if (bench->opened < bench->count) {
        fprintf(stderr, "delay: only %zu connections opened\n", bench->opened);
        exit(2);
    }
}

/* Evenly: the next connection, now its client and now its server, every so many nanoseconds. */
static void send_all(struct bench *bench, size_t total)
{
    double every = 1e9 / (bench->rate * 2 * (double)bench->count);
    int64_t start = now_ns();
    bench->counts_from = start + (int64_t)5e8;
    for (size_t i = 0; i < total; i++) {
        int64_t due = start + (int64_t)((double)(i - i % bench->burst) * every);
        while (now_ns() < due)
            turn(bench, due);
        struct conn *all = i % 2 ? bench->servers : bench->clients;
        send_stamp(bench, &all[i / 2 % bench->count]);
    }
    int64_t limit = now_ns() + bench->delay + 2000000000;
    while (now_ns() < limit)
        turn(bench, now_ns() + 10000000);
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static double quantile_ms(const struct bench *bench, double share)
{
    size_t at = (size_t)(share * (double)(bench->received - 1));
    return (double)bench->samples[at] / 1e6;
}

static int report(struct bench *bench)
{
    size_t early = 0;
    if (bench->received == 0)
        return 1;
    qsort(bench->samples, bench->received, sizeof *bench->samples, compare);
    while (early < bench->received && bench->samples[early] < 0)
        early++;
    printf("delay %3lld ms  %zu connections  %.0f messages/s  late p50 %.3f  p99 %.3f  p99.9 %.3f  "
           "worst %.3f ms  early %zu  lost %zu\n",
           (long long)(bench->delay / 1000000), bench->count,
           bench->rate * 2 * (double)bench->count, quantile_ms(bench, 0.5),
           quantile_ms(bench, 0.99), quantile_ms(bench, 0.999), quantile_ms(bench, 1), early,
           bench->sent - bench->received);
    fflush(stdout);
    return early > 0 || bench->sent != bench->received;
}

static void close_all(struct bench *bench)
{
    kill(bench->proxy, SIGTERM);
    waitpid(bench->proxy, NULL, 0);
    for (size_t i = 0; i < bench->count; i++) {
        close(bench->clients[i].fd);
        close(bench->servers[i].fd);
    }
    close(bench->listener);
    close(bench->epoll);
}

static int measure(struct bench *bench)
{
    uint16_t upstream;
    size_t total = (size_t)((bench->seconds + 0.5) * bench->rate * 2 * (double)bench->count);
    bench->listener = listen_anywhere(&upstream);
    bench->epoll = epoll_create1(EPOLL_CLOEXEC);
    bench->opened = bench->accepted = bench->sent = bench->received = 0;
    bench->sample_room = total;
    bench->samples = calloc(total, sizeof *bench->samples);
    bench->clients = calloc(bench->count, sizeof *bench->clients);
    bench->servers = calloc(bench->count, sizeof *bench->servers);
    bench->counts_from = INT64_MAX;
    start_proxy(bench, upstream);
    watch(bench, bench->listener, NULL);
    open_all(bench);
    send_all(bench, total);
    int failed = report(bench);
    close_all(bench);
    free(bench->samples);
    free(bench->clients);
    free(bench->servers);
    return failed;
}

static double argument(int argc, char **argv, int at, double usual)
{
    double value = argc > at ? strtod(argv[at], NULL) : usual;
    return value > 0 ? value : usual;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (argc < 2) {
        fprintf(stderr, "usage: delay HALFOPEN [CONNECTIONS [MESSAGES_PER_SECOND [DELAY_MS "
                        "[SECONDS [BURST]]]]]\n");
        return 2;
    }
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* what it does not allow shows in socket() */
    }
    struct bench bench = {.program = argv[1],
                          .count = (size_t)argument(argc, argv, 2, 1000),
                          .rate = argument(argc, argv, 3, 5),
                          .seconds = argument(argc, argv, 5, 5),
                          .burst = (size_t)argument(argc, argv, 6, 1)};
    int failed = measure(&bench);
    bench.delay = (int64_t)(argument(argc, argv, 4, 50) * 1e6);
    return measure(&bench) | failed;
}
