#include "net/timeenv.h"

#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "preload/page.h"

#define FAKETIME_LIBRARY "libfaketime.so.1"

/* The plain library, not libfaketimeMT: that one blocks all signals and takes one lock for each
 * look at the clock, and a fork while another thread holds the lock leaves a child that never
 * wakes. What the lock protects, a change of FAKETIME while the program runs, does not happen
 * here. */
static const char *const faketime_folders[] = {
#if defined(__x86_64__)
    "/usr/lib/x86_64-linux-gnu/faketime",
#elif defined(__aarch64__)
    "/usr/lib/aarch64-linux-gnu/faketime",
#endif
    "/usr/lib64/faketime",
    "/usr/lib/faketime",
    "/usr/local/lib/faketime",
};

static char *own_folder(void)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len <= 0)
        return NULL;
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    return slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
}

/* Takes path; gives it back when there is such a file. */
static char *if_readable(char *path)
{
    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static char *find_ours(void)
{
    char *folder = own_folder();
    if (!folder)
        return NULL;
    char *path = if_readable(xprintf("%s/" PAGE_LIBRARY, folder));
    if (!path)
        path = if_readable(xprintf("%s/../lib/halfopen/" PAGE_LIBRARY, folder));
    free(folder);
    return path;
}

static char *find_faketime(void)
{
    for (size_t i = 0; i < sizeof faketime_folders / sizeof *faketime_folders; i++) {
        char *path = if_readable(xprintf("%s/" FAKETIME_LIBRARY, faketime_folders[i]));
        if (path)
            return path;
    }
    return NULL;
}

bool timeenv_path_fits(const char *path)
{
    return strpbrk(path, " \t\n:") == NULL;
}

bool timeenv_find(struct timeenv_libraries *libraries, struct text *why)
{
    *libraries = (struct timeenv_libraries){.ours = find_ours(), .faketime = find_faketime()};
    if (getenv("FAKETIME_SHARED"))
        text_add(why, "halfopen itself runs under libfaketime; start it without");
    else if (!libraries->faketime)
        text_add(why, "libfaketime is missing: apt-get install libfaketime");
    else if (!libraries->ours)
        text_add(
            why, PAGE_LIBRARY
            " is neither beside the program nor in ../lib/halfopen: run make, or make install");
    else if (!timeenv_path_fits(libraries->ours))
        text_addf(why, "LD_PRELOAD cannot carry a path with blanks or colons: %s", libraries->ours);
    else
        return true;
    timeenv_libraries_fini(libraries);
    return false;
}

void timeenv_libraries_fini(struct timeenv_libraries *libraries)
{
    free(libraries->ours);
    free(libraries->faketime);
    *libraries = (struct timeenv_libraries){0};
}

static char *sanitizer_options(void)
{
    const char *users = getenv("ASAN_OPTIONS");
    bool kept = users && *users;
    return xprintf("ASAN_OPTIONS=%s%sverify_asan_link_order=0", kept ? users : "", kept ? ":" : "");
}

void timeenv_init(struct timeenv *env, const struct timeenv_libraries *libraries, double speed,
                  nsec real_passed, const char *page, const char *preload)
{
    bool kept = preload && *preload;
    double offset_seconds = nsec_to_seconds(real_passed) * (speed - 1);
    size_t count = 0;
    env->entries[count++] = xprintf("LD_PRELOAD=%s:%s%s%s", libraries->ours, libraries->faketime,
                                    kept ? ":" : "", kept ? preload : "");
    env->entries[count++] = xprintf("FAKETIME=%+.6f x%.6f", offset_seconds, speed);
    /* Read once: a later look at the environment would race with the program's own setenv. */
    env->entries[count++] = xstrdup("FAKETIME_CACHE_DURATION=2000000000");
    env->entries[count++] = xstrdup("FAKETIME_DONT_FAKE_MONOTONIC=0");
    /* Times of files stay as they are; faking them takes a lock for each stat. */
    env->entries[count++] = xstrdup("NO_FAKE_STAT=1");
    env->entries[count++] = xprintf(PAGE_ENVIRONMENT "=%s", page);
    env->entries[count++] = sanitizer_options();
    env->entries[count] = NULL;
}

void timeenv_fini(struct timeenv *env)
{
    for (size_t i = 0; i < TIMEENV_ENTRIES; i++) {
        free(env->entries[i]);
        env->entries[i] = NULL;
    }
}

void timeenv_sweep(pid_t started)
{
    char name[64];
    snprintf(name, sizeof name, "/faketime_sem_%ld", (long)started);
    (void)sem_unlink(name); /* usually the process did it itself */
    snprintf(name, sizeof name, "/faketime_shm_%ld", (long)started);
    (void)shm_unlink(name);
}
