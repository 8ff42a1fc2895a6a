#include "rules/lib/retry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rules/lib/student.h"

#define ALPHA        0.01 /* one-sided error of each decision */
#define LEAST_DELAY  1e-3 /* seconds: logarithms end here */
#define LEAST_GROWTH 1.15
#define LEAST_JITTER 0.05
#define LIKELIHOOD   6.5 /* difference of shapes that decides */
#define SMALL        1e-9
#define RATES        64 /* growth rates of the linear shape that are tried */

/* The delays under analysis: logarithms, and their two-way decomposition. */
struct fit {
    size_t clients, retries;
    double y[RETRY_CLIENTS_LIMIT][RETRY_DELAYS_LIMIT];
    double mean_of_index[RETRY_DELAYS_LIMIT];
    double noise; /* 0.4 of the timing noise, seconds */
};

/* --- Taking clients of unequal length --- */

static size_t clients_with(const size_t *counts, size_t clients, size_t retries)
{
    size_t with = 0;
    for (size_t k = 0; k < clients; k++)
        with += counts[k] >= retries;
    return with;
}

static size_t most_of(size_t clients, size_t at_least)
{
    size_t most = (size_t)ceil(0.8 * (double)clients - SMALL);
    return most < at_least ? at_least : most;
}

void retry_delays_of(const double *const *lists, const size_t *counts, size_t clients,
                     struct retry_delays *out)
{
    size_t wanted = clients == 1 ? 1 : most_of(clients, 2), retries = RETRY_DELAYS_LIMIT;
    memset(out, 0, sizeof *out);
    while (retries > 0 && clients_with(counts, clients, retries) < wanted)
        retries--;
    out->retries = retries;
    for (size_t k = 0; k < clients && out->clients < RETRY_CLIENTS_LIMIT; k++)
        if (counts[k] >= retries && retries > 0)
            memcpy(out->at[out->clients++], lists[k], retries * sizeof(double));
}

/* --- Small things --- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
}

/* Whether so many of the sorted values lie in a window. */
static bool huddle(const double *sorted, size_t count, size_t wanted, double window)
{
    for (size_t a = 0; a + wanted <= count; a++)
        if (sorted[a + wanted - 1] - sorted[a] <= window)
            return true;
    return false;
}

static void column(const struct retry_delays *d, size_t i, double out[RETRY_CLIENTS_LIMIT])
{
    for (size_t k = 0; k < d->clients; k++)
        out[k] = d->at[k][i];
    sort(out, d->clients);
}

static double mean_at(const struct retry_delays *d, size_t i)
{
    double mean = 0;
    for (size_t k = 0; k < d->clients; k++)
        mean += d->at[k][i] / (double)d->clients;
    return mean;
}

/* --- Step 0: hammering --- */

static void judge_hammer(const struct retry_delays *d, const struct retry_policy *policy,
                         struct retry_estimates *out)
{
    double all[RETRY_CLIENTS_LIMIT * RETRY_DELAYS_LIMIT];
    size_t count = 0;
    for (size_t k = 0; k < d->clients; k++)
        for (size_t i = 0; i < d->retries; i++)
            all[count++] = d->at[k][i];
    sort(all, count);
    out->hammer = all[count / 2] < 0.1 * policy->base ? RETRY_FAIL : RETRY_PASS;
    out->longest = all[count - 1];
}

/* --- Step 1: jitter --- */

/* A deviation from the mean less what noise explains. */
static double beyond_noise(double z, double noise)
{
    if (z > noise)
        return z - noise;
    return z < -noise ? z + noise : 0;
}

