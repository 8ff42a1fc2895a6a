/* What processes took of the machine. Real time. */
#ifndef HALFOPEN_NET_USAGE_H
#define HALFOPEN_NET_USAGE_H

#include "base/nsec.h"
#include "net/proctree.h"

struct usage {
    nsec cpu;        /* of the processes and of what they started and outlived */
    uint64_t memory; /* most that was resident at a time, summed over the processes */
};

/* Of those that live. */
void usage_of_tree(const struct proctree *, struct usage *);

#endif
