#include "net/queues.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_LIMIT_DEFAULT ((uint64_t)4 << 20)

uint64_t queues_unread(int fd)
{
    int bytes = 0;
    if (ioctl(fd, SIOCINQ, &bytes) || bytes < 0)
        return 0;
    return (uint64_t)bytes;
}

uint64_t queues_send_limit(void)
{
    unsigned long long least, usual, most;
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_wmem", "re");
    if (!file)
        return SEND_LIMIT_DEFAULT;
    int found = fscanf(file, "%llu %llu %llu", &least, &usual, &most);
    fclose(file);
    return found == 3 ? (uint64_t)most : SEND_LIMIT_DEFAULT;
}

struct request {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
};

static bool fill_half(int family, const struct sockaddr_storage *from, __be16 *port, __be32 ip[4])
{
    if (family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
        *port = v6->sin6_port;
        memcpy(ip, &v6->sin6_addr, 16);
        return true;
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
    *port = v4->sin_port;
    memcpy(ip, &v4->sin_addr, 4);
    return family == AF_INET;
}

/* The peer's socket is ours with the two addresses swapped. */
static bool fill_request(int fd, struct request *request)
{
    struct sockaddr_storage own, peer;
    socklen_t own_len = sizeof own;
    socklen_t peer_len = sizeof peer;
    memset(&own, 0, sizeof own);
    memset(&peer, 0, sizeof peer);
    if (getsockname(fd, (struct sockaddr *)&own, &own_len) ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_len))
        return false;
    *request = (struct request){
        .head = {.nlmsg_len = sizeof *request,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = (uint8_t)own.ss_family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = ~0u,
                 .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
    struct inet_diag_sockid *id = &request->body.id;
    return fill_half(own.ss_family, &peer, &id->idiag_sport, id->idiag_src) &&
           fill_half(own.ss_family, &own, &id->idiag_dport, id->idiag_dst);
}

static bool says_absent(const struct nlmsghdr *head, size_t len)
{
    const struct nlmsgerr *error = NLMSG_DATA(head);
    return head->nlmsg_type == NLMSG_ERROR && len >= NLMSG_LENGTH(sizeof *error) &&
           error->error == -ENOENT;
}

static enum queues_found read_answer(int netlink, const struct request *request,
                                     struct queues_peer *out)
{
    union {
        struct nlmsghdr head;
        char bytes[1024];
    } answer;
    ssize_t len = recv(netlink, &answer, sizeof answer, MSG_DONTWAIT); /* answered within send */
    size_t whole = NLMSG_LENGTH(sizeof(struct inet_diag_msg));
    if (len >= (ssize_t)sizeof answer.head && says_absent(&answer.head, (size_t)len))
        return QUEUES_ABSENT;
    if (len < (ssize_t)whole || answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return QUEUES_UNKNOWN;
    const struct inet_diag_msg *msg = NLMSG_DATA(&answer.head);
    /* Without a connection the kernel finds the listener of that port instead. */
    if (msg->idiag_state == TCP_LISTEN || msg->id.idiag_dport != request->body.id.idiag_dport)
        return QUEUES_ABSENT;
    *out = (struct queues_peer){
        .state = msg->idiag_state, .unsent = msg->idiag_wqueue, .unread = msg->idiag_rqueue};
    return QUEUES_FOUND;
}

enum queues_found queues_find_peer(int fd, struct queues_peer *out)
{
    struct request request;
    enum queues_found found = QUEUES_UNKNOWN;
    if (!fill_request(fd, &request))
        return QUEUES_UNKNOWN;
    int netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0)
        return QUEUES_UNKNOWN;
    if (send(netlink, &request, sizeof request, 0) == (ssize_t)sizeof request)
        found = read_answer(netlink, &request, out);
    close(netlink);
    return found;
}

bool queues_peer(int fd, struct queues_peer *out)
{
    return queues_find_peer(fd, out) == QUEUES_FOUND;
}
