/* The report page of the time library, from the runner's side: made here, named to the children in
 * their environment, read back by process id. preload/page.h is the contract. */
#ifndef HALFOPEN_NET_TIMEPAGE_H
#define HALFOPEN_NET_TIMEPAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"
#include "preload/page.h"

struct timepage;

/* What a process said of itself. It holds only while the library is still mapped there
 * (net/proof). */
struct timepage_process {
    bool present; /* it loaded the library and found the page */
    bool faked;   /* libfaketime is there and was asked for a speed */
    bool scaled;  /* its clock was seen to run at that speed */
    double speed;
    uint64_t handled;
    uint64_t unhandled; /* timed calls at a wrong speed */
    uint64_t kernel;    /* kernel timers at real speed: keep-alive */
    char unhandled_name[PAGE_NAME_BYTES], kernel_name[PAGE_NAME_BYTES]; /* the first; "" */
};

/* A file in TMPDIR or /tmp. NULL: *why says what was wrong. */
struct timepage *timepage_new(struct text *why);
void timepage_free(struct timepage *);              /* removes the file; NULL is allowed */
const char *timepage_path(const struct timepage *); /* for PAGE_ENVIRONMENT */
struct timepage_process timepage_process(const struct timepage *, pid_t pid);
/* The same out of a page in memory. */
struct timepage_process timepage_read(const struct page *, pid_t pid);

#endif
