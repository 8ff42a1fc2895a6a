/* The processes of an endpoint: what descends from the one we started, and what left it but still
 * carries its mark in the environment. From /proc. */
#ifndef HALFOPEN_NET_PROCTREE_H
#define HALFOPEN_NET_PROCTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCTREE_LIMIT 1024 /* processes of one endpoint that are looked at */

struct proctree {
    pid_t pids[PROCTREE_LIMIT];
    size_t count;
};

/* All processes of the machine at one moment. Taking it costs milliseconds of a loop that others
 * wait for: one serves several questions. */
struct census;
struct census *census_take(void);
void census_free(struct census *); /* NULL is allowed */

/* root, if it lives and is our child, with its descendants; of our other descendants those of its
 * process group and those whose environment has the entry mark ("NAME=VALUE"; NULL: none). */
void proctree_of(pid_t root, const char *mark, struct proctree *);
void proctree_in(struct census *, pid_t root, const char *mark, struct proctree *); /* as of then */
/* Everything that descends from us, as of then. */
void proctree_ours(const struct census *, struct proctree *);
/* Of all processes of the machine: what has an entry in its environment that begins with mark, what
 * is of one of these groups and of this session, and what descends from them; never ourselves. */
void proctree_marked(const char *mark, const pid_t *groups, size_t count, pid_t session,
                     struct proctree *);
/* Proportional set size of all of them, or resident size where the kernel tells no more. */
uint64_t proctree_memory(const struct proctree *);

#endif
