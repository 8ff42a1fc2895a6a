/* By what the connections of the clients under test say who the client is: credentials of their
 * requests (http.credential) and messages that authenticate (ws.auth). Hashes only. */
#ifndef HALFOPEN_RULES_LIB_CREDENTIALS_H
#define HALFOPEN_RULES_LIB_CREDENTIALS_H

#include "trace/trace.h"

struct credentials {
    const struct event **list; /* by conn, then in order; borrowed from the trace */
    size_t count;
    bool unread; /* clients sent messages, and nothing says which of them authenticate */
};

void credentials_of(const struct trace *, struct credentials *out);
void credentials_fini(struct credentials *);

/* It is one beyond doubt: a message that the target file declares, Authorization, a JWT, or a query
 * key or cookie whose name says so. What only looks random may be an identifier; and a cookie or an
 * API key may go along with what authenticates in a message. */
bool credential_is_certain(const struct credentials *, const struct event *);
bool credential_is_message(const struct event *);
const char *credential_hash(const struct event *);
/* It is a JWT that says when it expires; at: in target time, perhaps before the run began. */
bool credential_expires(const struct event *, nsec *at);

/* The first on that connection, certain or not; NULL: none. */
const struct event *credentials_first(const struct credentials *, uint32_t conn);
const struct event *credentials_first_certain(const struct credentials *, uint32_t conn);
/* The next on the same connection; NULL: that was the last. */
const struct event *credentials_next(const struct credentials *, const struct event *);

/* The message with that seq authenticates. */
bool credentials_have_message(const struct credentials *, uint32_t conn, uint64_t seq);

enum renewal {
    RENEWAL_UNSEEN, /* one of the two connections shows no credential */
    RENEWAL_NONE,   /* nothing but what the first had already */
    RENEWAL_DONE    /* some credential that the first did not have */
};

enum renewal credentials_renewal(const struct credentials *, uint32_t before, uint32_t after);

#endif
