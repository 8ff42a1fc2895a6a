/* What a client made of something that came in the name of its server: frames that RFC 6455
 * forbids, a giant, a Close (faults bad_frame, oversize_message, close_with). How long it took is
 * work, and is judged in wall time whatever the speed. */
#ifndef HALFOPEN_RULES_LIB_OFFENCE_H
#define HALFOPEN_RULES_LIB_OFFENCE_H

#include "rules/rule.h"

/* BOMB: an oversize_message of form deflated. */
enum offence_fault { OFFENCE_BAD_FRAME, OFFENCE_OVERSIZE, OFFENCE_CLOSE, OFFENCE_BOMB };

struct offence {
    enum offence_fault fault;
    char what[32]; /* of bad_frame; "" of the others */
    uint64_t code; /* of close_with, and of bad_close_code */
    uint64_t size; /* of oversize_message */
    bool deflate;  /* permessage-deflate was agreed on there */
    int client;
    uint32_t conn;
    nsec at;
    nsec closed;         /* the client's first Close or end of TCP after it; NEVER */
    nsec ended;          /* its end of TCP; NEVER */
    uint64_t close_code; /* of its Close, 1005 when that is empty; 0: it sent none */
    nsec watched;        /* until here it could have been seen: what came then is not its answer */
    bool reads;          /* somewhere in the run this client answered something it was sent */
    const char *exit;    /* its process failed in that time: "exit 1"; or NULL; borrowed */
    uint64_t from, to;
};

struct offences {
    struct offence *list; /* in order of time */
    size_t count;
    size_t clients; /* different ones among them */
    bool builtin;   /* halfopen's own client was offended too: it is not in the list */
};

/* The fault.on of what acts there, which has its parameters; NULL: it is not in the trace. */
const struct event *offence_fault_on(const struct trace *, const struct event *act);
/* What endpoints do counts until the last step is over: then the runner ends its children. */
const struct event *offences_last_counting(const struct trace *);
void offences_of(const struct trace *, struct offences *out);
void offences_fini(struct offences *);

/* How an offence ended, the best first. */
enum reaction {
    REACTION_CLOSED, /* within a second */
    REACTION_LATE,   /* within two */
    REACTION_DIED,   /* its process ended of it */
    REACTION_UNSEEN, /* something else ended the connection, or the run did, before two seconds */
    REACTION_UNREAD, /* nothing, and nothing shows that the client reads what it is sent */
    REACTION_ACCEPTED,
    REACTIONS
};

#define OFFENCE_PROMPT  NSEC_PER_SEC       /* wall time */
#define OFFENCE_PATIENT (2 * NSEC_PER_SEC) /* wall time; after it the offence was accepted */

/* A length of wall time in target time, with the noise of the run on top. */
nsec offence_wall(const struct trace *, nsec length);
enum reaction offence_reaction(const struct trace *, const struct offence *);

/* One thing a rule asks about; words complete "the client closed after ...". */
struct offence_kind {
    const char *what, *words;
    bool lenient; /* accepting it is a warning */
    bool deflate; /* asked about only where permessage-deflate was agreed on */
};

/* The findings of a rule about bad frames: each kind (what NULL ends) that was sent has to end the
 * connection. false: none of them was sent, and nothing is said about that. */
bool offences_judge(const struct trace *, const struct offences *, const struct offence_kind *,
                    struct findings *out);
/* The whole of a rule that asks for nothing else; needed completes "it takes ...". */
void offences_check(const struct trace *, const struct offence_kind *, const char *needed,
                    struct findings *out);
/* A Close of one of these kinds that was answered as if it were an ordinary one is a warning. */
void offences_judge_echoes(const struct offences *, const struct offence_kind *, struct findings *);
/* Nothing of the rule's was sent, or to halfopen's own client alone. */
void offences_say_none(const struct offences *, const char *needed, struct findings *out);

#endif