static double note_index(const struct retry_delays *d, size_t i, double noise, double mean,
                         double by_client[RETRY_CLIENTS_LIMIT], struct retry_index *out)
{
    double sorted[RETRY_CLIENTS_LIMIT], squares = 0;
    column(d, i, sorted);
    out->median = sorted[d->clients / 2];
    out->judged = mean >= 8 * noise;
    if (!out->judged || d->clients < 2)
        return 0;
    out->tight = huddle(sorted, d->clients, most_of(d->clients, 2), 4 * noise);
    for (size_t k = 0; k < d->clients; k++) {
        double z = beyond_noise(d->at[k][i] / mean - 1, noise / mean);
        squares += z * z;
        by_client[k] += z;
    }
    out->half_width = sqrt(3 * squares / (double)(d->clients - 1));
    return squares;
}

static void decide_jitter(size_t clients, size_t judged, int freedom, struct retry_estimates *out)
{
    out->h_lo = out->h * sqrt(freedom / chi_square_quantile(1 - ALPHA, freedom));
    out->h_hi = out->h * sqrt(freedom / chi_square_quantile(ALPHA, freedom));
    if (out->h_lo > LEAST_JITTER && out->tight <= 0.5)
        out->jitter = RETRY_PASS;
    else if ((out->h_hi < LEAST_JITTER && out->tight >= 0.5) ||
             (judged >= 4 && clients >= 3 && out->tight >= 0.75))
        out->jitter = RETRY_FAIL;
}

static void judge_jitter(const struct retry_delays *d, const struct retry_policy *policy,
                         struct retry_estimates *out)
{
    double by_client[RETRY_CLIENTS_LIMIT] = {0}, squares = 0, between = 0;
    size_t judged = 0, tight = 0;
    for (size_t i = 0; i < d->retries; i++) {
        squares += note_index(d, i, policy->noise, mean_at(d, i), by_client, &out->index[i]);
        judged += out->index[i].judged;
        tight += out->index[i].tight;
    }
    int freedom = (int)(judged * (d->clients - 1));
    if (d->clients < 2 || freedom < 2)
        return;
    out->h = sqrt(3 * squares / freedom);
    out->tight = (double)tight / (double)judged;
    decide_jitter(d->clients, judged, freedom, out);
    for (size_t k = 0; k < d->clients; k++)
        between += by_client[k] * by_client[k] / (double)judged;
    out->client_share = squares > 0 ? between / squares : 0;
}

/* --- Step 2: clients in lock-step are one observation --- */

static void average(const struct retry_delays *d, struct retry_delays *out)
{
    memset(out, 0, sizeof *out);
    out->clients = 1;
    out->retries = d->retries;
    for (size_t i = 0; i < d->retries; i++)
        out->at[0][i] = mean_at(d, i);
}

/* --- Logarithms --- */

static bool first_is_immediate(const struct retry_delays *d, const struct retry_policy *policy)
{
    double longest_first = 0, shortest_second = INFINITY;
    for (size_t k = 0; k < d->clients; k++) {
        longest_first = fmax(longest_first, d->at[k][0]);
        shortest_second = d->retries > 1 ? fmin(shortest_second, d->at[k][1]) : 0;
    }
    return d->retries >= 4 && longest_first < 0.1 * policy->base &&
           shortest_second > 10 * longest_first;
}

static void take_logarithms(const struct retry_delays *d, size_t first, double noise,
                            struct fit *fit)
{
    memset(fit, 0, sizeof *fit);
    fit->clients = d->clients;
    fit->retries = d->retries - first;
    fit->noise = 0.4 * noise;
    for (size_t k = 0; k < fit->clients; k++)
        for (size_t i = 0; i < fit->retries; i++) {
            fit->y[k][i] = log(fmax(d->at[k][i + first], LEAST_DELAY));
            fit->mean_of_index[i] += fit->y[k][i] / (double)fit->clients;
        }
}

/* Squares that timing noise alone would give. */
static double noise_floor(const struct fit *fit)
{
    double floor = 0;
    for (size_t k = 0; k < fit->clients; k++)
        for (size_t i = 0; i < fit->retries; i++) {
            double share = fit->noise / exp(fit->y[k][i]);
            floor += share * share + 0.005 * 0.005;
        }
    return floor;
}

