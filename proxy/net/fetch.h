/* One small HTTP request to a plain address: what hooks of a target file ask of an application.
 * HTTP/1.0, so that the answer is neither chunked nor kept alive; no redirects are followed. */
#ifndef HALFOPEN_NET_FETCH_H
#define HALFOPEN_NET_FETCH_H

#include "base/text.h"
#include "net/dialer.h"

#define FETCH_BODY_LIMIT ((size_t)64 << 10) /* what comes behind it is not waited for */

struct fetch;

struct fetch_request {
    const char *method, *host, *authority, *target; /* copied */
    uint16_t port;
    bool http_1_1; /* for a server that takes no HTTP/1.0 */
    nsec patience; /* real */
    /* In a turn of the loop, once; the fetch is freed right after. why: "" when there was an
     * answer, else what stood in the way; body: terminated, borrowed. */
    void (*on_done)(void *context, int status, const char *body, size_t len, const char *why);
    void *context;
};

struct fetch *fetch_start(struct loop *, struct dialer *, const struct fetch_request *);
void fetch_cancel(struct fetch *); /* no callback; frees it. NULL is fine */

#endif
