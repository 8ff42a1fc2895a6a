#include "tests/unit/guarded.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t pages_for(size_t len)
{
    return (len / page() + 1) * page();
}

uint8_t *guarded_copy(const void *bytes, size_t len)
{
    size_t room = pages_for(len);
    uint8_t *area =
        mmap(NULL, room + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(area != MAP_FAILED);
    assert(mprotect(area + room, page(), PROT_NONE) == 0);
    if (len > 0)
        memcpy(area + room - len, bytes, len);
    return area + room - len;
}

void guarded_free(uint8_t *bytes, size_t len)
{
    size_t room = pages_for(len);
    (void)munmap(bytes + len - room, room + page()); /* a leak in a test hurts nobody */
}

size_t slice_len(size_t at, size_t left, size_t first, size_t step)
{
    size_t wanted = at < first ? first - at : step;
    return wanted < left ? wanted : left;
}

static size_t differs(slice_reader reader, const uint8_t *bytes, size_t len, size_t first,
                      size_t step, const char *whole)
{
    struct text got;
    text_init(&got);
    reader(bytes, len, first, step, &got);
    size_t different = strcmp(text_chars(&got), whole) != 0;
    text_fini(&got);
    return different;
}

size_t slices_that_differ(slice_reader reader, const void *bytes, size_t len)
{
    size_t different = 0;
    uint8_t *copy = guarded_copy(bytes, len);
    struct text whole;
    text_init(&whole);
    reader(copy, len, len, 1, &whole);
    different += differs(reader, copy, len, 0, 1, text_chars(&whole));
    for (size_t cut = 1; cut < len; cut++)
        different += differs(reader, copy, len, cut, len, text_chars(&whole));
    text_fini(&whole);
    guarded_free(copy, len);
    return different;
}
