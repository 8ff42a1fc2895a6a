#include "net/socket_owner.h"

#include <dirent.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define INODES_LIMIT 256 /* sockets with the same two ports, differing in address */
#define LINE_BYTES   512
#define ROWS_LIMIT   ((size_t)1 << 20)

struct socket_table {
    struct socket_row *rows;
    size_t count, room;
};

struct inodes {
    uint64_t list[INODES_LIMIT];
    size_t count;
};

bool socket_owner_parse(const char *line, struct socket_row *row)
{
    unsigned local, remote, state;
    uint64_t inode;
    /* slot: local remote state queues timer:when retransmits uid timeout inode */
    int fields = sscanf(line,
                        " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%x %x %*x:%*x %*x:%*x %*x %*u %*u "
                        "%" SCNu64,
                        &local, &remote, &state, &inode);
    if (fields != 4 || local > UINT16_MAX || remote > UINT16_MAX)
        return false;
    *row = (struct socket_row){.local_port = (uint16_t)local,
                               .remote_port = (uint16_t)remote,
                               .listening = state == TCP_LISTEN,
                               .inode = inode};
    return true;
}

uint64_t socket_owner_inode(const char *link)
{
    static const char prefix[] = "socket:[";
    if (strncmp(link, prefix, sizeof prefix - 1) != 0)
        return 0;
    return strtoull(link + sizeof prefix - 1, NULL, 10);
}

static bool matches(const struct socket_row *row, uint16_t local_port, uint16_t remote_port)
{
    return row->inode != 0 && (local_port == 0 || row->local_port == local_port) &&
           row->remote_port == remote_port && row->listening == (remote_port == 0);
}

static void add_row(struct socket_table *table, const struct socket_row *row)
{
    if (table->count == ROWS_LIMIT)
        return;
    if (table->count == table->room) {
        table->room = table->room ? table->room * 2 : 256;
        table->rows = xrealloc(table->rows, table->room * sizeof *table->rows);
    }
    table->rows[table->count++] = *row;
}

static void read_rows(struct socket_table *table, const char *path)
{
    char line[LINE_BYTES];
    struct socket_row row;
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file))
        if (socket_owner_parse(line, &row) && row.inode != 0)
            add_row(table, &row);
    fclose(file);
}

struct socket_table *socket_table_read(void)
{
    struct socket_table *table = xcalloc(1, sizeof *table);
    read_rows(table, "/proc/net/tcp");
    read_rows(table, "/proc/net/tcp6");
    return table;
}

void socket_table_free(struct socket_table *table)
{
    if (!table)
        return;
    free(table->rows);
    free(table);
}

static void collect(const struct socket_table *table, uint16_t local_port, uint16_t remote_port,
                    struct inodes *inodes)
{
    for (size_t i = 0; i < table->count && inodes->count < INODES_LIMIT; i++)
        if (matches(&table->rows[i], local_port, remote_port))
            inodes->list[inodes->count++] = table->rows[i].inode;
}

static bool is_one_of(const struct inodes *inodes, uint64_t inode)
{
    for (size_t i = 0; i < inodes->count; i++) {
        if (inodes->list[i] == inode)
            return true;
    }
    return false;
}

static uint64_t inode_of(int folder, const char *name)
{
    char link[64];
    ssize_t len = readlinkat(folder, name, link, sizeof link - 1);
    if (len <= 0)
        return 0;
    link[len] = '\0';
    return socket_owner_inode(link);
}

static bool holds_one(pid_t pid, const struct inodes *inodes)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    DIR *folder = opendir(path);
    if (!folder)
        return false;
    bool found = false;
    const struct dirent *entry;
    while (!found && (entry = readdir(folder))) {
        uint64_t inode = inode_of(dirfd(folder), entry->d_name);
        found = inode != 0 && is_one_of(inodes, inode);
    }
    closedir(folder);
    return found;
}

size_t socket_owner_find(const struct socket_table *table, const struct proctree *tree,
                         uint16_t local_port, uint16_t remote_port,
                         pid_t owners[SOCKET_OWNERS_LIMIT])
{
    struct inodes inodes = {.count = 0};
    size_t count = 0;
    collect(table, local_port, remote_port, &inodes);
    for (size_t i = 0; inodes.count && i < tree->count && count < SOCKET_OWNERS_LIMIT; i++) {
        if (holds_one(tree->pids[i], &inodes))
            owners[count++] = tree->pids[i];
    }
    return count;
}
