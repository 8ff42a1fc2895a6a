#include "rules/lib/backoff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rules/lib/law.h"
#include "rules/lib/student.h"

#define ALPHA         0.01 /* one-sided error of each decision */
#define ALPHA_STRICT  0.0005
#define HAMMER_SHARE  0.1  /* of the base: a shorter median is no delay */
#define MOST          0.8  /* of the clients: those that must coincide */
#define TIGHT_EPS     4    /* delays within so many eps of each other are the same */
#define SHAPE_DECIDES 6.5  /* log likelihood ratio */
#define SHAPE_WIDEST  0.75 /* jitter so wide that exponential delays may look linear */
#define SHAPE_CORNER  3 /* a linear law with an earlier plateau is no evidence of linear growth */
#define CAP_SLACK     1.02
#define CAP_REACHED   1.5  /* two delays that would be so many limits long without a cap */
#define CAP_PASSED    2.2  /* or one that would be so long */
#define DIFFER        0.25 /* of the retries: those at which clients that are random differ */
#define SETTLED       4    /* delays that show what clients do after a random one */
#define STORM_WINDOWS 5    /* mean delays shorter than that many windows cannot disperse */

/* Everything the steps share. Each step fills its part of out. */
struct estimate {
    const struct backoff_policy *policy;
    struct delays delays; /* what all clients have in common */
    double starts[BACKOFF_CLIENTS_LIMIT][BACKOFF_DELAYS_LIMIT];
    double all[BACKOFF_CLIENTS_LIMIT * BACKOFF_DELAYS_LIMIT]; /* every delay, for the cap */
    size_t all_count;
    struct delays schedule; /* what growth is judged by: the mean of clients in lock-step */
    struct delays strict;   /* what a pass goes by: their mean too when they may be in lock-step */
    struct backoff *out;
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
}

/* --- Reading the lists --- */

static size_t length(const struct backoff_client *client)
{
    return client->count < BACKOFF_DELAYS_LIMIT ? client->count : BACKOFF_DELAYS_LIMIT;
}

static size_t most_of(size_t clients, size_t least)
{
    size_t most = (size_t)ceil(MOST * (double)clients - 1e-9);
    return most < least ? least : most;
}

/* Clients with less than half the usual number of delays gave up. */
static size_t shortest_worth_it(const double *lengths, size_t count)
{
    return (size_t)fmax(1, ceil(lengths[count / 2] / 2));
}

/* How many delays most clients have, of those that have enough to be compared. */
static size_t common_length(const struct backoff_client *clients, size_t count)
{
    double lengths[BACKOFF_CLIENTS_LIMIT];
    for (size_t k = 0; k < count; k++)
        lengths[k] = (double)length(&clients[k]);
    sort(lengths, count);
    size_t first = 0, least = shortest_worth_it(lengths, count);
    while (first < count && lengths[first] < (double)least)
        first++;
    if (first == count)
        return 0;
    size_t compared = count - first;
    return (size_t)lengths[count - (compared == 1 ? 1 : most_of(compared, 2))];
}

static void add_row(struct estimate *e, const struct backoff_client *client)
{
    double since = 0;
    size_t row = e->delays.clients++;
    for (size_t i = 0; i < e->delays.count; i++) {
        since += client->delays[i];
        e->delays.of[row][i] = client->delays[i];
        e->starts[row][i] = client->starts ? client->starts[i] : since;
    }
}

static void read_clients(struct estimate *e, const struct backoff_client *clients, size_t count)
{
    if (count > BACKOFF_CLIENTS_LIMIT)
        count = BACKOFF_CLIENTS_LIMIT;
    e->delays.count = count > 0 ? common_length(clients, count) : 0;
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < length(&clients[k]); i++)
            e->all[e->all_count++] = clients[k].delays[i];
        if (e->delays.count > 0 && length(&clients[k]) >= e->delays.count)
            add_row(e, &clients[k]);
    }
    e->out->clients = e->delays.clients;
    e->out->count = e->delays.count;
}

/* The delays or starts of all clients at one retry, ascending. */
static void column(const struct estimate *e, const double rows[][BACKOFF_DELAYS_LIMIT], size_t i,
                   double *sorted)
{
    for (size_t k = 0; k < e->delays.clients; k++)
        sorted[k] = rows[k][i];
    sort(sorted, e->delays.clients);
}

static double mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* The most values that lie within a window. */
static size_t most_within(const double *sorted, size_t count, double window)
{
    size_t most = 0;
    for (size_t first = 0, last = 0; last < count; last++) {
        while (sorted[last] - sorted[first] > window)
            first++;
        if (last - first + 1 > most)
            most = last - first + 1;
    }
    return most;
}

/* --- Step 0: is there a delay at all --- */

