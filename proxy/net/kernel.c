#include "net/kernel.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define PASS_ALL 0xffffffffu

static int attach(int fd, struct sock_filter *program, unsigned short len)
{
    struct sock_fprog filter = {.len = len, .filter = program};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) ? errno : 0;
}

int kernel_deafen(int fd, double ratio)
{
    struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    double limit = ratio * 4294967296.0;
    struct sock_filter some[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, limit < 4294967295.0 ? (uint32_t)limit : UINT32_MAX, 0,
                 1),
        BPF_STMT(BPF_RET | BPF_K, PASS_ALL),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    if (ratio >= 1)
        return attach(fd, all, sizeof all / sizeof *all);
    return attach(fd, some, sizeof some / sizeof *some);
}

int kernel_hear(int fd)
{
    int unused = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused) && errno != ENOENT)
        return errno;
    return 0;
}

static int set_repair(int fd, int mode)
{
    return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, sizeof mode) ? errno : 0;
}

int kernel_vanish(int fd)
{
    return set_repair(fd, 1);
}

/* --- What is there --- */

static int try_filter(int fd)
{
    int error = kernel_deafen(fd, 1);
    return error ? error : kernel_hear(fd);
}

static int try_repair(int fd)
{
    int error = set_repair(fd, 1);
    return error ? error : set_repair(fd, 0);
}

static int try_need(enum fault_need need)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int error = need == NEED_FILTER ? try_filter(fd) : try_repair(fd);
    close(fd);
    return error;
}

bool kernel_has(enum fault_need need)
{
    return need == NEED_NOTHING || try_need(need) == 0;
}

const char *kernel_why_not(enum fault_need need)
{
    if (kernel_has(need))
        return "";
    return need == NEED_FILTER
               ? "this kernel lets no filter be put on a TCP socket (SO_ATTACH_FILTER) without "
                 "CAP_NET_ADMIN: run as root, or give a container --cap-add NET_ADMIN"
               : "TCP_REPAIR takes CAP_NET_ADMIN: run as root, or give a container --cap-add "
                 "NET_ADMIN";
}
