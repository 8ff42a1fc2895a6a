/* Stories of attempts and how they ended, told client by client: for rules about what a client does
 * next. Each attempt has a connection of its own. */
#ifndef HALFOPEN_TESTS_ENDED_STORY_H
#define HALFOPEN_TESTS_ENDED_STORY_H

#include "tests/unit/story.h"

struct ended_story {
    struct story story;
    uint32_t next_conn;
};

void ended_begin(struct ended_story *);
/* The client's next attempt, at `at`, is: */
void ended_open(struct ended_story *, int client, double at);                /* open, to the end */
void ended_cut(struct ended_story *, int client, double at, double lasts);   /* reset by a fault */
void ended_leave(struct ended_story *, int client, double at, double lasts); /* closed by itself */
/* Sent a Close by a fault, answered and over at once. */
void ended_close(struct ended_story *, int client, double at, double lasts, unsigned code);
void ended_refuse(struct ended_story *, int client, double at);
/* Answered by a fault; params: of the upgrade_status. */
void ended_status(struct ended_story *, int client, double at, unsigned status, const char *params);
/* Never answered; given up by the client after so long, 0: not before the end. */
void ended_hang(struct ended_story *, int client, double at, double gives_up);
/* The same, but it opens after so long. */
void ended_hang_open(struct ended_story *, int client, double at, double opens);
/* A fault that kept all out is over, for connections to come. */
void ended_restored(struct ended_story *, double at, const char *fault);
/* The run ends then; judges and ends the story. */
void ended_expect(struct ended_story *, double at, const struct rule_desc *, enum verdict,
                  const char *part);

#endif