static void judge_hammer(struct estimate *e)
{
    double all[BACKOFF_CLIENTS_LIMIT * BACKOFF_DELAYS_LIMIT];
    size_t count = 0;
    for (size_t k = 0; k < e->delays.clients; k++)
        for (size_t i = 0; i < e->delays.count; i++)
            all[count++] = e->delays.of[k][i];
    sort(all, count);
    e->out->median = all[count / 2];
    e->out->none = HAMMER_SHARE * e->policy->base;
    e->out->hammer = e->out->median < e->out->none ? RAW_FAIL : RAW_PASS;
}

/* With all jitter downwards the retries that are asked for take the least. */
static void measure_time(struct estimate *e)
{
    const struct backoff_policy *policy = e->policy;
    for (size_t i = 0; i < e->out->count; i++) {
        e->out->took += e->out->index[i].median;
        e->out->asked +=
            fmin(policy->cap, policy->base * pow(policy->factor, (double)i)) * (1 - policy->jitter);
    }
}

/* --- Step 1: jitter --- */

static double toward_zero(double z, double by)
{
    return z > by ? z - by : z < -by ? z + by : 0;
}

/* Measures one retry; adds each client's share to shares. Returns the sum of squares. */
static double disperse(const struct estimate *e, size_t i, double *shares)
{
    struct backoff_index *index = &e->out->index[i];
    double sorted[BACKOFF_CLIENTS_LIMIT], squares = 0;
    size_t count = e->delays.clients;
    column(e, e->delays.of, i, sorted);
    double average = mean(sorted, count), noise = e->policy->eps / average;
    index->mean = average;
    index->median = sorted[count / 2];
    index->spread = sorted[count - 1] - sorted[0];
    index->judged = count >= 2 && average >= BACKOFF_JUDGED * e->policy->eps;
    if (!index->judged)
        return 0;
    index->together = most_within(sorted, count, TIGHT_EPS * e->policy->eps);
    index->tight = index->together >= most_of(count, 2);
    for (size_t k = 0; k < count; k++) {
        double z = toward_zero(e->delays.of[k][i] / average - 1, noise);
        squares += z * z;
        shares[k] += z;
    }
    index->half_width = sqrt(3 * squares / (double)(count - 1));
    return squares;
}

static enum raw_verdict jitter_verdict(const struct backoff *out)
{
    bool never_the_same = out->tight_share <= 0.5, often_the_same = out->tight_share >= 0.5;
    if (out->h_lo > BACKOFF_JITTER_MIN && never_the_same)
        return RAW_PASS;
    if (out->h_hi < BACKOFF_JITTER_MIN && often_the_same)
        return RAW_FAIL;
    if (out->judged >= 4 && out->clients >= 3 && out->tight_share >= 0.75)
        return RAW_FAIL;
    return RAW_INCONCLUSIVE;
}

static void judge_jitter(struct estimate *e)
{
    struct backoff *out = e->out;
    double shares[BACKOFF_CLIENTS_LIMIT] = {0}, squares = 0, own = 0;
    size_t tight = 0;
    for (size_t i = 0; i < out->count; i++) {
        squares += disperse(e, i, shares);
        out->judged += out->index[i].judged;
        tight += out->index[i].tight;
    }
    double freedom = (double)(out->judged * (out->clients - 1));
    if (freedom < 2)
        return;
    for (size_t k = 0; k < out->clients; k++)
        own += shares[k] * shares[k] / (double)out->judged;
    out->h = sqrt(3 * squares / freedom);
    out->h_lo = out->h * sqrt(freedom / chi_square_quantile(1 - ALPHA, freedom));
    out->h_hi = out->h * sqrt(freedom / chi_square_quantile(ALPHA, freedom));
    out->h_hi_strict = out->h * sqrt(freedom / chi_square_quantile(ALPHA_STRICT, freedom));
    out->tight_share = (double)tight / (double)out->judged;
    out->client_share = squares > 0 ? own / squares : 0;
    out->jitter = jitter_verdict(out);
    out->lock_step = out->jitter == RAW_FAIL;
}

/* --- Step 2: clients in lock-step are one observation of the schedule, not many --- */

/* Not one delay alone, as a first one may, nor delays too short to judge. */
static bool surely_differ(const struct backoff *out)
{
    size_t differ = 0;
    for (size_t i = 0; i < out->count; i++)
        differ += out->index[i].judged && !out->index[i].tight;
    return out->h_lo > BACKOFF_JITTER_MIN && (double)differ > DIFFER * (double)out->count;
}

static void settle_schedule(struct estimate *e)
{
    struct delays one = {.clients = 1, .count = e->delays.count};
    for (size_t i = 0; i < e->delays.count; i++) {
        double sorted[BACKOFF_CLIENTS_LIMIT];
        column(e, e->delays.of, i, sorted);
        one.of[0][i] = mean(sorted, e->delays.clients);
    }
    e->schedule = e->out->lock_step ? one : e->delays;
    e->out->alone = !surely_differ(e->out);
    e->strict = e->out->alone ? one : e->delays;
}

