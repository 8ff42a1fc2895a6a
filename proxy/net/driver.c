#include "net/driver.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/link.h"
#include "net/listener.h"

#define POLL_EVERY (100 * NSEC_PER_MSEC) /* target time */
#define POLL_LEAST (10 * NSEC_PER_MSEC)  /* real */
#define PORT_TRIES 16                    /* for one that is free in both families */

/* Where the connections of one client arrive. */
struct entrance {
    struct driver *driver;
    struct entrance *next;
    struct listener *listener;
    unsigned client;
    enum family family;
    bool alone; /* the client was given this one address, not a name that has two */
};

nsec driver_now(const struct driver *driver)
{
    return clock_target(&driver->clock, loop_now());
}

/* --- Turns and deadlines --- */

void driver_touch(struct driver *driver)
{
    if (driver->run)
        loop_touch(driver->loop, &driver->turn);
}

static void free_dead(struct driver *driver)
{
    while (driver->dead) {
        struct link *next = driver->dead->next;
        link_free(driver->dead);
        driver->dead = next;
    }
}

static void rearm(struct driver *driver)
{
    loop_timer_set(driver->loop, &driver->deadline,
                   clock_real(&driver->clock, run_deadline(driver->run)));
    if (driver->polled > 0 && driver->poll.deadline.slot == 0) {
        nsec every = (nsec)((double)POLL_EVERY / driver->clock.speed);
        loop_timer_set(driver->loop, &driver->poll, loop_now() + nsec_max(every, POLL_LEAST));
    }
}

static void on_turn(struct turn *turn)
{
    struct driver *driver = (struct driver *)((char *)turn - offsetof(struct driver, turn));
    if (driver->run) {
        run_settle(driver->run, driver_now(driver));
        rearm(driver);
    }
    if (driver->config.recorder)
        recorder_flush(driver->config.recorder);
    if (driver->run && driver->config.on_turn)
        driver->config.on_turn(driver->config.context);
    free_dead(driver);
}

static void on_deadline(struct timer *timer, nsec now)
{
    struct driver *driver = (struct driver *)((char *)timer - offsetof(struct driver, deadline));
    driver_touch(driver);
    run_expire(driver->run, driver_now(driver));
}

static void on_poll(struct timer *timer, nsec now)
{
    struct driver *driver = (struct driver *)((char *)timer - offsetof(struct driver, poll));
    for (struct link *link = driver->links.next; link != &driver->links; link = link->next)
        link_poll(link);
    driver_touch(driver); /* which sets it again while anything is polled */
}

/* --- Listening --- */

static void on_fd(void *context, int fd, const struct address *peer)
{
    struct entrance *entrance = context;
    link_accept(entrance->driver, entrance->client, fd, peer);
}

static void on_hanging(void *context, int error, const char *how)
{
    const struct entrance *entrance = context;
    struct driver *driver = entrance->driver;
    if (!driver->run)
        return;
    run_answer(driver->run, "hang connects", error ? "refused" : "done",
               error ? strerror(error) : how, driver_now(driver));
    driver_touch(driver);
}

static void tell_address(struct driver *driver, unsigned client, enum family family, bool refused,
                         const char *why_not)
{
    int other = family == FAMILY_IPV4 ? AF_INET6 : AF_INET;
    bool known = !*why_not && socket_resolver_gives("localhost", other);
    run_address_answer(driver->run, client, family, refused, known, why_not, driver_now(driver));
    driver_touch(driver);
}

static void on_shut(void *context, int error)
{
    const struct entrance *entrance = context;
    if (entrance->driver->run)
        tell_address(entrance->driver, entrance->client, entrance->family, error == 0,
                     error ? strerror(error) : "");
}

static struct entrance *entrance_of(const struct driver *driver, unsigned client,
                                    enum family family)
{
    struct entrance *entrance = driver->entrances;
    while (entrance && (entrance->client != client || entrance->family != family))
        entrance = entrance->next;
    return entrance;
}

/* "": it can be shut without shutting the client out. */
static const char *why_not_shut(const struct driver *driver, unsigned client, enum family family)
{
    const struct entrance *entrance = entrance_of(driver, client, family);
    const struct entrance *other = entrance_of(driver, client, family_other(family));
    if (entrance && other)
        return "";
    const struct entrance *only = entrance ? entrance : other;
    return only && only->alone ? "no name" : "no ipv6";
}

static void shut(struct driver *driver, unsigned client, enum family family)
{
    const char *why_not = why_not_shut(driver, client, family);
    if (*why_not)
        tell_address(driver, client, family, false, why_not);
    else
        listener_shut(entrance_of(driver, client, family)->listener, on_shut);
}

