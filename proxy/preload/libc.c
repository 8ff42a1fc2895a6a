#include "preload/libc.h"

#include <dlfcn.h>
#include <stddef.h>

/* Resolving twice in two threads stores the same pointers, so a plain flag with release order
 * does. */
static struct libc functions;
static int resolved;

static const struct {
    const char *name;
    size_t offset;
} table[] = {
#define LIBC_ROW(name) {#name, offsetof(struct libc, name)},
    LIBC_FUNCTIONS(LIBC_ROW)
#undef LIBC_ROW
};

/* Before glibc 2.34 threads and timers lived in libraries of their own. */
static void *find(const char *name)
{
    static const char *const libraries[] = {"libc.so.6", "libpthread.so.0", "librt.so.1"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
        void *symbol = library ? dlsym(library, name) : NULL;
        if (symbol)
            return symbol;
    }
    return NULL;
}

const struct libc *libc(void)
{
    if (__atomic_load_n(&resolved, __ATOMIC_ACQUIRE))
        return &functions;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        *(void **)((char *)&functions + table[i].offset) = find(table[i].name);
    __atomic_store_n(&resolved, 1, __ATOMIC_RELEASE);
    return &functions;
}