/* --- Step 3: growth --- */

static bool first_comes_at_once(const struct estimate *e)
{
    double longest_first = 0, shortest_second = HUGE_VAL;
    if (e->schedule.count < 4)
        return false;
    for (size_t k = 0; k < e->schedule.clients; k++) {
        longest_first = fmax(longest_first, e->schedule.of[k][0]);
        shortest_second = fmin(shortest_second, e->schedule.of[k][1]);
    }
    return longest_first < HAMMER_SHARE * e->policy->base && shortest_second > 10 * longest_first;
}

/* The retry at which the policy, not the client, reaches its cap. */
static size_t corner_of_policy(const struct estimate *e)
{
    const struct backoff_policy *policy = e->policy;
    double corner = ceil(log(policy->cap / policy->base) / log(policy->factor) - 1e-9);
    if (e->out->first_left_out)
        corner -= 1;
    return corner < 2 ? 2 : (size_t)corner;
}

static enum raw_verdict growth_verdict(const struct backoff *out)
{
    if (out->hammer == RAW_FAIL)
        return RAW_FAIL;
    if (out->g_lo > 1 && out->g >= BACKOFF_GROWTH_MIN)
        return RAW_PASS;
    return out->g_hi < BACKOFF_GROWTH_MIN ? RAW_FAIL : RAW_INCONCLUSIVE;
}

static void judge_later_growth(struct estimate *e, size_t from, size_t corner)
{
    struct backoff *out = e->out;
    struct law later, strict;
    law_fit_to(&later, &e->schedule, from, corner, e->policy->eps);
    law_fit_to(&strict, &e->strict, from, corner, e->policy->eps);
    out->later = law_factor(&later);
    out->later_hi = law_limit(&later, ALPHA_STRICT, +1);
    out->later_lo = law_limit(&strict, ALPHA_STRICT, -1);
}

static void judge_growth(struct estimate *e)
{
    struct backoff *out = e->out;
    size_t from = out->first_left_out ? 1 : 0, corner = corner_of_policy(e);
    struct law all, strict;
    law_fit_to(&all, &e->schedule, from, corner, e->policy->eps);
    law_fit_to(&strict, &e->strict, from, corner, e->policy->eps);
    out->g = law_factor(&all);
    out->g_lo = law_limit(&all, ALPHA / 2, -1);
    out->g_hi = law_limit(&all, ALPHA, +1);
    out->g_hi_strict = law_limit(&all, ALPHA_STRICT, +1);
    out->g_lo_strict = law_limit(&strict, ALPHA_STRICT, -1);
    out->growth = growth_verdict(out);
    if (out->count >= from + 3)
        judge_later_growth(e, from + 1, corner > 3 ? corner - 1 : 2);
}

/* --- Step 4: shape. Delay 0 is left out always: RFC 6455 7.2.3 allows another law for it --- */

static enum raw_verdict shape_verdict(const struct backoff *out, size_t linear_corner)
{
    if (out->growth != RAW_PASS)
        return out->growth;
    if (out->log_ratio > SHAPE_DECIDES)
        return RAW_PASS;
    bool linear = out->log_ratio < -SHAPE_DECIDES && linear_corner >= SHAPE_CORNER;
    return linear && out->h <= SHAPE_WIDEST ? RAW_FAIL : RAW_INCONCLUSIVE;
}

static void measure_plateau(struct estimate *e, size_t from)
{
    double sum = 0;
    for (size_t k = 0; k < e->schedule.clients; k++)
        for (size_t i = from; i < e->schedule.count; i++)
            sum += e->schedule.of[k][i];
    e->out->plateau = sum / (double)(e->schedule.clients * (e->schedule.count - from));
    e->out->plateau_from = from - e->out->first_left_out;
}

static void judge_shape(struct estimate *e)
{
    struct backoff *out = e->out;
    struct law law;
    size_t linear_corner;
    law_fit(&law, &e->schedule, 1, e->policy->eps);
    out->gf = law_factor(&law);
    out->gf_lo = law_limit(&law, ALPHA, -1);
    out->gf_hi = law_limit(&law, ALPHA, +1);
    out->log_ratio = law_compare(&law, &linear_corner);
    out->shape = shape_verdict(out, linear_corner);
    measure_plateau(e, 1 + (law.line.corner > 0 ? law.line.corner : law.panel.count - 1));
}

/* --- The laws that a pass goes by --- */

/* The delay after the last random one, when the clients' delays are about the same from there on;
 * 0: they are nowhere, or everywhere. */
