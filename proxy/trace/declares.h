/* What the target file may declare and some rules cannot do without: how to make the endpoint act,
 * how to hear what its user hears, how to recognise its messages. run.start says which of it there
 * is. One table says for each what is missing without it and which line to add. */
#ifndef HALFOPEN_TRACE_DECLARES_H
#define HALFOPEN_TRACE_DECLARES_H

enum declares {
    DECLARES_SEND = 1,             /* hooks.send */
    DECLARES_CLOSE = 2,            /* hooks.close */
    DECLARES_GAVE_UP = 4,          /* hooks.gave_up */
    DECLARES_MESSAGES = 8,         /* messages.id */
    DECLARES_AUTH = 16,            /* auth.message */
    DECLARES_CODES = 32,           /* close_codes */
    DECLARES_ACK = 64,             /* auth.ack */
    DECLARES_ANSWER = 128,         /* auth.answer, or a server that answers by itself */
    DECLARES_STATE = 256,          /* hooks.state */
    DECLARES_SUBSCRIBE = 512,      /* sessions.subscribe */
    DECLARES_RESUME = 1024,        /* sessions.resume */
    DECLARES_SESSION_STATE = 2048, /* sessions.state */
};

struct declaration {
    enum declares what;
    const char *part, *member; /* "hooks", "send": the key in the target file and in run.start */
    const char *lack;          /* a sentence: what cannot be done without it */
    const char *example;       /* the line to add */
};

extern const struct declaration declarations[]; /* part NULL ends */

/* Of what is missing, the first in the table; NULL: nothing is. */
const struct declaration *declaration_missing(unsigned wanted, unsigned declared);
/* All that a JSON object as in run.start's `target` says is there; 0 for what is no object. */
unsigned declares_read_json(const char *json);

#endif
