#include "net/proctree.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define PROCESSES_LIMIT 65536
#define ENVIRON_LIMIT   ((size_t)128 << 10)
#define STAT_BYTES      512

struct entry {
    pid_t pid, parent, group, session;
};

struct listing {
    struct entry *entries;
    size_t count, room;
};

/* ours: what descends from us; their environments are read when the first mark is asked for. */
struct census {
    struct listing all;
    struct proctree ours;
    char *
        environments[PROCTREE_LIMIT]; /* entries, each ended by a NUL, an empty one last; or NULL */
    bool has_environments;
};

static FILE *open_of(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    return fopen(path, "re");
}

/* Zombies are gone already; they wait only to be reaped. */
static bool read_entry(pid_t pid, struct entry *entry)
{
    char line[STAT_BYTES];
    FILE *file = open_of(pid, "stat");
    if (!file)
        return false;
    size_t len = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[len] = '\0';
    const char *name_end = strrchr(line, ')'); /* the name may hold anything, brackets too */
    char state;
    long parent, group, session;
    if (!name_end ||
        sscanf(name_end + 1, " %c %ld %ld %ld", &state, &parent, &group, &session) != 4)
        return false;
    *entry = (struct entry){
        .pid = pid, .parent = (pid_t)parent, .group = (pid_t)group, .session = (pid_t)session};
    return state != 'Z';
}

static void add_entry(struct listing *listing, pid_t pid)
{
    struct entry entry;
    if (listing->count == PROCESSES_LIMIT || !read_entry(pid, &entry))
        return;
    if (listing->count == listing->room) {
        listing->room = listing->room ? listing->room * 2 : 256;
        listing->entries = xrealloc(listing->entries, listing->room * sizeof *listing->entries);
    }
    listing->entries[listing->count++] = entry;
}

static void list_all(struct listing *listing)
{
    *listing = (struct listing){0};
    DIR *proc = opendir("/proc");
    if (!proc)
        return;
    const struct dirent *entry;
    while ((entry = readdir(proc)))
        if (isdigit((unsigned char)entry->d_name[0]))
            add_entry(listing, (pid_t)strtol(entry->d_name, NULL, 10));
    closedir(proc);
}

static bool holds(const struct proctree *tree, pid_t pid)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->pids[i] == pid)
            return true;
    return false;
}

static void add_pid(struct proctree *tree, pid_t pid)
{
    if (tree->count < PROCTREE_LIMIT && !holds(tree, pid))
        tree->pids[tree->count++] = pid;
}

/* What descends from those in the tree from `from` on, breadth first. */
static void add_descendants(struct proctree *tree, size_t from, const struct listing *listing)
{
    for (size_t i = from; i < tree->count; i++)
        for (size_t j = 0; j < listing->count; j++)
            if (listing->entries[j].parent == tree->pids[i])
                add_pid(tree, listing->entries[j].pid);
}

/* Caller frees. */
static char *environment_of(pid_t pid)
{
    FILE *file = open_of(pid, "environ");
    if (!file)
        return NULL;
    char *bytes = xcalloc(1, ENVIRON_LIMIT + 2);
    size_t len = fread(bytes, 1, ENVIRON_LIMIT, file);
    fclose(file);
    return xrealloc(bytes, len + 2);
}

static void read_environments(struct census *census)
{
    if (census->has_environments)
        return;
    census->has_environments = true;
    for (size_t i = 1; i < census->ours.count; i++)
        census->environments[i] = environment_of(census->ours.pids[i]);
}

static bool has_mark(struct census *census, size_t index, const char *mark)
{
    read_environments(census);
    for (const char *at = census->environments[index]; at && *at; at += strlen(at) + 1)
        if (strcmp(at, mark) == 0)
            return true;
    return false;
}

static pid_t group_of(pid_t pid, const struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        if (listing->entries[i].pid == pid)
            return listing->entries[i].group;
    return -1;
}

struct census *census_take(void)
{
    struct census *census = xcalloc(1, sizeof *census);
    list_all(&census->all);
    /* Only what descends from us is looked at: a number may long be somebody else's. */
    add_pid(&census->ours, getpid());
    add_descendants(&census->ours, 0, &census->all);
    return census;
}

void census_free(struct census *census)
{
    if (!census)
        return;
    for (size_t i = 0; i < census->ours.count; i++)
        free(census->environments[i]);
    free(census->all.entries);
    free(census);
}

void proctree_in(struct census *census, pid_t root, const char *mark, struct proctree *tree)
{
    tree->count = 0;
    for (size_t i = 1; i < census->ours.count; i++) {
        pid_t pid = census->ours.pids[i];
        if (pid == root || group_of(pid, &census->all) == root ||
            (mark && has_mark(census, i, mark)))
            add_pid(tree, pid);
    }
    add_descendants(tree, 0, &census->all);
}

void proctree_ours(const struct census *census, struct proctree *tree)
{
    tree->count = 0;
    for (size_t i = 1; i < census->ours.count; i++)
        add_pid(tree, census->ours.pids[i]);
}

void proctree_of(pid_t root, const char *mark, struct proctree *tree)
{
    struct census *census = census_take();
    proctree_in(census, root, mark, tree);
    census_free(census);
}

static bool begins_in_environment(pid_t pid, const char *mark)
{
    char *entries = environment_of(pid);
    bool found = false;
    for (const char *at = entries; at && *at && !found; at += strlen(at) + 1)
        found = strncmp(at, mark, strlen(mark)) == 0;
    free(entries);
    return found;
}

static bool is_of(const struct entry *entry, const pid_t *groups, size_t count, pid_t session)
{
    for (size_t i = 0; i < count && entry->session == session; i++)
        if (entry->group == groups[i])
            return true;
    return false;
}

void proctree_marked(const char *mark, const pid_t *groups, size_t count, pid_t session,
                     struct proctree *tree)
{
    struct listing all;
    list_all(&all);
    tree->count = 0;
    for (size_t i = 0; i < all.count; i++) {
        const struct entry *entry = &all.entries[i];
        bool marked = entry->pid != getpid() && (is_of(entry, groups, count, session) ||
                                                 begins_in_environment(entry->pid, mark));
        if (marked)
            add_pid(tree, entry->pid);
    }
    add_descendants(tree, 0, &all);
    free(all.entries);
}

static uint64_t proportional(pid_t pid)
{
    char line[STAT_BYTES];
    unsigned long long kib = 0;
    FILE *file = open_of(pid, "smaps_rollup");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Pss: %llu kB", &kib) == 1)
            break;
    fclose(file);
    return kib << 10;
}

static uint64_t resident(pid_t pid)
{
    unsigned long long all, pages = 0;
    FILE *file = open_of(pid, "statm");
    if (!file)
        return 0;
    if (fscanf(file, "%llu %llu", &all, &pages) != 2)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t proctree_memory(const struct proctree *tree)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < tree->count; i++) {
        uint64_t pss = proportional(tree->pids[i]);
        bytes += pss ? pss : resident(tree->pids[i]);
    }
    return bytes;
}