static double mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* Squares between clients that neither a client's level nor an index explains. */
static double interaction(const struct fit *fit)
{
    double grand = mean(fit->mean_of_index, fit->retries), squares = 0;
    for (size_t k = 0; k < fit->clients; k++) {
        double level = mean(fit->y[k], fit->retries);
        for (size_t i = 0; i < fit->retries; i++) {
            double e = fit->y[k][i] - level - fit->mean_of_index[i] + grand;
            squares += e * e;
        }
    }
    return squares;
}

/* --- A line through the index means that bends flat at a plateau --- */

struct bend {
    double slope, sxx, squares;
};

static double up_to(size_t i, size_t plateau)
{
    return (double)(i < plateau ? i : plateau);
}

static void centre(const struct fit *fit, double out[RETRY_DELAYS_LIMIT])
{
    double grand = mean(fit->mean_of_index, fit->retries);
    for (size_t i = 0; i < fit->retries; i++)
        out[i] = fit->mean_of_index[i] - grand;
}

static double mean_up_to(size_t count, size_t plateau)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += up_to(i, plateau) / (double)count;
    return sum;
}

enum slopes { ANY_SLOPE, NO_FALLING_SLOPE };

static struct bend fit_bend(const double *f, size_t count, size_t plateau, enum slopes slopes)
{
    struct bend bend = {0};
    double middle = mean_up_to(count, plateau), sxy = 0;
    for (size_t i = 0; i < count; i++) {
        double x = up_to(i, plateau) - middle;
        bend.sxx += x * x;
        sxy += x * f[i];
    }
    bend.slope = sxy / bend.sxx;
    if (slopes == NO_FALLING_SLOPE && bend.slope < 0)
        bend.slope = 0;
    for (size_t i = 0; i < count; i++) {
        double e = f[i] - bend.slope * (up_to(i, plateau) - middle);
        bend.squares += e * e;
    }
    return bend;
}

/* --- Step 3: growth --- */

static size_t declared_plateau(const struct retry_policy *policy, size_t first)
{
    double steps = ceil(log(policy->cap / policy->base) / log(policy->factor) - SMALL);
    double plateau = steps - (double)first;
    return plateau < 2 ? 2 : (size_t)plateau;
}

static void judge_growth(const struct fit *fit, const struct retry_policy *policy,
                         struct retry_estimates *out)
{
    double f[RETRY_DELAYS_LIMIT];
    double clients = (double)fit->clients;
    int freedom = (int)(fit->clients * (fit->retries - 1)) - 1;
    if (fit->retries < 2)
        return;
    centre(fit, f);
    struct bend bend = fit_bend(f, fit->retries, declared_plateau(policy, out->first), ANY_SLOPE);
    double squares = interaction(fit) + clients * bend.squares + noise_floor(fit);
    double error = sqrt(squares / (freedom > 0 ? freedom : 1) / (clients * bend.sxx));
    double t_lo = freedom > 0 ? student_quantile(1 - ALPHA / 2, freedom) : 1e9;
    double t_hi = freedom > 0 ? student_quantile(1 - ALPHA, freedom) : 1e9;
    out->g = exp(bend.slope);
    out->g_lo = exp(bend.slope - t_lo * error);
    out->g_hi = exp(bend.slope + t_hi * error);
    if (out->hammer == RETRY_FAIL)
        out->growth = RETRY_FAIL;
    else if (out->g_lo > 1 && out->g >= LEAST_GROWTH)
        out->growth = RETRY_PASS;
    else if (out->g_hi < LEAST_GROWTH)
        out->growth = RETRY_FAIL;
}

/* --- Step 4: exponential or linear --- */

