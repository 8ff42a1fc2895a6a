/* What the delays of clients that lost their server together say about their backoff (RULES 4):
 * growth, shape, jitter, cap and storm, each decided three ways at 1 % one-sided. This is the raw
 * estimator; the gate at the end says which of its verdicts a rule may repeat (RULES 0.15). */
#ifndef HALFOPEN_RULES_LIB_RETRY_H
#define HALFOPEN_RULES_LIB_RETRY_H

#include <stdbool.h>
#include <stddef.h>

#define RETRY_CLIENTS_LIMIT 64 /* further clients are left out */
#define RETRY_DELAYS_LIMIT  16 /* further delays of a client are left out */

enum retry_verdict { RETRY_INCONCLUSIVE, RETRY_PASS, RETRY_FAIL };

/* What is asked for; times in seconds. */
struct retry_policy {
    double base, factor, cap;
    double jitter; /* half width: 0.5 */
    double noise;  /* bound of the timing noise of a delay: 0.025 */
};

/* Delay i of client k: from the failure of its attempt i - 1 to the start of attempt i, in seconds.
 * Each client has as many as `retries`. */
struct retry_delays {
    size_t clients, retries;
    double at[RETRY_CLIENTS_LIMIT][RETRY_DELAYS_LIMIT];
};

/* Of clients with lists of unequal length: as many delays as 80 % of them have (at least two of
 * them, or the only one), from the clients that have so many. */
void retry_delays_of(const double *const *lists, const size_t *counts, size_t clients,
                     struct retry_delays *out);

struct retry_index {
    double median, half_width; /* seconds; relative, uniform equivalent */
    bool judged, tight;        /* long enough to judge; 80 % of the clients within the noise */
    bool synchronised;         /* their starts, in absolute time, within the storm window */
};

struct retry_estimates {
    enum retry_verdict hammer, growth, shape, cap, jitter, storm;
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
    double residual;         /* of the logarithms around the exponential fit */
    /* random at first, then in step: the next loss synchronises them again */
    bool first_only;
    bool lost_at_cap; /* random until the plateau, in step on it */
    struct retry_index index[RETRY_DELAYS_LIMIT];
};

void retry_estimate(const struct retry_delays *, const struct retry_policy *,
                    struct retry_estimates *out);

/* What a rule may repeat: the raw verdict, or RETRY_INCONCLUSIVE where it would be wrong more than
 * 0.3 % of the time with so many clients, retries and so much noise. *enough (never freed) then
 * says what would do; else it is NULL. */
enum retry_verdict retry_gate_growth(const struct retry_estimates *, const struct retry_policy *,
                                     const char **enough);
enum retry_verdict retry_gate_shape(const struct retry_estimates *, const struct retry_policy *,
                                    const char **enough);
enum retry_verdict retry_gate_jitter(const struct retry_estimates *, const struct retry_policy *,
                                     const char **enough);
enum retry_verdict retry_gate_cap(const struct retry_estimates *, const struct retry_policy *,
                                  const char **enough);
enum retry_verdict retry_gate_storm(const struct retry_estimates *, const struct retry_policy *,
                                    const char **enough);

#endif