static void on_door(void *context, unsigned client, enum family family, enum door door)
{
    struct driver *driver = context;
    struct entrance *entrance = entrance_of(driver, client, family);
    if (door == DOOR_SHUT) {
        shut(driver, client, family);
        return;
    }
    if (!entrance)
        return;
    if (listener_is_shut(entrance->listener))
        tell_address(driver, client, family, false, "");
    listener_let_in(entrance->listener);
    if (door == DOOR_HANG)
        listener_hang(entrance->listener, on_hanging);
}

static struct entrance *new_entrance(struct driver *driver, unsigned client, const char *host,
                                     uint16_t port)
{
    struct entrance *entrance = xcalloc(1, sizeof *entrance);
    entrance->driver = driver;
    entrance->client = client;
    entrance->family = strchr(host, ':') ? FAMILY_IPV6 : FAMILY_IPV4;
    entrance->listener = listener_new(driver->loop, host, port, on_fd, entrance);
    if (entrance->listener)
        return entrance;
    free(entrance);
    return NULL;
}

static uint16_t add_entrance(struct driver *driver, struct entrance *entrance)
{
    entrance->next = driver->entrances;
    driver->entrances = entrance;
    return listener_port(entrance->listener);
}

static void free_entrance(struct entrance *entrance)
{
    int error = errno;
    listener_free(entrance->listener);
    free(entrance);
    errno = error;
}

static bool is_missing_family(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

static uint16_t listen_on_both(struct driver *driver, unsigned client, uint16_t port)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        struct entrance *v4 = new_entrance(driver, client, "127.0.0.1", port);
        if (!v4)
            return 0;
        struct entrance *v6 = new_entrance(driver, client, "::1", listener_port(v4->listener));
        if (v6)
            (void)add_entrance(driver, v6);
        if (v6 || is_missing_family(errno))
            return add_entrance(driver, v4);
        free_entrance(v4);
        if (port != 0)
            return 0;
    }
    return 0;
}

uint16_t driver_listen(struct driver *driver, unsigned client, const char *host, uint16_t port,
                       enum driver_families families)
{
    if (families == DRIVER_BOTH_LOOPBACKS)
        return listen_on_both(driver, client, port);
    struct entrance *entrance = new_entrance(driver, client, host, port);
    if (entrance)
        entrance->alone = true;
    return entrance ? add_entrance(driver, entrance) : 0;
}

/* --- Life --- */

static void forget_backends(struct driver *driver)
{
    for (size_t i = 0; i < driver->backend_count; i++) {
        free((char *)driver->backends[i].host);
        free((char *)driver->backends[i].server_name);
    }
}

/* NULL: done; else why not. */
static const char *take_backends(struct driver *driver)
{
    const struct driver_config *config = &driver->config;
    assert(config->more_count < PLAN_BACKENDS_LIMIT);
    for (size_t i = 0; i <= config->more_count; i++) {
        struct driver_upstream *backend = &driver->backends[driver->backend_count];
        *backend = i == 0 ? config->upstream : config->more[i - 1];
        const char *why = socket_resolve(backend->host, backend->port, &driver->upstreams[i]);
        if (why)
            return why;
        backend->host = xstrdup(backend->host);
        if (backend->server_name)
            backend->server_name = xstrdup(backend->server_name);
        driver->backend_count++;
    }
    return NULL;
}

struct driver *driver_new(struct loop *loop, struct run *run, const struct driver_config *config,
                          const char **why)
{
    assert(config->speed > 0);
    struct driver *driver = xcalloc(1, sizeof *driver);
    driver->config = *config;
    *why = take_backends(driver);
    if (*why) {
        forget_backends(driver);
        free(driver);
        return NULL;
    }
    driver->loop = loop;
    driver->run = run;
    driver->clock = (struct clock){.start = loop_now(), .speed = config->speed};
    driver->links.next = driver->links.previous = &driver->links;
    driver->turn.on_turn = on_turn;
    driver->deadline.on_due = on_deadline;
    driver->poll.on_due = on_poll;
    run_watch_doors(run, on_door, driver);
    return driver;
}

void driver_start(struct driver *driver)
{
    driver_touch(driver);
    run_start(driver->run, driver_now(driver));
}

void driver_stop(struct driver *driver)
{
    run_watch_doors(driver->run, NULL, NULL);
    driver->run = NULL;
    loop_timer_set(driver->loop, &driver->deadline, NEVER);
    loop_timer_set(driver->loop, &driver->poll, NEVER);
    while (driver->entrances) {
        struct entrance *entrance = driver->entrances;
        driver->entrances = entrance->next;
        free_entrance(entrance);
    }
    for (struct link *link = driver->links.next; link != &driver->links; link = link->next) {
        stream_read(&link->client, false);
        stream_read(&link->server, false);
        link->session = NULL;
    }
}

void driver_free(struct driver *driver)
{
    if (!driver)
        return;
    if (driver->run)
        driver_stop(driver);
    while (driver->links.next != &driver->links)
        link_abandon(driver->links.next);
    loop_untouch(&driver->turn);
    free_dead(driver);
    forget_backends(driver);
    free(driver);
}
