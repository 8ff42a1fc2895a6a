/* What connections of a story show of who the client is; all text is borrowed. */
#ifndef HALFOPEN_TESTS_LOGIN_STORY_H
#define HALFOPEN_TESTS_LOGIN_STORY_H

#include "tests/unit/story.h"

#define LOGIN_TARGET                                                                               \
    "{\"auth\":{\"message\":true,\"ack\":true,\"answer\":true},\"hooks\":{\"send\":\"stdin\"}}"

/* Of the request of the connection at hand; the event is returned to be changed. */
struct event *login_credential(struct story *, double at, const char *place, const char *name,
                               const char *shape, const char *hash);
struct event *login_bearer(struct story *, double at, const char *hash);
/* A message that authenticates. */
struct event *login_message(struct story *, double at, const char *hash);
/* The server acknowledges; the client hears it `held` later. */
void login_ack(struct story *, double at, double held);

#endif
