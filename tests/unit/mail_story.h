/* Stories of a client that sends numbered messages, is asked to, and loses its connection. */
#ifndef HALFOPEN_TESTS_MAIL_STORY_H
#define HALFOPEN_TESTS_MAIL_STORY_H

#include "tests/unit/story.h"

#define MAIL_HOOKED   "{\"hooks\":{\"send\":\"stdin\"},\"messages\":{\"id\":true}}"
#define MAIL_DECLARED "{\"messages\":{\"id\":true}}"
#define MAIL_NOTHING  "{}"

#define MAIL_EVERY 0.2 /* seconds between two messages */

/* The target declares that; connection 1 opens at 0. */
void mail_begin(struct story *, const char *declares);
const char *mail_id(unsigned number); /* "17"; lives for ever */
void mail_how(const char *how);       /* of the ids that follow: "declared", or "counted" */

/* From that time on, one every MAIL_EVERY: asked for; sent; both. */
void mail_ask(struct story *, double from, unsigned first, unsigned last);
void mail_send(struct story *, double from, unsigned first, unsigned last);
void mail_live(struct story *, double from, unsigned first, unsigned last);
void mail_ask_all(struct story *, double at, unsigned first, unsigned last); /* at once */
/* All at once, or from last to first. */
void mail_burst(struct story *, double at, unsigned first, unsigned last);
void mail_burst_reversed(struct story *, double at, unsigned first, unsigned last);
/* The connection is reset; the next one, which the story goes on with, opens. */
void mail_outage(struct story *, double from, double to);
/* Ends the run, judges, checks the verdict and a part of the worst finding's text. */
void mail_expect(struct story *, double end, const struct rule_desc *, enum verdict,
                 const char *part);

#endif