/* Squares of the linear shape ln(1 + r min(i, plateau)) at its best rate. */
static double fit_linear(const double *f, size_t count, size_t plateau)
{
    double least = INFINITY;
    for (int j = 0; j < RATES; j++) {
        double rate = 0.02 * pow(10, j * 3.0 / 63), shape[RETRY_DELAYS_LIMIT], squares = 0;
        for (size_t i = 0; i < count; i++)
            shape[i] = log1p(rate * up_to(i, plateau));
        double middle = mean(shape, count);
        for (size_t i = 0; i < count; i++) {
            double e = f[i] - (shape[i] - middle);
            squares += e * e;
        }
        if (squares < least - 1e-12)
            least = squares;
    }
    return least;
}

struct shapes {
    struct bend exponential;
    double linear;
    size_t exponential_plateau, linear_plateau;
};

static struct shapes fit_shapes(const double *f, size_t count)
{
    struct shapes best = {.exponential = {.sxx = 1, .squares = INFINITY},
                          .linear = INFINITY,
                          .exponential_plateau = count - 1,
                          .linear_plateau = count - 1};
    for (size_t plateau = 2; plateau + 1 <= count; plateau++) {
        struct bend bend = fit_bend(f, count, plateau, NO_FALLING_SLOPE);
        double linear = fit_linear(f, count, plateau);
        if (bend.squares < best.exponential.squares - 1e-12) {
            best.exponential = bend;
            best.exponential_plateau = plateau;
        }
        if (linear < best.linear - 1e-12) {
            best.linear = linear;
            best.linear_plateau = plateau;
        }
    }
    return best;
}

static void decide_shape(size_t linear_plateau, struct retry_estimates *out)
{
    if (out->growth != RETRY_PASS)
        out->shape = out->growth;
    else if (out->D > LIKELIHOOD)
        out->shape = RETRY_PASS;
    else if (out->D < -LIKELIHOOD && linear_plateau >= 3 && out->h <= 0.75)
        out->shape = RETRY_FAIL; /* wider jitter can look linear: never a failure */
}

static void judge_shape(const struct retry_delays *d, const struct retry_policy *policy,
                        struct retry_estimates *out)
{
    struct fit fit;
    double f[RETRY_DELAYS_LIMIT];
    /* RFC 6455 7.2.3 lets the first delay follow another law. */
    if (d->retries < 3) {
        decide_shape(0, out);
        return;
    }
    take_logarithms(d, 1, policy->noise, &fit);
    centre(&fit, f);
    struct shapes shapes = fit_shapes(f, fit.retries);
    double clients = (double)fit.clients, between = interaction(&fit) + noise_floor(&fit);
    int freedom = (int)(fit.clients * fit.retries) - (int)fit.clients - 2;
    double exponential = between + clients * shapes.exponential.squares;
    double slope = shapes.exponential.slope;
    out->gf = exp(slope);
    out->gf_lo = 0;
    out->gf_hi = 1e9;
    if (freedom > 0) {
        out->residual = sqrt(exponential / freedom);
        double error = out->residual / sqrt(clients * shapes.exponential.sxx);
        double t = student_quantile(1 - ALPHA, freedom);
        out->gf_lo = exp(slope - t * error) / 1.03; /* the last step into the cap is not whole */
        out->gf_hi = exp(slope + t * error) * 1.03;
    }
    if (fit.retries >= 3 && freedom > 0)
        out->D = freedom * log((between + clients * shapes.linear) / exponential);
    out->plateau_from = shapes.exponential_plateau + 1 - out->first;
    decide_shape(shapes.linear_plateau, out);
}

static void note_plateau(const struct retry_delays *d, struct retry_estimates *out)
{
    double sum = 0;
    size_t count = 0;
    for (size_t k = 0; k < d->clients; k++)
        for (size_t i = out->plateau_from + out->first; i < d->retries; i++, count++)
            sum += fmax(d->at[k][i], LEAST_DELAY);
    out->plateau = count > 0 ? sum / (double)count : 0;
}

/* --- Step 5: the cap --- */

