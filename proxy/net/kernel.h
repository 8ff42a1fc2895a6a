/* What the kernel does to a socket of ours at our wish: lose segments before TCP sees them (a
 * classic BPF socket filter, SO_ATTACH_FILTER) and forget a connection without a word (TCP_REPAIR).
 * Tried once per process on a socket of our own, so that what is refused is refused before a
 * scenario begins. */
#ifndef HALFOPEN_NET_KERNEL_H
#define HALFOPEN_NET_KERNEL_H

#include "fault/fault.h"

bool kernel_has(enum fault_need);
/* "" when it is there; else what is missing and what would give it, as a sentence without full
 * stop. Static. */
const char *kernel_why_not(enum fault_need);

/* The share of incoming segments that is lost, 0 < ratio <= 1; a listening socket loses SYNs, and
 * what it accepts inherits the filter. Replaces an earlier ratio. 0: done; else errno. */
int kernel_deafen(int fd, double ratio);
int kernel_hear(int fd); /* 0: no filter is left; else errno */
/* From now on closing the socket sends neither FIN nor RST, and drops what it had not sent; what
 * its peer sends later meets an RST. 0: done; else errno, and the socket is as it was. */
int kernel_vanish(int fd);

#endif
