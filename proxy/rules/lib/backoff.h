/* What the delays between the retries of several clients say about their schedule: does it grow, by
 * which law, is it random, does it end at a cap, do the clients come in waves (RULES 4.2). The
 * estimates are raw: each errs at its nominal rate whatever the number of clients and retries.
 * backoff_gate.h says which of them a rule may rely on. Pure; all times in seconds of target time.
 */
#ifndef HALFOPEN_RULES_LIB_BACKOFF_H
#define HALFOPEN_RULES_LIB_BACKOFF_H

#include <stdbool.h>
#include <stddef.h>

#define BACKOFF_CLIENTS_LIMIT 64 /* further clients are left out */
#define BACKOFF_DELAYS_LIMIT  16 /* further delays of a client are left out */

#define BACKOFF_GROWTH_MIN 1.15 /* a smaller factor is no growth */
#define BACKOFF_JITTER_MIN 0.05 /* a smaller half width is no jitter */
#define BACKOFF_JUDGED     8    /* eps: shorter mean delays drown in noise */
#define BACKOFF_RANDOM_MIN 0.25 /* one of a single retry that is more than a busy host does */

enum raw_verdict { RAW_INCONCLUSIVE, RAW_PASS, RAW_FAIL };

/* The schedule that is asked for, and how well it could be measured. */
struct backoff_policy {
    double base, factor, cap; /* delays are base, base * factor, ... and never more than cap */
    double jitter;            /* half width: 0.5 means each is multiplied by 0.5 to 1.5 */
    double eps;               /* timing noise: a delay is known to within about this */
    double stall; /* how long the host may have kept them: clients that are woken together may lie
                   * apart by as much without meaning to */
};

/* One client in one outage. The lists are borrowed. Of lists of different length those with less
 * than half the usual number of delays are left out (who gave up would hide what the others did),
 * then as many delays are compared as 80 % of the rest have. For the cap every delay counts. */
struct backoff_client {
    const double
        *delays; /* [i]: from the failure of attempt i - 1 (0: the loss) to the start of i */
    const double
        *starts; /* when attempt i began, on a clock all clients share; NULL: sums of delays */
    size_t count;
};

/* How the clients' delays before one retry lie. */
struct backoff_index {
    double mean, median, spread; /* spread: largest less smallest */
    double half_width; /* as in jitter, of this retry alone; 0 when it was too short to judge */
    size_t together;   /* most clients that waited the same, within timing noise of each other */
    bool judged;       /* long enough against eps to tell jitter from noise */
    bool tight;        /* judged, and 80 % of the clients waited the same */
    bool wave;         /* long enough against the window for clients to disperse */
    size_t arrived;    /* most clients whose starts lie within the window */
    bool synchronised; /* a wave of which 80 % of the clients arrived within the window */
};

/* An exponential law with a plateau, fitted to the delays from one of them on. */
struct backoff_law {
    size_t from;           /* 0: none was fitted */
    double factor, lo, hi; /* per retry, and its limits at an error of 1 in 2000 */
    double log_ratio;      /* log likelihood ratio, exponential against linear */
};

struct backoff {
    double base, stall;    /* of the policy */
    size_t clients, count; /* how many clients, and delays of each, were compared */
    struct backoff_index index[BACKOFF_DELAYS_LIMIT];
    double median;           /* of all delays */
    double none;             /* a median below this is no delay at all */
    enum raw_verdict hammer; /* FAIL: practically no delay at all */
    double took, asked;      /* all retries of a client, and at least by the policy; seconds */

    enum raw_verdict jitter;
    double h, h_lo, h_hi; /* half width of the equivalent uniform factor, and its limits */
    double h_hi_strict;   /* the upper limit at an error of 1 in 2000 */
    double tight_share;   /* share of the judged retries that are tight */
    double client_share;  /* share of the jitter that is a client's own, the same each time */
    size_t judged;
    bool lock_step; /* jitter FAIL: the clients count as one observation from here on */
    bool alone; /* there is one, or they may be in lock-step: for a pass they count as one too */

    enum raw_verdict growth;
    double g, g_lo, g_hi;             /* factor per retry up to where the policy reaches its cap */
    double g_lo_strict, g_hi_strict;  /* the same limits at an error of 1 in 2000; for the lower
                                         clients that may be in lock-step count as one */
    double later, later_lo, later_hi; /* the same without the first delay */
    bool first_left_out; /* the first retry came at once and does not count for growth */

    enum raw_verdict shape;     /* PASS: exponential, FAIL: linear (or no growth) */
    double gf, gf_lo, gf_hi;    /* factor per retry below the measured plateau: the one to report */
    double log_ratio;           /* log likelihood ratio, exponential against linear */
    size_t plateau_from;        /* first retry at the plateau; one less when first_left_out */
    double plateau;             /* mean delay there */
    struct backoff_law law;     /* this one; clients that may be in lock-step count as one */
    struct backoff_law next;    /* without delay 1 too: after an attempt at once it is the first */
    struct backoff_law settled; /* of the delays after the last random one, if they are alike */

    enum raw_verdict cap;
    double cap_limit;               /* the longest delay allowed */
    double longest, second_longest; /* of all delays */
    size_t over_cap;

    enum raw_verdict storm;
    double window; /* starts this near each other are one wave */
    size_t waves,
        synchronised; /* retries long enough to tell, and those in which clients coincide */
};

/* The longest delay that the policy allows, jitter and noise included. */
double backoff_cap_limit(const struct backoff_policy *);

/* Fewer than two delays of each client: everything but cap and hammer stays inconclusive. */
void backoff_estimate(const struct backoff_client *clients, size_t count,
                      const struct backoff_policy *, struct backoff *out);

#endif
