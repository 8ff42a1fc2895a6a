#include "net/io.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/queues.h"
#include "net/socket.h"
#include "tests/check.h"

static void errors_of_the_kernel_are_told_apart(void)
{
    CHECK_INT(io_from_errno(ECONNRESET), IO_RESET);
    CHECK_INT(io_from_errno(EPIPE), IO_RESET);
    CHECK_INT(io_from_errno(ETIMEDOUT), IO_TIMEOUT);
    CHECK_INT(io_from_errno(EHOSTUNREACH), IO_TIMEOUT);
    CHECK_INT(io_from_errno(EBADF), IO_ERROR);
}

static void every_result_has_words_of_its_own(void)
{
    for (int a = IO_OK; a <= IO_ERROR; a++)
        for (int b = IO_OK; b < a; b++)
            CHECK(strcmp(io_words((enum io_result)a), io_words((enum io_result)b)) != 0);
}

struct pair {
    int listener, near, far;
};

static bool pair_open(struct pair *pair)
{
    struct addresses addresses;
    *pair = (struct pair){-1, -1, -1};
    if (socket_resolve("127.0.0.1", 0, &addresses) != NULL)
        return false;
    pair->listener = socket_listen(&addresses.list[0]);
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    pair->far = socket(AF_INET, SOCK_STREAM, 0);
    if (getsockname(pair->listener, (struct sockaddr *)&name, &len) != 0 ||
        connect(pair->far, (struct sockaddr *)&name, len) != 0)
        return false;
    pair->near = accept(pair->listener, NULL, NULL);
    return pair->near >= 0;
}

static void pair_close(struct pair *pair)
{
    close(pair->near);
    close(pair->far);
    close(pair->listener);
}

static void what_nobody_has_read_is_counted_at_both_ends(void)
{
    struct pair pair;
    struct queues_peer peer;
    CHECK(pair_open(&pair));
    CHECK_INT(send(pair.far, "12345", 5, 0), 5);
    CHECK_INT(queues_unread(pair.near), 5);
    CHECK_INT(send(pair.near, "123", 3, 0), 3);
    CHECK(queues_peer(pair.near, &peer));
    CHECK_INT(peer.unread, 3);
    CHECK_INT(peer.state, TCP_ESTABLISHED);
    pair_close(&pair);
}

static void a_socket_without_a_peer_cannot_be_asked(void)
{
    struct queues_peer peer;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(!queues_peer(fd, &peer));
    close(fd);
    CHECK(!queues_peer(-1, &peer));
    CHECK(queues_send_limit() > 0);
}

SUITE(io, TEST(errors_of_the_kernel_are_told_apart), TEST(every_result_has_words_of_its_own),
      TEST(what_nobody_has_read_is_counted_at_both_ends),
      TEST(a_socket_without_a_peer_cannot_be_asked))
