/* Stories of clients that lose their connection and come back: what they said at first, what they
 * say then, and what their server sends. Two clients unless told otherwise: connection 1 of client
 * 0 and 2 of client 1 open at 0 and are reset at LOST; 11 and 12 open at BACK, and the run ends at
 * OVER. */
#ifndef HALFOPEN_TESTS_RENEWAL_STORY_H
#define HALFOPEN_TESTS_RENEWAL_STORY_H

#include "tests/unit/story.h"

#define LOST   30.0
#define BACK   40.0
#define OVER   60.0
#define SECOND 11 /* the second connection of client 0 */

#define RENEWAL_SUBSCRIBES "{\"sessions\":{\"subscribe\":true}}"

void renewal_begin(struct story *);
/* Of that client, from then to then; from > 0: the second. */
void renewal_session(struct story *, int client, double from, double to);
void renewal_say(struct story *, double at, const char *kind);
void renewal_hear(struct story *, double from, double every, double to, const char *kind);
/* One numbered message each, of the server. */
void renewal_number(struct story *, double from, double every, unsigned first, unsigned last);
void renewal_subscribe(struct story *, double at, const char *topic);

/* Each client begins with "hello" and "prices"; of each the story is then told on. */
void renewal_both(struct story *, void (*then)(struct story *, int client));
/* The same, and its server sends until the loss. */
void renewal_streamed(struct story *, void (*then)(struct story *, int client));
/* The same with the numbers 1 to 29; all of it is said again, and numbers go on from that one. */
void renewal_numbered(struct story *, unsigned first_after,
                      void (*then)(struct story *, int client));
/* One client, which declares what it subscribes to: before and after; NULL ends. */
void renewal_declared(struct story *, const char *const *before, const char *const *after);

/* What may be told of a client then. */
void renewal_all_of_it(struct story *, int client);
void renewal_nothing(struct story *, int client);
void renewal_in_part(struct story *, int client);
void renewal_otherwise(struct story *, int client);
void renewal_silent_but_served(struct story *, int client);
void renewal_another_address(struct story *, int client);
void renewal_says_who_it_is(struct story *, int client);
void renewal_a_fault_holds_it_up(struct story *, int client);

/* Judges by reconnect.resubscribe and ends the story. */
void renewal_expect(struct story *, enum verdict, const char *part);

#endif