static double level_of_first(const struct retry_delays *d, size_t first)
{
    double sum = 0;
    for (size_t k = 0; k < d->clients; k++)
        sum += log(fmax(d->at[k][first], LEAST_DELAY)) / (double)d->clients;
    return exp(sum);
}

/* single: the clients, or their average when they move in lock-step; d: all of them. */
static void judge_cap(const struct retry_delays *d, const struct retry_delays *single,
                      const struct retry_policy *policy, struct retry_estimates *out)
{
    double limit = policy->cap * (1 + policy->jitter) * 1.02 + policy->noise;
    double growth = out->shape == RETRY_PASS && out->gf > out->g_lo ? out->gf : out->g_lo;
    double start = level_of_first(single, out->first);
    size_t beyond = 0, exercised = 0, all = d->clients * d->retries;
    bool far = false;
    for (size_t i = 0; i < d->retries; i++) {
        double uncapped = i < out->first ? 0 : start * pow(growth, (double)(i - out->first));
        exercised += uncapped >= 1.5 * limit ? d->clients : 0;
        far = far || uncapped >= 2.2 * limit;
        for (size_t k = 0; k < d->clients; k++)
            beyond += d->at[k][i] > limit;
    }
    size_t allowed = all / 20 + 1 < 2 ? 2 : all / 20 + 1; /* one may be an unseen attempt */
    if (beyond >= allowed)
        out->cap = RETRY_FAIL;
    else if (beyond == 0 && (far || exercised >= 2))
        out->cap = RETRY_PASS;
}

/* --- Step 6: the storm --- */

static void judge_storm(const struct retry_delays *d, const struct retry_policy *policy,
                        struct retry_estimates *out)
{
    double starts[RETRY_CLIENTS_LIMIT] = {0}, sorted[RETRY_CLIENTS_LIMIT];
    double window = 4 * policy->noise;
    if (d->clients < 3)
        return;
    for (size_t i = 0; i < d->retries; i++) {
        for (size_t k = 0; k < d->clients; k++)
            sorted[k] = starts[k] += d->at[k][i];
        if (i == 0 || mean_at(d, i) < 5 * window)
            continue;
        sort(sorted, d->clients);
        out->index[i].synchronised = huddle(sorted, d->clients, most_of(d->clients, 3), window);
        out->waves++;
        out->synchronised_waves += out->index[i].synchronised;
    }
    size_t many = (out->waves + 1) / 2 < 2 ? 2 : (out->waves + 1) / 2;
    if (out->waves < 2)
        return;
    if (out->synchronised_waves >= many)
        out->storm = RETRY_FAIL;
    else if (out->synchronised_waves <= out->waves / 4)
        out->storm = RETRY_PASS;
}

/* --- Patterns that explain the jitter --- */

static void note_patterns(struct retry_estimates *out)
{
    size_t loose_early = 0, loose_late = 0, judged_late = 0;
    size_t loose_before = 0, tight_after = 0, judged_after = 0;
    size_t plateau = out->plateau_from + out->first;
    for (size_t i = 0; i < out->retries; i++) {
        const struct retry_index *at = &out->index[i];
        if (!at->judged)
            continue;
        loose_early += i < 2 && !at->tight;
        judged_late += i >= 2;
        loose_late += i >= 2 && !at->tight;
        loose_before += i < plateau && !at->tight;
        judged_after += i >= plateau;
        tight_after += i >= plateau && at->tight;
    }
    out->first_only = loose_early > 0 && judged_late >= 2 && loose_late == 0;
    out->lost_at_cap =
        !out->first_only && loose_before >= 2 && judged_after >= 2 && tight_after == judged_after;
}

