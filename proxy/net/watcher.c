#include "net/watcher.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/proctree.h"

#define GROUPS_LIMIT 4096
#define ROUNDS       100 /* what forks while it is being killed is found again */
#define ROUND_MS     20

struct watcher {
    int fd;
    pid_t pid;
};

/* To the watcher: a group, less than 0 when it is ours no longer, 0 when all is over. */
typedef int32_t message;

/* --- In the watcher --- */

struct groups {
    pid_t list[GROUPS_LIMIT];
    size_t count;
};

static void note(struct groups *groups, message group)
{
    if (group > 0 && groups->count < GROUPS_LIMIT)
        groups->list[groups->count++] = group;
    for (size_t i = 0; group < 0 && i < groups->count; i++)
        if (groups->list[i] == -group)
            groups->list[i--] = groups->list[--groups->count];
}

static bool kill_marked(const char *mark, const struct groups *groups, pid_t session)
{
    struct proctree *tree = xmalloc(sizeof *tree);
    proctree_marked(mark, groups->list, groups->count, session, tree);
    for (size_t i = 0; i < tree->count; i++)
        (void)kill(tree->pids[i], SIGKILL); /* gone meanwhile: what was wanted */
    bool any = tree->count > 0;
    free(tree);
    return any;
}

static void watch(int fd, const char *mark, pid_t session)
{
    static const struct timespec round = {.tv_nsec = ROUND_MS * 1000000L};
    struct groups *groups = xcalloc(1, sizeof *groups);
    message group;
    ssize_t len;
    while ((len = recv(fd, &group, sizeof group, 0)) != 0) {
        if (len == (ssize_t)sizeof group && group == 0)
            _exit(0);
        if (len == (ssize_t)sizeof group)
            note(groups, group);
        else if (errno != EINTR)
            break;
    }
    for (int i = 0; i < ROUNDS && kill_marked(mark, groups, session); i++)
        (void)nanosleep(&round, NULL);
    _exit(0);
}

/* Nothing of ours but the socket, as descriptor 0; another name, for those who kill by name. */
static void become(int fd, const char *mark)
{
    pid_t session = getsid(0);
    (void)setsid();
    (void)prctl(PR_SET_NAME, "endpoint-reaper");
    (void)signal(SIGPIPE, SIG_IGN);
    if (dup2(fd, 0) < 0)
        _exit(1);
    closefrom(1);
    watch(0, mark, session);
}

/* --- In us --- */

struct watcher *watcher_start(const char *mark)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return NULL;
    pid_t pid = fork();
    if (pid == 0)
        become(ends[1], mark);
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return NULL;
    }
    struct watcher *watcher = xcalloc(1, sizeof *watcher);
    *watcher = (struct watcher){.fd = ends[0], .pid = pid};
    return watcher;
}

/* Were it gone, nothing could be done about it. */
static void tell(const struct watcher *watcher, message group)
{
    if (watcher)
        (void)send(watcher->fd, &group, sizeof group, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void watcher_add(struct watcher *watcher, pid_t group)
{
    tell(watcher, group);
}

void watcher_remove(struct watcher *watcher, pid_t group)
{
    tell(watcher, -group);
}

void watcher_stop(struct watcher *watcher)
{
    if (!watcher)
        return;
    tell(watcher, 0);
    (void)close(watcher->fd);
    (void)waitpid(watcher->pid, NULL, 0); /* reaped already, if it had died */
    free(watcher);
}
