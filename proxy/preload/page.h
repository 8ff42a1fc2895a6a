/* The report page: a file that the runner makes and every process it starts maps. In it the time
 * library (this folder) says, process by process, whether the clock really runs faster there and
 * which timed calls went by that nobody scales. proxy/net/timepage reads it; only the process
 * itself writes its slot. Layout and meaning change only with PAGE_VERSION.
 *
 * A slot belongs to the process whose id it carries, and says nothing about what the process became
 * after an exec that shed the library: a reader also looks whether the library is still mapped. */
#ifndef HALFOPEN_PRELOAD_PAGE_H
#define HALFOPEN_PRELOAD_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

#define PAGE_ENVIRONMENT "HALFOPEN_TIME_PAGE" /* the file's path */
#define PAGE_LIBRARY     "libhalfopen-time.so"
#define PAGE_MAGIC       UINT64_C(0x656d69742d6f6868) /* "hho-time", little endian */
#define PAGE_VERSION     1u
#define PAGE_SLOTS       1024u /* processes alive at once; slots of the dead are taken over */
#define PAGE_NAME_BYTES  32u   /* with the NUL */

enum page_flags {
    PAGE_READY = 1,  /* the rest of the slot is valid */
    PAGE_FAKED = 2,  /* FAKETIME asks for a speed and libfaketime is loaded */
    PAGE_SCALED = 4, /* the clock was watched and runs at that speed */
};

struct page_slot {
    _Atomic int32_t pid; /* 0: free */
    _Atomic uint32_t flags;
    double speed;                         /* as FAKETIME asks; 1 when it asks for none */
    _Atomic uint64_t handled;             /* timed calls the library scaled */
    _Atomic uint64_t unhandled;           /* timed calls it saw and could not scale */
    _Atomic uint64_t kernel;              /* kernel timers set at real speed (TCP keep-alive) */
    char unhandled_name[PAGE_NAME_BYTES]; /* the first of each; valid once the count is not 0 */
    char kernel_name[PAGE_NAME_BYTES];
};

struct page {
    uint64_t magic;
    uint32_t version;
    uint32_t slots; /* PAGE_SLOTS */
    struct page_slot slot[PAGE_SLOTS];
};

#endif
