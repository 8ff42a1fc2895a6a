/* Runs one scenario (core/run.h) over real sockets: listens for its clients, connects to the
 * server, carries bytes between sockets and sessions, carries out actions, feeds in the time. Every
 * turn of the loop that touched the run ends in run_settle and recorder_flush.
 *
 * Order of ending: run_end, driver_stop, run_free (on_over closes what is left), driver_free. */
#ifndef HALFOPEN_NET_DRIVER_H
#define HALFOPEN_NET_DRIVER_H

#include "core/run.h"
#include "net/flawed.h"
#include "net/loop.h"
#include "net/tls.h"

struct driver;

/* Where the server is: the endpoint under test or the built-in one on its own port. */
struct driver_upstream {
    const char *host; /* name or address, resolved once by driver_new */
    uint16_t port;
    struct tls_context *tls; /* NULL: plain; kept, not owned */
    const char *server_name; /* SNI and the name that is verified; NULL: host */
};

struct driver_config {
    double speed;              /* target seconds per real second */
    struct recorder *recorder; /* kept; flushed each turn; NULL: none */
    struct driver_upstream upstream;
    const struct driver_upstream *more; /* its other backends, from the second on; copied */
    size_t more_count;                  /* below PLAN_BACKENDS_LIMIT */
    struct tls_context *tls;            /* towards the clients; NULL: plain; kept, not owned */
    const struct flawed *flawed;        /* for TLS faults; NULL: there are none; kept, not owned */
    /* After each turn that touched the run, when it has settled: look at run_finished here. May
     * call driver_stop, not driver_free. NULL: not wanted. */
    void (*on_turn)(void *context);
    void *context;
};

/* Its clock starts at once: target time 0 is now. Keeps loop and run. NULL: the upstream's name
 * cannot be resolved, and *why (never freed) says how. */
struct driver *driver_new(struct loop *, struct run *, const struct driver_config *,
                          const char **why);
void driver_start(struct driver *); /* run_start */
/* Whoever changes the run from outside (adds a fault, ends it, reports an exit) touches it
 * afterwards. */
void driver_touch(struct driver *);
nsec driver_now(const struct driver *); /* target time */

enum driver_families { DRIVER_ONE_FAMILY, DRIVER_BOTH_LOOPBACKS };

/* Accepts connections of that client on host (an address; port 0: any free one). BOTH_LOOPBACKS: on
 * 127.0.0.1 and, when this machine has it, on ::1, both with the same port; host is then not looked
 * at. Returns the port; 0: errno says why. */
uint16_t driver_listen(struct driver *, unsigned client, const char *host, uint16_t port,
                       enum driver_families);

/* No more accepting, reading, timers and callbacks; sockets that are left stay open until
 * on_over. */
void driver_stop(struct driver *);
void driver_free(struct driver *); /* after run_free */

#endif
