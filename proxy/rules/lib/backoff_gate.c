#include "rules/lib/backoff_gate.h"

#include <math.h>
#include <stdlib.h>

/* RULES 4.3: with so many clients and retries all is decided that can be. */
#define FULL_CLIENTS      10
#define FULL_RETRIES      8
#define HAMMER_RETRIES    5   /* as many short delays are no beginning */
#define HAMMER_GROWS      1.3 /* a factor so large may still be one */
#define HAMMER_DOUBLES    2   /* or later delays so many times the earlier ones */
#define RUSHED_RETRIES    6
#define RUSHED_SHARE      (1.0 / 30)
#define CAP_BY_LINE       9
#define FEW_CLIENTS       3 /* fewer show nothing about randomness */
#define STORM_CLIENTS     5
#define STORM_START       5    /* windows */
#define FACTOR_MARGIN     1.05 /* so much outside of what is asked */
#define FACTOR_MARGIN_FEW 1.15
#define FACTOR_DOUBT      1.09 /* so near below it: not passed either, it may be chance */
#define FACTOR_DOUBT_FEW  1.02
#define AT_ONCE           0.5  /* of the base: so soon an attempt is none of the schedule */
#define RARELY_TIGHT      0.25 /* share of so few retries at which random clients are alike */
#define JUDGED            5    /* retries, of fewer than FULL_CLIENTS, that show a lack of jitter */
#define STEADY            7    /* delays in ascending order that are no chance: 1 in 5040 */
#define STEPS             6    /* delays that multiply, each by STEP, and are none either */
#define STEP              1.3
#define DISPERSED         2 /* windows: clients so far apart did not wait the same */
#define SETTLED_RISE      2 /* the last of settled delays over the first: more than a plateau */
#define LUCK              0.0005    /* chance of random clients to look alike */
#define OWN_HALF          (1.0 / 3) /* half width of a factor that each client draws once */
#define SMALL_HALF        0.1       /* of one that it draws each time */
#define FIXED_HALF        1.0  /* of a fixed number of seconds, in bases, that it adds each time */
#define SMALL_FIXED       0.25 /* of such a one that still disperses clients */
#define FIRST_HALF        1.0  /* of a first delay: between 0 and twice its mean */
#define SHAPE_LINEAR      10.0 /* log likelihood ratio, against exponential */
#define SHAPE_EXPONENTIAL 12.0 /* against linear */
#define SHAPE_ALONE       14.0 /* of one client, or of clients in lock-step */
#define FIRST_LONGER      1.15 /* a first delay so much above the second may follow another law */
#define MOSTLY_OWN        0.8
#define LEVEL             1.05
#define SHRINKS           0.9

static const char full_outage[] = "10 clients with 8 retries each would decide it";
static const char more_than_full[] = "it would take 12 retries of each client";

bool backoff_still_grows(const struct backoff *raw)
{
    return raw->plateau_from + raw->first_left_out + 1 >= raw->count;
}

static struct gated when(bool open, enum raw_verdict raw, const char *enough)
{
    enum raw_verdict verdict = open ? raw : RAW_INCONCLUSIVE;
    return (struct gated){.verdict = verdict,
                          .enough = verdict == RAW_INCONCLUSIVE ? enough : NULL};
}