void retry_estimate(const struct retry_delays *d, const struct retry_policy *policy,
                    struct retry_estimates *out)
{
    struct retry_delays one;
    struct fit fit;
    memset(out, 0, sizeof *out);
    out->clients = d->clients;
    out->retries = d->retries;
    if (d->clients == 0 || d->retries == 0)
        return;
    judge_hammer(d, policy, out);
    judge_jitter(d, policy, out);
    const struct retry_delays *single = d;
    if (out->jitter == RETRY_FAIL) {
        average(d, &one);
        single = &one;
    }
    out->first = first_is_immediate(single, policy);
    take_logarithms(single, out->first, policy->noise, &fit);
    judge_growth(&fit, policy, out);
    judge_shape(single, policy, out);
    note_plateau(single, out);
    judge_cap(d, single, policy, out);
    judge_storm(d, policy, out);
    note_patterns(out);
}

/* --- The gate: where the raw verdict errs at most 0.3 % of the time (RULES 4.3,
 * docs/calibration.md) --- */

#define NOISY 0.04 /* seconds: of a noisy host */

static bool moves_in_step(const struct retry_estimates *b)
{
    return b->clients >= 3 && b->jitter == RETRY_FAIL;
}

enum retry_verdict retry_gate_growth(const struct retry_estimates *b,
                                     const struct retry_policy *policy, const char **enough)
{
    (void)policy;
    *enough = NULL;
    if (b->growth == RETRY_INCONCLUSIVE)
        *enough = "more clients or retries would decide it: ten clients with eight retries each";
    /* With one client a wide jitter can look like anything: only clear cases count. */
    if (b->clients < 3 && b->growth == RETRY_FAIL && b->hammer != RETRY_FAIL && b->g_hi > 1.08) {
        *enough = "with so few clients only clearer delays decide it: three clients would do";
        return RETRY_INCONCLUSIVE;
    }
    return b->growth;
}

enum retry_verdict retry_gate_shape(const struct retry_estimates *b,
                                    const struct retry_policy *policy, const char **enough)
{
    (void)policy;
    *enough = NULL;
    bool few = b->clients < 3 && b->D > -2 * LIKELIHOOD;
    if (b->shape == RETRY_FAIL && b->growth == RETRY_PASS && few) {
        *enough = "three clients would do";
        return RETRY_INCONCLUSIVE;
    }
    return b->shape;
}

enum retry_verdict retry_gate_jitter(const struct retry_estimates *b,
                                     const struct retry_policy *policy, const char **enough)
{
    size_t needed = policy->noise > NOISY ? 6 : 5;
    *enough = NULL;
    if (b->clients >= 10)
        needed--;
    if (b->clients < 3 || b->retries < needed) {
        *enough = policy->noise > NOISY
                      ? "three clients with six retries each would do on this noisy host"
                      : "three clients with five retries each would do";
        return RETRY_INCONCLUSIVE;
    }
    if (b->jitter == RETRY_INCONCLUSIVE)
        *enough = "ten clients with eight retries each would decide it";
    return b->jitter;
}

enum retry_verdict retry_gate_cap(const struct retry_estimates *b,
                                  const struct retry_policy *policy, const char **enough)
{
    (void)policy;
    *enough = NULL;
    if (b->cap == RETRY_PASS && b->retries < 8) {
        *enough = "eight retries would do";
        return RETRY_INCONCLUSIVE;
    }
    return b->cap;
}

enum retry_verdict retry_gate_storm(const struct retry_estimates *b,
                                    const struct retry_policy *policy, const char **enough)
{
    bool noisy = policy->noise > NOISY;
    bool all = b->waves >= 2 && b->synchronised_waves == b->waves;
    *enough = noisy ? "ten clients with six retries each would do on this noisy host"
                    : "five clients with six retries each would do";
    if (b->clients < 5)
        return !noisy && b->retries >= 6 && all && moves_in_step(b) ? b->storm : RETRY_INCONCLUSIVE;
    if (noisy && b->clients < 10)
        return RETRY_INCONCLUSIVE;
    if (b->retries < 6 && (b->clients < 10 || noisy))
        return RETRY_INCONCLUSIVE;
    *enough = NULL;
    return b->storm;
}
