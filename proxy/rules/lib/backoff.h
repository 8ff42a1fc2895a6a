/* What the delays of clients that lost their server together say about their backoff (RULES 4): growth,
 * shape, jitter, cap and storm, each decided three ways at 1 % one-sided. This is the raw estimator; the
 * gate at the end says which of its verdicts a rule may repeat (RULES 0.15). */
#ifndef HALFOPEN_RULES_LIB_BACKOFF_H
#define HALFOPEN_RULES_LIB_BACKOFF_H

#include <stdbool.h>
#include <stddef.h>

#define BACKOFF_CLIENTS_LIMIT 64 /* further clients are left out */
#define BACKOFF_DELAYS_LIMIT  16 /* further delays of a client are left out */

enum raw_verdict { RAW_INCONCLUSIVE, RAW_PASS, RAW_FAIL };

/* What is asked for; times in seconds. */
struct backoff_policy {
    double base, factor, cap;
    double jitter; /* half width: 0.5 */
    double noise;  /* bound of the timing noise of a delay: 0.025 */
};

/* Delay i of client k: from the failure of its attempt i - 1 to the start of attempt i, in seconds. Each
 * client has as many as `retries`. */
struct backoff_delays {
    size_t clients, retries;
    double at[BACKOFF_CLIENTS_LIMIT][BACKOFF_DELAYS_LIMIT];
};

/* Of clients with lists of unequal length: as many delays as 80 % of them have (at least two of them, or
 * the only one), from the clients that have so many. */
void backoff_delays_of(const double *const *lists, const size_t *counts, size_t clients,
                       struct backoff_delays *out);

struct backoff_index {
    double median, half_width; /* seconds; relative, uniform equivalent */
    bool judged, tight;        /* long enough to judge; 80 % of the clients within the noise */
    bool synchronised;         /* their starts, in absolute time, within the storm window */
};

struct backoff {
    enum raw_verdict hammer, growth, shape, cap, jitter, storm;
    double g, g_lo, g_hi;    /* growth per retry and its limits */
    double gf, gf_lo, gf_hi; /* growth up to the plateau: the number to report */
    double D;                /* exponential against linear; positive: exponential */
    double h, h_lo, h_hi;    /* jitter's half width */
    double tight;            /* share of indices at which the clients are tight */
    double client_share;     /* of the jitter's variance that is one draw per client */
    size_t plateau_from;     /* index, not counting a first retry that was left out */
    double plateau, longest; /* seconds */
    size_t waves, synchronised_waves;
    size_t clients, retries; /* looked at */
    size_t first;            /* 1: an immediate first retry was left out of the growth fit */
    bool first_only;         /* random at first, then in step: the next loss synchronises them again */
    bool lost_at_cap;        /* random until the plateau, in step on it */
    struct backoff_index index[BACKOFF_DELAYS_LIMIT];
};

void backoff_estimate(const struct backoff_delays *, const struct backoff_policy *,
                      struct backoff *out);

/* What a rule may repeat: the raw verdict, or RAW_INCONCLUSIVE where it would be wrong more than 0.3 % of
 * the time with so many clients, retries and so much noise. *enough (never freed) then says what would
 * do; else it is NULL. */
enum raw_verdict backoff_gate_growth(const struct backoff *, const struct backoff_policy *, const char **enough);
enum raw_verdict backoff_gate_shape(const struct backoff *, const struct backoff_policy *, const char **enough);
enum raw_verdict backoff_gate_jitter(const struct backoff *, const struct backoff_policy *, const char **enough);
enum raw_verdict backoff_gate_cap(const struct backoff *, const struct backoff_policy *, const char **enough);
enum raw_verdict backoff_gate_storm(const struct backoff *, const struct backoff_policy *, const char **enough);

#endif
