/* Stories of what came in the name of the server: a frame that is forbidden, a giant, a Close. */
#ifndef HALFOPEN_TESTS_OFFENCE_STORY_H
#define HALFOPEN_TESTS_OFFENCE_STORY_H

#include "tests/unit/story.h"

/* On the connection in hand, at that time; label and time make it one of its own. */
void story_bad_frame(struct story *, double at, const char *what);
void story_offence(struct story *, double at, const char *fault, const char *params);
/* Opens with permessage-deflate offered and agreed to. */
void story_open_deflate(struct story *, double at);
/* The client is pinged and answers: it reads. */
void story_probe(struct story *, double at);
/* Ends it in the way a client should: a Close with that code, and FIN. */
void story_fail(struct story *, double at, uint64_t code);

#endif
