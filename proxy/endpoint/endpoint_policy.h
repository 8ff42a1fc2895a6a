/* How the built-in endpoints behave, as numbers: the sound defaults are RULES' own (section 2), a
 * flaw changes them (flaws.h). Command line options and YAML derive from the two tables. */
#ifndef HALFOPEN_ENDPOINT_POLICY_H
#define HALFOPEN_ENDPOINT_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/nsec.h"
#include "base/param.h"
#include "base/rng.h"
#include "core/plan.h"

enum backoff_growth { GROWTH_EXPONENTIAL, GROWTH_LINEAR, GROWTH_CONSTANT };
enum sends_as { SENDS_TEXT, SENDS_BINARY, SENDS_EITHER };
enum first_delay { FIRST_DELAY_BACKOFF, FIRST_DELAY_NONE, FIRST_DELAY_UNIFORM };

/* Wherever a limit is 0 there is none. */
struct client_policy {
    bool browser;  /* a page's script: it says so, and its heartbeat is a message, not a ping */
    uint64_t tabs; /* of that browser; each is a client of its own with the same session */
    nsec ping;     /* 0: never pings */
    nsec pong;     /* 0: pings, and never asks what became of them */

    int growth; /* enum backoff_growth */
    nsec backoff_base, backoff_cap;
    double backoff_factor;
    double jitter_low, jitter_high;
    bool jitter_before_cap; /* the mistake that loses the jitter at the cap */
    int first_delay;        /* enum first_delay */
    nsec first_delay_limit; /* of FIRST_DELAY_UNIFORM */
    nsec stable_after;      /* a connection this old makes the next failure the first one again */
    nsec connect_timeout;   /* from dialling to the 101 */
    bool closes_abandoned;  /* an attempt that it gives up */
    nsec close_timeout;
    nsec tcp_keepalive; /* for whoever opens the connections; the next one too */
    bool any_address;   /* an attempt tries all addresses of the name, not the one that worked */
    uint64_t retry_limit;
    bool tells_user; /* that it gave up */
    bool reconnects;
    bool reconnects_after_normal; /* also after the server's 1000 */
    bool heeds_close_codes; /* fatal codes are final, 1012 and 1013 have delays of their own */
    bool heeds_status;      /* Retry-After; a 4xx is retried at the cap */

    double rate; /* of messages produced; 0: never sends */
    uint64_t message_size;
    int sends_as;         /* enum sends_as: the opcode of what it sends, which is JSON */
    bool sends_utf8;      /* all of it is UTF-8 */
    uint64_t gathers;     /* what it sends, until a message is at least so large */
    uint64_t send_buffer; /* unsent bytes above which production pauses; resumes below half */
    uint64_t queue_messages, queue_bytes; /* kept while down; the oldest go first, with notice */
    bool replays;                         /* what was kept is sent after reopening */
    bool newest_first;                    /* and in that order */
    uint64_t repeats_as_new; /* of what it sent last on a lost connection, under new ids */

    uint64_t topics;    /* it subscribes to */
    bool resubscribes;  /* on every connection, not on the first alone */
    bool resumes;       /* asks for the events it missed */
    bool session;       /* begins one with the server */
    bool keeps_session; /* and goes on with it on the next connection */

    uint64_t max_message; /* received; beyond it the connection fails with 1009 */
    bool answers_pings, echo_close, closes_politely;
    bool token_in_url; /* the same one in every request */
    bool queues_pongs; /* one for each ping while nobody reads them, not the newest alone */
    bool masks, fresh_mask_keys;
    bool verifies;      /* the server's certificate; for whoever opens the connections */
    bool checks_answer; /* whether a 101 is one */
    bool keeps_early;   /* what comes in one read with the 101 */
    bool deflate;       /* offers permessage-deflate */
    bool heeds_deflate; /* compresses as was agreed */
    bool checks_deflate, limits_inflated, reads_plain; /* of what the server sends under it */
    bool reassembles; /* reads: a frame may take several, and one may bring several frames */
    bool checks_frames, checks_text, checks_closes; /* of what the server sends */
    uint64_t failure_code;                          /* 0: the one that fits */
    bool silent_after_close;
    bool waits_for_open;      /* sends no data before the handshake is complete */
    bool explains_closes;     /* its own have a code and a reason */
    bool closes_for_good;     /* after the application's close it stays away */
    int authenticates;        /* enum authenticates */
    bool waits_for_ack;       /* of its first message, before it sends anything else */
    bool authenticates_again; /* on every connection, not on the first alone */
    nsec refused_retry;       /* 0: it takes a fresh token; else it comes back with the same */
    nsec token_life;          /* of each of its tokens; 0: they do not expire */
    bool renews;              /* them before they expire */
    int64_t epoch; /* time of day at `now` 0, seconds since 1970; for whoever starts it */
    bool own_seed; /* false: every process draws the same random numbers */
};

/* Mute by default: answers, never speaks first (DESIGN 4). */
struct server_policy {
    bool echo;
    bool deflate;         /* agrees to permessage-deflate where it is offered */
    nsec says;            /* a message of its own this often; 0: never */
    nsec publishes;       /* an event this often, to whom subscribed; 0: never */
    bool sessions;        /* gives its clients sessions */
    nsec ping, pong;      /* 0: none */
    nsec request_timeout; /* for the whole request head */
    nsec close_timeout;
    uint64_t send_buffer; /* unsent bytes above which it stops reading */
    uint64_t max_message;
    bool answers_pings, echo_close;
    /* A message that matches is answered so. Borrowed; NULL: nothing is. For whoever starts it. */
    const char *auth_message, *auth_answer;
};

extern const struct param client_policy_params[];
extern const struct param server_policy_params[];

void client_policy_defaults(struct client_policy *);
void server_policy_defaults(struct server_policy *);

/* The wait before the next attempt after `failures` (from 1) failures in a row: jitter is applied
 * after the cap, so that it is never lost there. Draws from rng. */
nsec client_policy_delay(const struct client_policy *, uint64_t failures, struct rng *);

#endif
