/* What the built-in server publishes on its topics and keeps of its clients' sessions. A bulletin
 * belongs to a server, or to several that stand for one; a publisher to one connection of it.
 * Events come whether anybody is connected or not: which there are follows from the time, so that
 * what is kept of them costs no memory. */
#ifndef HALFOPEN_ENDPOINT_PUBLISHER_H
#define HALFOPEN_ENDPOINT_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"

#define PUBLISHER_KEPT 10000 /* events that can still be asked for */

struct bulletin {
    nsec every;        /* between events, from number 1; 0: there are none */
    nsec began;        /* the first comes `every` later */
    bool has_sessions; /* answers hellos */
    uint64_t sessions; /* begun so far; each is known by its number from then on */
};

struct publisher {
    struct bulletin *bulletin; /* kept */
    /* Sends a text message; false: there is no room, or no connection. */
    bool (*say)(void *context, const char *text);
    void *context;
    bool subscribed;
    uint64_t next; /* the event to be sent */
    uint64_t live; /* the first that comes by itself: what a resume is given ends before it */
    nsec at;       /* when it is next tried; NEVER: nothing was asked for */
};

void publisher_init(struct publisher *, struct bulletin *,
                    bool (*say)(void *context, const char *text), void *context);
void publisher_hear(struct publisher *, const uint8_t *bytes, size_t len, nsec now);
void publisher_expire(struct publisher *, nsec now);
nsec publisher_deadline(const struct publisher *);
void publisher_stop(struct publisher *); /* the connection is open no more */

#endif