static const char *enough_of(const struct backoff *raw)
{
    bool full = raw->clients >= FULL_CLIENTS && raw->count >= FULL_RETRIES;
    return full ? more_than_full : full_outage;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* --- Growth: at a stricter error than the raw one, and not by the first delay alone, which may
 * follow another law (RFC 6455 7.2.3) --- */

/* Random delays of one law come in ascending order once in STEADY! outages; equal ones do not rise.
 * Where a longer run ends in one of STEADY, that one decides, so it does not matter where it began.
 */
static bool rises_steadily(const struct backoff *raw)
{
    size_t first = raw->count, rises = 0;
    while (first-- > 2) {
        double before = raw->index[first - 1].median, after = raw->index[first].median;
        if (after < before - raw->window / 4)
            break;
        rises += after > LEVEL * before + raw->window / 2;
    }
    return raw->count - first >= STEADY && rises >= 2;
}

/* Delays drawn between 0 and a limit rise six times in a row in one of 720 outages, and in one of
 * 50 such each is so many times the one before. */
static bool multiplies(const struct backoff *raw)
{
    size_t first = raw->count;
    while (first-- > 2)
        if (raw->index[first].median < STEP * raw->index[first - 1].median + raw->window / 2)
            break;
    return raw->count - first >= STEPS;
}

/* Of clients that all wait the same after a random delay, what they do then is the schedule. Where
 * that is level it may be its plateau, and the growth before it. */
static bool settles_to_growth(const struct backoff *raw)
{
    const struct backoff_law *law = &raw->settled;
    return law->from > 0 && law->lo > 1 && law->factor >= BACKOFF_GROWTH_MIN &&
           raw->index[raw->count - 1].median >= SETTLED_RISE * raw->index[law->from].median;
}

bool backoff_settles_level(const struct backoff *raw)
{
    const struct backoff_law *law = &raw->settled;
    return law->from > 0 && law->from <= 2 && law->hi < BACKOFF_GROWTH_MIN;
}

static bool surely_grows(const struct backoff *raw)
{
    bool strictly = raw->g_lo_strict > 1 && raw->later_lo > 1 && raw->later >= BACKOFF_GROWTH_MIN;
    return (strictly && !backoff_settles_level(raw)) || settles_to_growth(raw) ||
           rises_steadily(raw) || multiplies(raw);
}

static bool surely_level(const struct backoff *raw)
{
    size_t first = raw->first_left_out ? 1 : 0;
    bool longer = raw->index[first].median > FIRST_LONGER * raw->index[first + 1].median;
    return raw->g_hi_strict < BACKOFF_GROWTH_MIN && (!longer || raw->later_hi < BACKOFF_GROWTH_MIN);
}

static double middle(const struct backoff *raw, size_t from, size_t count)
{
    double medians[BACKOFF_DELAYS_LIMIT];
    for (size_t i = 0; i < count; i++)
        medians[i] = raw->index[from + i].median;
    qsort(medians, count, sizeof *medians, ascending);
    return medians[count / 2];
}

/* Short delays may also be the beginning of growth from a small base, which is no hammer. */
static bool may_begin_to_grow(const struct backoff *raw)
{
    size_t half = raw->count / 2;
    double early = middle(raw, 0, half), late = middle(raw, raw->count - half, half);
    bool doubles = late >= HAMMER_DOUBLES * early && late > raw->window / 8;
    return doubles || raw->g >= HAMMER_GROWS || raw->g_lo_strict > 1;
}

static bool surely_no_beginning(const struct backoff *raw)
{
    size_t least = raw->clients < FEW_CLIENTS ? FULL_RETRIES : HAMMER_RETRIES;
    return raw->count >= least && !may_begin_to_grow(raw);
}

static struct gated gate_growth(const struct backoff *raw)
{
    bool sure = raw->growth == RAW_PASS ? surely_grows(raw) : surely_level(raw);
    if (raw->hammer == RAW_FAIL)
        sure = surely_no_beginning(raw) && raw->index[raw->count - 1].median < raw->none;
    return when(sure, raw->growth, enough_of(raw));
}

/* So many retries in so little time are no backoff whatever the delays seem to do: where a client
 * retries at once what is measured is its work, which speed multiplies. */
static bool is_rushed(const struct backoff *raw)
{
    return raw->count >= RUSHED_RETRIES && raw->took < RUSHED_SHARE * raw->asked &&
           surely_no_beginning(raw);
}

static const struct backoff_law *law_of(const struct backoff *raw)
{
    return settles_to_growth(raw) ? &raw->settled : &raw->law;
}

static bool is_doubtful(const struct backoff *raw, const struct backoff_law *law)
{
    double doubt = raw->clients < FEW_CLIENTS ? FACTOR_DOUBT_FEW : FACTOR_DOUBT;
    return law->factor * doubt < BACKOFF_FACTOR_MIN;
}

/* After an attempt at once it is the second that may follow a law of its own, and bend a fit. */
static bool is_doubtful_later(const struct backoff *raw)
{
    return raw->index[0].median < AT_ONCE * raw->base && raw->next.from > 0 &&
           is_doubtful(raw, &raw->next);
}

static struct gated gate_factor(const struct backoff *raw, enum raw_verdict growth)
{
    const struct backoff_law *law = law_of(raw);
    double margin =
        raw->clients >= STORM_CLIENTS || raw->lock_step ? FACTOR_MARGIN : FACTOR_MARGIN_FEW;
    bool outside = law->hi * margin < BACKOFF_FACTOR_MIN || law->lo > BACKOFF_FACTOR_MAX * margin;
    if (growth == RAW_PASS && outside)
        return (struct gated){.verdict = RAW_FAIL};
    bool doubtful = is_doubtful(raw, law) || (law != &raw->settled && is_doubtful_later(raw));
    return when(growth == RAW_PASS && !doubtful, RAW_PASS, enough_of(raw));
}

static struct gated gate_shape(const struct backoff *raw, enum raw_verdict growth)
{
    if (growth == RAW_FAIL)
        return when(true, RAW_FAIL, NULL);
    if (growth == RAW_PASS && settles_to_growth(raw) && raw->settled.log_ratio > SHAPE_ALONE)
        return when(true, RAW_PASS, NULL);
    double linear = raw->alone ? SHAPE_ALONE : SHAPE_LINEAR;
    double exponential = raw->alone ? SHAPE_ALONE : SHAPE_EXPONENTIAL;
    bool sure = raw->law.log_ratio > exponential || raw->law.log_ratio < -linear;
    return when(growth == RAW_PASS && sure, raw->shape, enough_of(raw));
}

/* --- Jitter and storm: random clients may look alike by chance --- */

/* About the chance that `together` of so many evenly spread values lie within a share of their
 * range. */
static double luck(size_t clients, size_t together, double share)
{
    double ways = (double)clients;
    for (size_t i = 1; i < together; i++)
        ways *= (double)(clients - i) / (double)i;
    return together < 2 ? 1 : fmin(1, ways * pow(fmin(1, share), (double)together - 1));
}

/* The share that the window covers of a range of so much to either side. */
static double window_share(const struct backoff *raw, double half)
{
    return raw->window / (2 * half);
}

static bool is_equal(const struct backoff *raw, size_t i)
{
    return raw->index[i].tight && raw->index[i].together == raw->clients;
}

static double ways_to_choose(size_t from, size_t some)
{
    double ways = 1;
    for (size_t i = 0; i < some; i++)
        ways *= (double)(from - i) / (double)(i + 1);
    return ways;
}

/* The chance that in half of the retries in which all clients waited the same they lie as near each
 * other as they do: often far nearer than the window, and noise only spreads them. */
static double luck_of_equals(const struct backoff *raw, double share_of_mean, double seconds)
{
    double widths[BACKOFF_DELAYS_LIMIT], least = HUGE_VAL;
    size_t count = 0;
    for (size_t i = 0; i < raw->count; i++) {
        if (!is_equal(raw, i))
            continue;
        widths[count++] = raw->index[i].spread;
        least = fmin(least, raw->index[i].mean);
    }
    if (count == 0)
        return 1;
    qsort(widths, count, sizeof *widths, ascending);
    size_t half = (count + 1) / 2;
    double range = 2 * (share_of_mean * least + seconds);
    double chance = luck(raw->clients, raw->clients, widths[half - 1] / range);
    return fmin(1, ways_to_choose(count, half) * pow(chance, (double)half));
}

/* The chance that clients which add so much to every delay, up or down, look as they do. */
static double luck_each_time(const struct backoff *raw, double share_of_mean, double seconds)
{
    double chance = 1;
    for (size_t i = 0; i < raw->count; i++) {
        const struct backoff_index *at = &raw->index[i];
        double half = share_of_mean * at->mean + seconds;
        if (at->tight)
            chance *= luck(raw->clients, at->together, window_share(raw, half));
    }
    return fmin(chance, luck_of_equals(raw, share_of_mean, seconds));
}

/* The same for clients that draw a factor once for all their delays. */
static double luck_once(const struct backoff *raw)
{
    double chance = 1;
    for (size_t i = 0; i < raw->count; i++) {
        const struct backoff_index *at = &raw->index[i];
        if (at->tight)
            chance = fmin(chance,
                          luck(raw->clients, at->together, window_share(raw, OWN_HALF * at->mean)));
    }
    return chance;
}

static bool waited_the_same(const struct backoff *raw)
{
    return luck_once(raw) < LUCK && luck_each_time(raw, SMALL_HALF, 0) < LUCK &&
           luck_each_time(raw, 0, FIXED_HALF * raw->base) < LUCK;
}

static bool surely_alike(const struct backoff *raw)
{
    return (raw->clients >= FULL_CLIENTS || raw->judged >= JUDGED) && waited_the_same(raw);
}

/* Further apart than what a stall of the host may do to equal delays. */
static bool is_apart(const struct backoff *raw, size_t i, double least)
{
    return raw->index[i].spread > fmax(least, raw->stall);
}

/* A random share of the delay, or a random time on top, is seen at most of the retries. What the
 * host adds is most at the first, when all clients have just lost their connections. */
static bool mostly_apart(const struct backoff *raw)
{
    size_t apart = 0;
    for (size_t i = 0; i < raw->count; i++) {
        bool by_share = raw->index[i].half_width >= BACKOFF_JITTER_MIN;
        apart += raw->index[i].judged && is_apart(raw, i, by_share ? 0 : DISPERSED * raw->window);
    }
    return apart * 2 > raw->judged;
}

/* Processes that wake together on a crowded host come late, by different times, and less so from
 * retry to retry: few retries are random when they are further apart than that, or all are. */
static bool surely_random(const struct backoff *raw)
{
    if (!mostly_apart(raw))
        return false;
    if (raw->judged > JUDGED || raw->h_lo > BACKOFF_JITTER_WEAK)
        return true;
    return raw->clients >= STORM_CLIENTS && raw->tight_share <= RARELY_TIGHT;
}

static struct gated gate_jitter(const struct backoff *raw)
{
    bool sure = raw->clients >= FEW_CLIENTS &&
                (raw->jitter == RAW_FAIL ? surely_alike(raw) : surely_random(raw));
    return when(sure, raw->jitter, enough_of(raw));
}

/* Clients whose first delay alone is random, the first that is long enough to disperse them, start
 * near each other only by luck. */
static bool arrived_together(const struct backoff *raw)
{
    size_t first = 0, arrived = 0;
    while (first + 1 < raw->count && raw->index[first].mean < SMALL_FIXED * raw->base)
        first++;
    for (size_t i = 0; i < raw->count; i++)
        if (raw->index[i].synchronised && raw->index[i].arrived > arrived)
            arrived = raw->index[i].arrived;
    double share = window_share(raw, FIRST_HALF * raw->index[first].mean);
    return luck(raw->clients, arrived, share) < LUCK &&
           luck_each_time(raw, 0, SMALL_FIXED * raw->base) < LUCK &&
           (raw->clients >= STORM_CLIENTS || raw->synchronised == raw->waves);
}

/* An early delay that is random keeps clients apart also when the later ones are not: five windows
 * wide, for ten processes that share two cores disperse by as much as three without meaning to. */
static bool chose_a_start(const struct backoff *raw)
{
    for (size_t i = 0; i < raw->count && i < 2; i++)
        if (raw->index[i].judged && !raw->index[i].tight &&
            is_apart(raw, i, STORM_START * raw->window))
            return true;
    return false;
}

static bool dispersed_by_choice(const struct backoff *raw, enum raw_verdict jitter)
{
    return raw->clients >= STORM_CLIENTS && (jitter == RAW_PASS || chose_a_start(raw));
}

static struct gated gate_storm(const struct backoff *raw, enum raw_verdict jitter)
{
    bool sure = raw->storm == RAW_FAIL ? jitter == RAW_FAIL && arrived_together(raw)
                                       : dispersed_by_choice(raw, jitter);
    return when(sure, raw->storm, enough_of(raw));
}

/* Where delays without a cap would be is known for exponential growth; after many retries a line
 * that was taken for one would seem to have reached its cap. */
static struct gated gate_cap(const struct backoff *raw, enum raw_verdict shape)
{
    bool known = shape == RAW_PASS || raw->count <= CAP_BY_LINE;
    bool enough = raw->count >= FULL_RETRIES && known && !backoff_still_grows(raw);
    return when(raw->cap == RAW_FAIL || enough, raw->cap,
                raw->count >= FULL_RETRIES ? "it takes more retries" : "it takes 8 retries");
}

void backoff_gate(const struct backoff *raw, struct backoff_gate *out)
{
    out->growth = gate_growth(raw);
    out->rushed = out->growth.verdict == RAW_INCONCLUSIVE && is_rushed(raw);
    if (out->rushed)
        out->growth = (struct gated){.verdict = RAW_FAIL};
    out->law = *law_of(raw);
    out->factor = gate_factor(raw, out->growth.verdict);
    out->shape = gate_shape(raw, out->growth.verdict);
    out->jitter = gate_jitter(raw);
    out->cap = gate_cap(raw, out->shape.verdict);
    out->storm = gate_storm(raw, out->jitter.verdict);
}

/* --- Notes --- */

/* The first retry from which all judged ones are tight; count when the last is not. */
static size_t tight_from(const struct backoff *raw)
{
    size_t from = raw->count;
    while (from > 0 && (raw->index[from - 1].tight || !raw->index[from - 1].judged))
        from--;
    return from;
}

static size_t judged_between(const struct backoff *raw, size_t from, size_t until, bool tight)
{
    size_t count = 0;
    for (size_t i = from; i < until; i++)
        count += raw->index[i].judged && raw->index[i].tight == tight;
    return count;
}

/* Wider than what a busy host does to equal delays. */
static bool is_random_before(const struct backoff *raw, size_t until)
{
    for (size_t i = 0; i < until; i++)
        if (raw->index[i].judged && !raw->index[i].tight &&
            raw->index[i].half_width >= BACKOFF_RANDOM_MIN && is_apart(raw, i, 0))
            return true;
    return false;
}

/* Delays that are the same for all, of which a later one is shorter. One that a crowded host spread
 * says nothing. */
static bool sometimes_shrinks(const struct backoff *raw)
{
    for (size_t i = 1; i < raw->count; i++)
        if (raw->index[i - 1].tight && raw->index[i].tight &&
            raw->index[i].median < SHRINKS * raw->index[i - 1].median - raw->window)
            return true;
    return false;
}

static void note_lost_jitter(const struct backoff *raw, struct backoff_notes *out)
{
    size_t from = tight_from(raw);
    size_t same = judged_between(raw, from, raw->count, true);
    if (raw->clients < FEW_CLIENTS || same < 2 || !is_random_before(raw, from) ||
        !waited_the_same(raw))
        return;
    out->same_from = from;
    out->lost_at_cap =
        raw->index[raw->count - 1].median <= LEVEL * raw->index[from].median + raw->window;
    out->first_only = !out->lost_at_cap;
}

void backoff_notes(const struct backoff *raw, struct backoff_notes *out)
{
    *out = (struct backoff_notes){.same_from = raw->count};
    note_lost_jitter(raw, out);
    out->same_seed = raw->lock_step && sometimes_shrinks(raw);
    out->weak = raw->jitter == RAW_PASS && raw->h_hi_strict < BACKOFF_JITTER_WEAK;
    out->own_base = raw->jitter == RAW_PASS && raw->client_share > MOSTLY_OWN;
}
