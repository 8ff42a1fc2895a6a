/* `page NAME` looks at what processes write on the report page; `page` lists the names. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "preload/page.h"

#define NOBODY 2000000000 /* beyond every pid_max */

static const uint32_t sound = PAGE_READY | PAGE_FAKED | PAGE_SCALED;

static struct page *page_new(void)
{
    char path[] = "/tmp/halfopen-page-XXXXXX";
    int fd = mkstemp(path);
    struct page *page = NULL;
    if (fd < 0 || ftruncate(fd, sizeof *page) != 0)
        abort();
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        abort();
    page->magic = PAGE_MAGIC;
    page->version = PAGE_VERSION;
    page->slots = PAGE_SLOTS;
    setenv(PAGE_ENVIRONMENT, path, 1);
    return page;
}

/* Starts this program again to do something and waits for its end. */
static pid_t run(const char *what)
{
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "page", "--do", what, (char *)NULL);
        _exit(127);
    }
    int status = 1;
    if (waitpid(child, &status, 0) != child || status != 0)
        abort();
    (void)unlink(getenv(PAGE_ENVIRONMENT)); /* the mapping stays */
    return child;
}

static size_t taken(const struct page *page)
{
    size_t count = 0;
    for (size_t i = 0; i < PAGE_SLOTS; i++)
        count += page->slot[i].pid != 0 && page->slot[i].flags == sound;
    return count;
}

static const struct page_slot *slot_of(const struct page *page, pid_t pid)
{
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        if (page->slot[i].pid == pid)
            return &page->slot[i];
    }
    static const struct page_slot none;
    return &none;
}

static void do_sleep(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void do_fork(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
}

static void do_ring(void)
{
    struct __kernel_timespec timeout = {.tv_nsec = 1000};
    struct io_uring_getevents_arg extra = {.ts = (uintptr_t)&timeout};
    syscall(SYS_io_uring_enter, -1, 0, 0, IORING_ENTER_EXT_ARG, &extra, sizeof extra);
    syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0);
}

static void do_ring_and_exec(void)
{
    do_ring();
    execl("/proc/self/exe", "page", "--do", "sleep", (char *)NULL);
}

static void do_keep_alive(void)
{
    int seconds = 30, fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
    close(fd);
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {
    {"sleep", do_sleep},
    {"fork", do_fork},
    {"ring", do_ring},
    {"ring-and-exec", do_ring_and_exec},
    {"keep-alive", do_keep_alive},
};

static bool scaled_process_says_so(void)
{
    struct page *page = page_new();
    const struct page_slot *slot = slot_of(page, run("sleep"));
    return slot->flags == sound && slot->speed == 10 && slot->handled == 1 && slot->unhandled == 0;
}

static bool forked_child_has_a_slot(void)
{
    struct page *page = page_new();
    run("fork");
    return taken(page) == 2;
}

static bool unscaled_wait_is_named(void)
{
    struct page *page = page_new();
    const struct page_slot *slot = slot_of(page, run("ring"));
    return slot->unhandled == 1 && strcmp(slot->unhandled_name, "io_uring_enter") == 0;
}

static bool exec_begins_anew(void)
{
    struct page *page = page_new();
    const struct page_slot *slot = slot_of(page, run("ring-and-exec"));
    return taken(page) == 1 && slot->flags == sound && slot->unhandled == 0 &&
           slot->unhandled_name[0] == '\0';
}

static bool keep_alive_is_the_kernels(void)
{
    struct page *page = page_new();
    const struct page_slot *slot = slot_of(page, run("keep-alive"));
    return slot->kernel == 1 && slot->unhandled == 0;
}

static bool slots_of_the_dead_are_taken(void)
{
    struct page *page = page_new();
    for (size_t i = 0; i < PAGE_SLOTS; i++)
        page->slot[i].pid = NOBODY;
    return slot_of(page, run("sleep"))->flags == sound;
}

static bool other_versions_are_left_alone(void)
{
    struct page *page = page_new();
    page->version = PAGE_VERSION + 1;
    run("sleep");
    return taken(page) == 0;
}

static bool missing_page_is_no_harm(void)
{
    struct page *page = page_new();
    (void)unlink(getenv(PAGE_ENVIRONMENT));
    run("sleep");
    return taken(page) == 0;
}

static const struct {
    const char *name;
    bool (*holds)(void);
} checks[] = {
    {"page-scaled_process_says_so", scaled_process_says_so},
    {"page-forked_child_has_a_slot", forked_child_has_a_slot},
    {"page-unscaled_wait_is_named", unscaled_wait_is_named},
    {"page-exec_begins_anew", exec_begins_anew},
    {"page-keep_alive_is_the_kernels", keep_alive_is_the_kernels},
    {"page-slots_of_the_dead_are_taken", slots_of_the_dead_are_taken},
    {"page-other_versions_are_left_alone", other_versions_are_left_alone},
    {"page-missing_page_is_no_harm", missing_page_is_no_harm},
};

static int act(const char *name)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(acts[i].name, name) == 0)
            acts[i].act();
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return act(argv[2]);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (argc < 2)
            puts(checks[i].name);
        else if (strcmp(argv[1], checks[i].name) == 0)
            return checks[i].holds() ? 0 : 1;
    }
    return argc < 2 ? 0 : 2;
}
