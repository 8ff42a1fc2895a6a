/* The folder of a report: made, emptied of an earlier run, kept from other runs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/runner.h"

static bool ends_in(const char *name, const char *ending)
{
    size_t len = strlen(name), ending_len = strlen(ending);
    return len > ending_len && strcmp(name + len - ending_len, ending) == 0;
}

/* Of what an earlier run left; somebody's own files may stand beside it. */
static void empty(const char *folder, const char *ending)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char *path = xprintf("%s/%s", folder, entry->d_name);
        if (ends_in(entry->d_name, ending))
            (void)unlink(path);
        free(path);
    }
    if (dir)
        (void)closedir(dir);
}

/* A report that is older than the traces would be taken for theirs if this run were killed. */
static void remove_results(const char *folder)
{
    char *path = xprintf("%s/results.json", folder);
    (void)unlink(path);
    free(path);
}

static bool make_all(const char *folder)
{
    char *path = xstrdup(folder);
    bool made = true;
    for (char *slash = path + 1; made && (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = '\0';
        made = mkdir(path, 0777) == 0 || errno == EEXIST;
    }
    made = made && (mkdir(path, 0777) == 0 || errno == EEXIST);
    free(path);
    return made;
}

/* Two runs into one folder would empty each other's traces. The lock goes with the process. */
static bool lock(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = error == EWOULDBLOCK ? EBUSY : error;
    return false;
}

bool runner_make_folder(const char *folder)
{
    if (!make_all(folder) || !lock(folder))
        return false;
    static const struct {
        const char *name, *ending;
    } parts[] = {{"traces", ".jsonl"}, {"output", ".log"}};
    remove_results(folder);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *path = xprintf("%s/%s", folder, parts[i].name);
        bool made = make_all(path);
        if (made)
            empty(path, parts[i].ending);
        free(path);
        if (!made)
            return false;
    }
    return true;
}
