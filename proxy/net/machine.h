/* What this process may use of the machine: a container's limits count. */
#ifndef HALFOPEN_NET_MACHINE_H
#define HALFOPEN_NET_MACHINE_H

#include <stdint.h>

unsigned machine_cores(void);  /* at least 1 */
uint64_t machine_memory(void); /* bytes that can be had without swapping; UINT64_MAX: unknown */

#endif