static size_t settled_from(const struct backoff *out)
{
    size_t from = out->count;
    while (from > 0 &&
           (out->index[from - 1].tight || out->index[from - 1].half_width < BACKOFF_RANDOM_MIN))
        from--;
    return from + SETTLED <= out->count ? from : 0;
}

static struct backoff_law law_from(const struct estimate *e, size_t from)
{
    struct law law;
    size_t linear_corner;
    if (from == 0 || from >= e->strict.count)
        return (struct backoff_law){.from = 0};
    law_fit(&law, &e->strict, from, e->policy->eps);
    return (struct backoff_law){.from = from,
                                .factor = law_factor(&law),
                                .lo = law_limit(&law, ALPHA_STRICT, -1),
                                .hi = law_limit(&law, ALPHA_STRICT, +1),
                                .log_ratio = law_compare(&law, &linear_corner)};
}

static void find_laws(struct estimate *e)
{
    e->out->law = law_from(e, 1);
    e->out->next = law_from(e, 2);
    e->out->settled = law_from(e, settled_from(e->out));
}

/* --- Step 5: cap --- */

double backoff_cap_limit(const struct backoff_policy *policy)
{
    return policy->cap * (1 + policy->jitter) * CAP_SLACK + policy->eps;
}

/* How many delays should be where, without a cap, they would be `limits` times the limit or longer.
 */
static size_t beyond(const struct estimate *e, double limits)
{
    const struct backoff *out = e->out;
    size_t from = out->first_left_out ? 1 : 0, retries = 0;
    double factor = out->shape == RAW_PASS ? fmax(out->g_lo, out->gf) : out->g_lo, first = 0;
    for (size_t k = 0; k < e->schedule.clients; k++)
        first += log(fmax(e->schedule.of[k][from], 1e-3)) / (double)e->schedule.clients;
    for (size_t i = from; i < out->count; i++)
        retries += exp(first) * pow(factor, (double)(i - from)) >= limits * out->cap_limit;
    return retries * out->clients;
}

static void judge_cap(struct estimate *e)
{
    struct backoff *out = e->out;
    out->cap_limit = backoff_cap_limit(e->policy);
    for (size_t i = 0; i < e->all_count; i++) {
        out->second_longest = fmax(out->second_longest, fmin(out->longest, e->all[i]));
        out->longest = fmax(out->longest, e->all[i]);
        out->over_cap += e->all[i] > out->cap_limit;
    }
    /* One delay alone may hide an attempt that nobody saw. */
    size_t outliers = e->all_count / 20 + 1;
    if (out->over_cap >= (outliers < 2 ? 2 : outliers))
        out->cap = RAW_FAIL;
    else if (out->over_cap == 0 && out->count >= 2 &&
             (beyond(e, CAP_PASSED) >= 1 || beyond(e, CAP_REACHED) >= 2))
        out->cap = RAW_PASS;
}

/* --- Step 6: waves --- */

static void judge_storm(struct estimate *e)
{
    struct backoff *out = e->out;
    out->window = TIGHT_EPS * e->policy->eps;
    if (out->clients < 3)
        return;
    for (size_t i = 1; i < out->count; i++) {
        double sorted[BACKOFF_CLIENTS_LIMIT];
        struct backoff_index *index = &out->index[i];
        if (index->mean < STORM_WINDOWS * out->window)
            continue;
        column(e, e->starts, i, sorted);
        index->wave = true;
        index->arrived = most_within(sorted, out->clients, out->window);
        index->synchronised = index->arrived >= most_of(out->clients, 3);
        out->waves++;
        out->synchronised += index->synchronised;
    }
    size_t half = (out->waves + 1) / 2;
    if (out->waves < 2)
        out->storm = RAW_INCONCLUSIVE;
    else if (out->synchronised >= (half < 2 ? 2 : half))
        out->storm = RAW_FAIL;
    else if (out->synchronised <= out->waves / 4)
        out->storm = RAW_PASS;
}

void backoff_estimate(const struct backoff_client *clients, size_t count,
                      const struct backoff_policy *policy, struct backoff *out)
{
    struct estimate e = {.policy = policy, .out = out};
    *out = (struct backoff){.base = policy->base,
                            .stall = policy->stall,
                            .g = 1,
                            .g_hi = HUGE_VAL,
                            .g_hi_strict = HUGE_VAL,
                            .later = 1,
                            .later_hi = HUGE_VAL,
                            .gf = 1,
                            .gf_hi = HUGE_VAL};
    read_clients(&e, clients, count);
    if (out->count > 0) {
        judge_hammer(&e);
        judge_jitter(&e);
        measure_time(&e);
        settle_schedule(&e);
    }
    if (out->count >= 2) {
        out->first_left_out = first_comes_at_once(&e);
        judge_growth(&e);
        judge_shape(&e);
        find_laws(&e);
        judge_storm(&e);
    }
    judge_cap(&e);
}
