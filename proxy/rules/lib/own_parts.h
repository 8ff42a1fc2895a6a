/* What the files of own assertions share. */
#ifndef HALFOPEN_RULES_LIB_OWN_PARTS_H
#define HALFOPEN_RULES_LIB_OWN_PARTS_H

#include "rules/own.h"
#include "trace/attempts.h"

void own_check_messages(const struct trace *, const void *assertion, struct findings *);
void own_check_closes(const struct trace *, const void *assertion, struct findings *);
void own_check_attempts(const struct trace *, const void *assertion, struct findings *);
void own_check_requests(const struct trace *, const void *assertion, struct findings *);
/* " after the WebSocket opened again" */
void own_add_moment(const struct assertion *, struct text *out);

/* A time in which an assertion is to hold for a client. */
struct window {
    nsec from, to; /* to: `within`, else the next such moment, else the end */
    bool bounded;  /* by `within` */
    uint64_t seq;  /* what began it */
    uint32_t conn; /* that opened; 0: none did */
    /* Until here it could be seen, and why not further; NULL: to its end. */
    nsec seen;
    const char *blind;
    nsec cut; /* from here on no more could come, and not by whose doings are counted; NEVER */
    const char *cut_by;
    bool left; /* whose doings are counted ended its connection itself, before anybody else */
};

struct windows {
    struct window *list;
    size_t count;
};

/* What one client is judged by. */
struct own_view {
    const struct trace *trace;
    const struct assertion *assertion;
    const struct attempts *attempts; /* of all clients */
    int client;
    enum side side; /* whose doings are counted */
    enum own_counted { OWN_MESSAGES, OWN_CLOSES, OWN_ATTEMPTS } counted;
    nsec end; /* of what counts */
};

void own_windows(const struct own_view *, struct windows *out);
void own_windows_fini(struct windows *);
/* Its process was ended by the scenario, or begun by it: it need not see every moment. */
bool own_is_passing(const struct own_view *);

#endif
