#include "net/timepage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

struct timepage {
    char *path;
    struct page *page;
};

static struct page *map_new(int fd)
{
    struct page *page = MAP_FAILED;
    if (ftruncate(fd, sizeof *page) == 0)
        page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return NULL;
    page->slots = PAGE_SLOTS;
    page->version = PAGE_VERSION;
    page->magic = PAGE_MAGIC;
    return page;
}

struct timepage *timepage_new(struct text *why)
{
    const char *folder = getenv("TMPDIR");
    char *path = xprintf("%s/halfopen-time-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = mkstemp(path);
    struct page *page = fd >= 0 ? map_new(fd) : NULL;
    int error = errno;
    if (fd >= 0)
        (void)close(fd); /* the mapping stays */
    if (!page) {
        text_addf(why, "cannot make %s: %s", path, strerror(error));
        if (fd >= 0)
            (void)unlink(path); /* it is ours and useless */
        free(path);
        return NULL;
    }
    struct timepage *timepage = xmalloc(sizeof *timepage);
    *timepage = (struct timepage){.path = path, .page = page};
    return timepage;
}

void timepage_free(struct timepage *timepage)
{
    if (!timepage)
        return;
    (void)munmap(timepage->page, sizeof *timepage->page); /* of a mapping that was made */
    (void)unlink(timepage->path);                         /* gone already is as good */
    free(timepage->path);
    free(timepage);
}

const char *timepage_path(const struct timepage *timepage)
{
    return timepage->path;
}

static const struct page_slot *find(const struct page *page, pid_t pid)
{
    for (size_t i = 0; i < PAGE_SLOTS; i++) {
        if (atomic_load(&page->slot[i].pid) == (int32_t)pid)
            return &page->slot[i];
    }
    return NULL;
}

/* The writer is a stranger's process: its text is cut off for certain. */
static void copy_name(char to[PAGE_NAME_BYTES], const char *from)
{
    memcpy(to, from, PAGE_NAME_BYTES);
    to[PAGE_NAME_BYTES - 1] = '\0';
}

struct timepage_process timepage_read(const struct page *page, pid_t pid)
{
    struct timepage_process process = {0};
    const struct page_slot *slot = pid > 0 ? find(page, pid) : NULL;
    uint32_t flags = slot ? atomic_load(&slot->flags) : 0;
    if (!(flags & PAGE_READY))
        return process;
    process.present = true;
    process.faked = flags & PAGE_FAKED;
    process.scaled = flags & PAGE_SCALED;
    process.speed = slot->speed;
    process.handled = atomic_load(&slot->handled);
    process.unhandled = atomic_load(&slot->unhandled);
    process.kernel = atomic_load(&slot->kernel);
    copy_name(process.unhandled_name, slot->unhandled_name);
    copy_name(process.kernel_name, slot->kernel_name);
    return process;
}

struct timepage_process timepage_process(const struct timepage *timepage, pid_t pid)
{
    return timepage_read(timepage->page, pid);
}
