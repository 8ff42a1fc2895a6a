#include "preload/report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/page.h"

/* A preloaded library has no caller to hand state to: page and slot are the process's own. */
static struct page *page;
static struct page_slot *slot;

static struct page *map(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct stat file;
    struct page *mapped = MAP_FAILED;
    if (fstat(fd, &file) == 0 && file.st_size >= (off_t)sizeof *mapped)
        mapped = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd); /* the mapping stays */
    if (mapped == MAP_FAILED)
        return NULL;
    if (mapped->magic == PAGE_MAGIC && mapped->version == PAGE_VERSION &&
        mapped->slots == PAGE_SLOTS)
        return mapped;
    (void)munmap(mapped, sizeof *mapped); /* nothing to be done about a failure */
    return NULL;
}

static struct page_slot *find(int32_t pid)
{
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        if (atomic_load(&page->slot[i].pid) == pid)
            return &page->slot[i];
    }
    return NULL;
}

static bool dead(int32_t pid)
{
    return kill(pid, 0) != 0 && errno == ESRCH;
}

static struct page_slot *take_over(int32_t pid)
{
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        int32_t owner = atomic_load(&page->slot[i].pid);
        if ((owner == 0 || dead(owner)) &&
            atomic_compare_exchange_strong(&page->slot[i].pid, &owner, pid))
            return &page->slot[i];
    }
    return NULL;
}

/* Free slots first: those of the dead are evidence until they are needed. */
static struct page_slot *claim(int32_t pid)
{
    struct page_slot *own = find(pid);
    if (own)
        return own;
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        int32_t nobody = 0;
        if (atomic_compare_exchange_strong(&page->slot[i].pid, &nobody, pid))
            return &page->slot[i];
    }
    return take_over(pid);
}

static void fill(uint32_t flags, double speed)
{
    slot = claim((int32_t)getpid());
    if (!slot)
        return;
    atomic_store(&slot->flags, 0);
    slot->speed = speed;
    atomic_store(&slot->handled, 0);
    atomic_store(&slot->unhandled, 0);
    atomic_store(&slot->kernel, 0);
    memset(slot->unhandled_name, 0, sizeof slot->unhandled_name);
    memset(slot->kernel_name, 0, sizeof slot->kernel_name);
    atomic_store(&slot->flags, flags | PAGE_READY);
}

void report_open(uint32_t flags, double speed)
{
    const char *path = getenv(PAGE_ENVIRONMENT);
    page = path ? map(path) : NULL;
    if (page)
        fill(flags, speed);
}

void report_forked(void)
{
    if (page && slot)
        fill(atomic_load(&slot->flags), slot->speed);
}

void report_handled(void)
{
    if (slot)
        atomic_fetch_add_explicit(&slot->handled, 1, memory_order_relaxed);
}

/* The name is written before the count says that there is one; of two at once either may stay. */
static void count(_Atomic uint64_t *counter, char *name, const char *what)
{
    if (atomic_load(counter) == 0)
        (void)strncpy(name, what, PAGE_NAME_BYTES - 1); /* zeroed before: the last byte is NUL */
    atomic_fetch_add(counter, 1);
}

void report_unhandled(const char *name)
{
    if (slot)
        count(&slot->unhandled, slot->unhandled_name, name);
}

void report_kernel(const char *name)
{
    if (slot)
        count(&slot->kernel, slot->kernel_name, name);
}
