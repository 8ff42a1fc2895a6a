/* What each client had to send, by the messages that came and by what it was asked to send
 * (hook.asked), and what became of what fell due while it had no connection. Clients that are
 * halfopen's own are left out. */
#ifndef HALFOPEN_RULES_LIB_OUTBOX_H
#define HALFOPEN_RULES_LIB_OUTBOX_H

#include "rules/rule.h"
#include "trace/messages.h"

/* By what it can be told which messages are missing. */
enum outbox_basis {
    OUTBOX_SILENT,   /* the client sent nothing and was not asked to */
    OUTBOX_DEAF,     /* it was asked to send, and nothing came */
    OUTBOX_NAMELESS, /* no message has an id */
    OUTBOX_ASKED,    /* each message is one that was asked for: its id is the number plus a shift */
    OUTBOX_TALLIED,  /* nothing comes but what was asked for, under ids that do not tell which */
    OUTBOX_NUMBERED, /* ids are numbers that leave none out while nothing disturbs */
    OUTBOX_UNCLEAR
};

/* A request to send that the client took. */
struct ask {
    uint64_t number;
    nsec asked, answered;
};

/* A time without a connection, between two: for a client that keeps one at a time. */
struct gap {
    nsec from, to;        /* lost, as far as the client knows; the next one opened, NEVER */
    nsec watched;         /* until the next loss, or the end of the run */
    uint32_t conn;        /* that was lost */
    uint64_t seq, to_seq; /* of the loss; of the next opening, or the last event */
    const char *exit;     /* how its process ended by itself meanwhile; NULL. Borrowed. */
};

struct outbox {
    const struct trace *trace;
    int client;
    enum outbox_basis basis;
    const struct message *messages; /* all of it, in order; borrowed */
    size_t count, named;
    const struct message *
        *first; /* the first sighting of each with an id, in order; NAMELESS: all */
    size_t first_count;
    const struct message **by_number; /* of those whose id is a number, ascending */
    size_t number_count;
    bool counted; /* ids are numbers seen to count: those of the commonest kind, and no more */
    int64_t shift;
    bool tallied;  /* before the first loss as much came as was asked for, and nothing else */
    bool numbered; /* before it, numbers left none out */
    double rate;   /* messages per second before the first loss */
    struct ask *asks;
    size_t ask_count;
    size_t asked; /* also those that were not taken, as far as we were told */
    struct gap *gaps;
    size_t gap_count;
    bool single; /* it keeps one connection at a time */
};

struct outboxes {
    struct outbox *list;
    size_t count;
    bool builtin; /* halfopen's own client was there too */
    bool full;    /* the trace does not have all messages */
    struct messages messages;
};

void outboxes_of(const struct trace *, struct outboxes *out);
void outboxes_fini(struct outboxes *);

/* Why nothing can be told of this client's messages: it sends none, or they have no ids. false:
 * something can, and nothing is said. */
bool outbox_say_untested(const struct outbox *, struct findings *out);
/* There was no client to judge: says why. false: there was one. */
bool outboxes_say_none(const struct outboxes *, struct findings *out);
/* Calls judge for every client, but for those of whom nothing can be told, which untested says
 * (outbox_say_untested, or a rule's own). */
void outboxes_judge(const struct trace *,
                    bool (*untested)(const struct outbox *, struct findings *out),
                    void (*judge)(const struct outbox *, struct findings *out),
                    struct findings *out);

/* What fell due in a gap. What was sent just before the client knew of its loss is left out: it may
 * have been under way. */
struct mail {
    uint64_t due, came, lost;       /* came: after the gap */
    uint64_t bytes;                 /* of what came */
    uint64_t first_lost, last_lost; /* ids; 0: not known which */
    bool oldest_lost;               /* all that is lost is older than all that came */
    bool newest_lost;               /* or newer */
    nsec last;                      /* when the last of what came did; 0: not known */
    uint64_t swaps;                 /* came after one that is newer */
    bool settled;                   /* the next connection lasted: what had not come then is lost */
};

/* Until a client knows of a loss: a second, or 300 ms of wall time where that is more, and twice
 * the noise on top. A process that was not let run for so long may read what it is asked before it
 * reads that its connection is gone. */
nsec outbox_grace(const struct trace *);
struct mail outbox_mail(const struct outbox *, const struct gap *);
/* The ask that a message answers; NULL: none is known. */
const struct ask *outbox_ask_of(const struct outbox *, const struct message *);
/* The first sighting of the message with that number; NULL: it never came. */
const struct message *outbox_message(const struct outbox *, uint64_t number);

#define OUTBOX_SETTLE (5 * NSEC_PER_SEC) /* of a new connection, for what was kept */

#endif
