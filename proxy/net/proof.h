/* Whether a process really lives at the speed it was asked to. A mapped library proves nothing, so
 * it is asked of the process that holds the endpoint's socket, each time, never remembered per
 * program. Any doubt means speed 1. */
#ifndef HALFOPEN_NET_PROOF_H
#define HALFOPEN_NET_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "net/socket_owner.h"
#include "net/timepage.h"

enum proof {
    PROOF_SCALED,    /* proved so far; calls that come later may still undo it */
    PROOF_NO_OWNER,  /* nothing we started holds the socket */
    PROOF_GONE,      /* no such process, or it may not be looked at */
    PROOF_NAMESPACE, /* a container's: its clocks and ids are not ours */
    PROOF_GO,        /* Go reads the clock and sleeps past the C library */
    PROOF_UNLOADED,  /* static, set-uid, or it cleaned its environment */
    PROOF_NO_SLOT,   /* the library is there and did not report */
    PROOF_UNSCALED,  /* its clock does not run at that speed */
    PROOF_UNHANDLED  /* it waits in a way that is not scaled */
};

/* For one process. Unless PROOF_SCALED, *why gets a sentence for the table of results. */
enum proof proof_of(const struct timepage *, pid_t pid, double speed, struct text *why);
/* For all that hold the endpoint's socket, its port first, the other end's second (0: the listening
 * socket); the first that is not PROOF_SCALED is returned. */
enum proof proof_of_socket(const struct timepage *, const struct socket_table *,
                           const struct proctree *, uint16_t local_port, uint16_t remote_port,
                           double speed, struct text *why);

/* For those who hold no socket just now: whether any of them reported a wait that is not scaled,
 * root too, which may have ended. */
enum proof proof_of_reports(const struct timepage *, pid_t root, const struct proctree *,
                            struct text *why);

/* Judges what a process reported about itself; pure. */
enum proof proof_of_report(const struct timepage_process *, double speed, struct text *why);
/* false too when these bytes are no ELF file of this machine's kind. */
bool proof_elf_has_section(const uint8_t *bytes, size_t len, const char *name);

#endif
