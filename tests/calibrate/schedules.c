#include "tests/calibrate/schedules.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define LENGTH(x) (sizeof(x) / sizeof *(x))

/* --- Hosts --- */

const struct host hosts[] = {
    {"quiet", 0.003, 0, 0.01, 0.06, 0.025, 1},
    {"noisy", 0.010, 0.0156, 0.03, 0.15, 0.06, 1},
    {"speed 10", 0.003, 0, 0.01, 0.06, 0.025, 0.1},
};
const size_t hosts_count = LENGTH(hosts);

static double lateness(const struct host *host, struct rng *rng)
{
    double late = -log(1 - rng_unit(rng)) * host->lateness + host->tick * rng_unit(rng);
    return rng_unit(rng) < host->stall_share ? late + host->stall : late;
}

/* --- Schedules --- */

static double at_random(const struct client *c, double low, double high)
{
    return rng_uniform(c->rng, low, high);
}

static double doubling(int i, double cap)
{
    return fmin(cap, pow(2, i));
}

static double none(const struct client *c, int i)
{
    (void)c;
    (void)i;
    return 0;
}

static double constant(const struct client *c, int i)
{
    (void)c;
    (void)i;
    return 1;
}

static double constant_5(const struct client *c, int i)
{
    (void)c;
    (void)i;
    return 5;
}

static double constant_half(const struct client *c, int i)
{
    (void)i;
    return at_random(c, 0.5, 1.5);
}

static double constant_full(const struct client *c, int i)
{
    (void)i;
    return at_random(c, 0, 2);
}

static double linear(const struct client *c, int i)
{
    (void)c;
    return i + 1;
}

static double linear_5(const struct client *c, int i)
{
    (void)c;
    return fmin(5, i + 1);
}

static double linear_half(const struct client *c, int i)
{
    return (i + 1) * at_random(c, 0.5, 1.5);
}

static double exponential(const struct client *c, int i)
{
    (void)c;
    return doubling(i, 30);
}

static double uncapped(const struct client *c, int i)
{
    (void)c;
    return pow(2, i);
}

static double required(const struct client *c, int i)
{
    return doubling(i, 30) * at_random(c, 0.5, 1.5);
}

static double full(const struct client *c, int i)
{
    return at_random(c, 0, doubling(i, 30));
}

static double equal(const struct client *c, int i)
{
    return doubling(i, 30) * at_random(c, 0.5, 1);
}

static double decorrelated(const struct client *c, int i)
{
    return fmin(30, at_random(c, 1, 3 * (i == 0 ? 1 : c->previous)));
}

static double grpc(const struct client *c, int i)
{
    return fmin(120, pow(1.6, i)) * at_random(c, 0.8, 1.2);
}

static double tenth(const struct client *c, int i)
{
    return doubling(i, 30) * at_random(c, 0.9, 1.1);
}

static double python_websockets(const struct client *c, int i)
{
    return i == 0 ? at_random(c, 0, 5) : fmin(90, 3.1 * pow(1.618, i - 1));
}

/* Before 11: int(1.92 * 1.618^k) s, and at once after a loss. */
static double python_websockets_10(const struct client *c, int i)
{
    static const double later[] = {3, 5, 8, 13, 21, 34, 55};
    if (i < 2)
        return at_random(c, i == 0 ? 0.03 : 0, i == 0 ? 0.3 : 5);
    return i < 9 ? later[i - 2] : 60;
}

static double firefox(const struct client *c, int i)
{
    return fmin(60, (0.2 + 0.2 * c->own) * pow(1.5, i));
}

static double reconnecting_websocket(const struct client *c, int i)
{
    return fmin(10, (1 + 4 * c->own) * pow(1.3, i));
}

static double socket_io(const struct client *c, int i)
{
    return fmin(5, pow(2, i) * at_random(c, 0.5, 1.5));
}

static double signalr(const struct client *c, int i)
{
    (void)c;
    static const double table[] = {0, 2, 10};
    return i < 3 ? table[i] : 30;
}

static double phoenix(const struct client *c, int i)
{
    (void)c;
    static const double table[] = {0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2};
    return i < 9 ? table[i] : 5;
}

static double graphql_ws(const struct client *c, int i)
{
    return pow(2, i) + at_random(c, 0.3, 3);
}

static double centrifuge(const struct client *c, int i)
{
    return fmin(20, 0.5 + at_random(c, 0, fmin(20, 0.5 * pow(2, i))));
}

static double google(const struct client *c, int i)
{
    return doubling(i, 30) + at_random(c, -0.25, 0.25);
}

static double nearly_none(const struct client *c, int i)
{
    (void)i;
    return at_random(c, 0, 0.05);
}

static double constant_own(const struct client *c, int i)
{
    (void)i;
    return 1 + 4 * c->own;
}

static double quick_first(const struct client *c, int i)
{
    (void)c;
    return i == 0 ? 0.2 : 5;
}

static double quick_first_half(const struct client *c, int i)
{
    return quick_first(c, i) * at_random(c, 0.5, 1.5);
}

static double quadratic_half(const struct client *c, int i)
{
    return fmin(30, (i + 1) * (i + 1)) * at_random(c, 0.5, 1.5);
}

static double from_20_ms(const struct client *c, int i)
{
    (void)c;
    return 0.02 * pow(2, i);
}

static double uncapped_half(const struct client *c, int i)
{
    return pow(2, i) * at_random(c, 0.5, 1.5);
}

static double long_first(const struct client *c, int i)
{
    return i == 0 ? 20 : doubling(i - 1, 30) * at_random(c, 0.5, 1.5);
}

static double no_first(const struct client *c, int i)
{
    return i == 0 ? 0 : doubling(i - 1, 30) * at_random(c, 0.5, 1.5);
}

static double fibonacci(const struct client *c, int i)
{
    (void)c;
    static const double numbers[] = {1, 1, 2, 3, 5, 8, 13, 21};
    return i < 8 ? numbers[i] : 30;
}

/* Each client has a first delay of its own. */
static double own_first(const struct client *c, int i, double later)
{
    return i == 0 ? 5 * c->own : later;
}

static double random_then_constant(const struct client *c, int i)
{
    return own_first(c, i, 3);
}

static double random_then_full(const struct client *c, int i)
{
    return own_first(c, i, at_random(c, 0, 2));
}

static double random_then_linear(const struct client *c, int i)
{
    return own_first(c, i, i);
}

/* As python_websockets_10 begins. */
static double twice_random_then_constant(const struct client *c, int i)
{
    return i < 2 ? python_websockets_10(c, i) : 3;
}

static double twice_random_then_linear(const struct client *c, int i)
{
    return i < 2 ? python_websockets_10(c, i) : i - 1;
}

static double twice_random_then_slow(const struct client *c, int i)
{
    return i < 2 ? python_websockets_10(c, i) : fmin(60, 3 * pow(1.3, i - 2));
}

static double slowed_by_work(const struct client *c, int i)
{
    (void)i;
    return at_random(c, 0.03, 0.3);
}

static double from_10_ms(const struct client *c, int i)
{
    (void)c;
    return 0.01 * doubling(i, 3000);
}

static double from_10_ms_half(const struct client *c, int i)
{
    return from_10_ms(c, i) * at_random(c, 0.5, 1.5);
}

static double from_10_ms_full(const struct client *c, int i)
{
    return from_10_ms(c, i) * at_random(c, 0, 1);
}

static double table(const struct client *c, int i)
{
    (void)c;
    static const double steps[] = {1, 2, 5, 10, 30};
    return i < 5 ? steps[i] : 60;
}

/* What would be a wrong verdict on each schedule, in the order of enum question. N: neither would
 * be. */
#define P PASS_IS
#define F FAIL_IS
#define N NEITHER_IS

const struct schedule schedules[] = {
    /* growth, factor, shape, jitter, cap, storm, note */
    {"none", none, {P, N, P, P, F, P, F}, false},
    {"0 to 50 ms", nearly_none, {P, N, P, N, F, N, F}, false},
    {"constant 1 s", constant, {P, N, P, P, F, P, F}, false},
    {"constant 5 s", constant_5, {P, N, P, P, F, P, F}, false},
    {"constant x0.5-1.5", constant_half, {P, N, P, F, F, F, F}, false},
    {"constant x0-2", constant_full, {P, N, P, F, F, F, F}, false},
    {"constant, own 1-5 s", constant_own, {P, N, P, F, F, F, F}, false},
    {"0.2 s, then 5 s", quick_first, {P, N, P, P, F, P, F}, false},
    {"0.2 s, then 5 s, x0.5-1.5", quick_first_half, {P, N, P, F, F, F, F}, false},
    {"linear", linear, {F, N, P, P, P, P, F}, false},
    {"linear to 5 s", linear_5, {F, N, P, P, F, P, F}, false},
    {"linear x0.5-1.5", linear_half, {F, N, P, F, P, F, F}, false},
    {"quadratic x0.5-1.5", quadratic_half, {F, N, N, F, F, F, F}, false},
    {"exponential", exponential, {F, F, F, P, F, P, F}, false},
    {"exponential from 20 ms", from_20_ms, {F, F, F, P, F, P, F}, false},
    {"exponential, no cap", uncapped, {F, F, F, P, P, P, F}, false},
    {"required x0.5-1.5", required, {F, F, F, F, F, F, F}, false},
    {"required, one seed", required, {F, F, F, P, F, P, F}, true},
    {"required, no cap", uncapped_half, {F, F, F, F, P, F, F}, false},
    {"20 s, then required", long_first, {F, F, F, F, F, F, F}, false},
    {"at once, then required", no_first, {F, F, F, F, F, F, F}, false},
    {"full jitter", full, {F, F, F, F, F, F, F}, false},
    {"equal jitter", equal, {F, F, F, F, F, F, F}, false},
    {"decorrelated", decorrelated, {F, N, F, F, F, F, N}, false},
    {"Fibonacci", fibonacci, {F, F, F, P, F, P, F}, false},
    {"table 1 2 5 10 30 60", table, {F, N, N, P, P, P, F}, false},
    {"gRPC 1.6 +-20 %", grpc, {F, F, F, F, P, F, F}, false},
    {"exponential +-10 %", tenth, {F, F, F, F, F, F, F}, false},
    {"python-websockets", python_websockets, {F, F, F, N, P, F, N}, false},
    {"Firefox", firefox, {F, F, F, F, F, F, F}, false},
    {"reconnecting-websocket", reconnecting_websocket, {F, P, N, F, F, F, N}, false},
    {"socket.io", socket_io, {F, F, N, N, F, F, N}, false},
    {"SignalR", signalr, {F, N, N, P, F, P, F}, false},
    {"Phoenix", phoenix, {N, N, N, P, F, P, F}, false},
    {"graphql-ws", graphql_ws, {F, F, N, F, P, F, F}, false},
    {"centrifuge-js", centrifuge, {F, N, N, F, F, F, F}, false},
    {"exponential +-0.25 s", google, {F, F, F, N, F, F, N}, false},
    {"python-websockets 10", python_websockets_10, {F, F, F, N, P, F, N}, false},
    {"at once, random, then x1.3", twice_random_then_slow, {F, P, N, N, P, F, N}, false},
    {"at once, random, then 3 s", twice_random_then_constant, {P, N, P, N, F, F, N}, false},
    {"at once, random, then linear", twice_random_then_linear, {F, N, P, N, P, F, N}, false},
    {"random, then 3 s", random_then_constant, {P, N, P, N, F, F, N}, false},
    {"random, then linear", random_then_linear, {F, N, P, N, P, F, N}, false},
    {"random, then x0-2, one seed", random_then_full, {P, N, P, N, F, F, N}, true},
    {"constant x0.5-1.5, one seed", constant_half, {P, N, P, P, F, P, F}, true},
    {"constant x0-2, one seed", constant_full, {P, N, P, P, F, P, F}, true},
    {"30 to 300 ms", slowed_by_work, {P, N, P, N, F, N, F}, false},
    {"from 10 ms", from_10_ms, {F, F, F, P, F, P, F}, false},
    {"from 10 ms, x0.5-1.5", from_10_ms_half, {F, F, F, F, F, F, F}, false},
    {"from 10 ms, full jitter", from_10_ms_full, {N, F, N, F, F, F, F}, false},
};
const size_t schedules_count = LENGTH(schedules);

const struct schedule *schedule_by_name(const char *name)
{
    size_t s = 0;
    while (strcmp(schedules[s].name, name) != 0) {
        s++;
        assert(s < schedules_count);
    }
    return &schedules[s];
}

/* --- Outages --- */

void schedule_draw(const struct schedule *schedule, const struct host *host, struct size size,
                   struct rng *rng, struct drawn *out)
{
    struct rng seed, own;
    rng_init(&seed, rng_next(rng), "one seed", 0);
    out->policy = (struct backoff_policy){1 * host->scale, 2, 30 * host->scale, 0.5, host->eps, 0};
    for (size_t k = 0; k < size.clients; k++) {
        own = seed;
        struct client client = {.rng = schedule->same_seed ? &own : rng, .own = rng_unit(rng)};
        for (size_t i = 0; i < size.retries; i++) {
            client.previous = schedule->delay(&client, (int)i);
            out->delays[k][i] = fmax(0, host->scale * client.previous) + lateness(host, rng);
        }
        out->clients[k] = (struct backoff_client){.delays = out->delays[k], .count = size.retries};
    }
}

/* --- Verdicts --- */

static void judge(const struct drawn *drawn, struct size size, enum raw_verdict *raw_verdicts,
                  enum raw_verdict *gated)
{
    struct backoff raw;
    struct backoff_gate gate;
    struct backoff_notes notes;
    backoff_estimate(drawn->clients, size.clients, &drawn->policy, &raw);
    backoff_gate(&raw, &gate);
    backoff_notes(&raw, &notes);
    bool as_asked = raw.gf_lo <= BACKOFF_FACTOR_MAX && raw.gf_hi >= BACKOFF_FACTOR_MIN;
    enum raw_verdict factor =
        raw.growth == RAW_PASS ? (as_asked ? RAW_PASS : RAW_FAIL) : RAW_INCONCLUSIVE;
    enum raw_verdict note = notes.first_only || notes.lost_at_cap ? RAW_FAIL : RAW_PASS;
    memcpy(
        raw_verdicts,
        (enum raw_verdict[]){raw.growth, factor, raw.shape, raw.jitter, raw.cap, raw.storm, note},
        QUESTIONS * sizeof *gated);
    memcpy(gated,
           (enum raw_verdict[]){gate.growth.verdict, gate.factor.verdict, gate.shape.verdict,
                                gate.jitter.verdict, gate.cap.verdict, gate.storm.verdict, note},
           QUESTIONS * sizeof *gated);
}

static void count(struct tally *tally, enum raw_verdict verdict, enum wrong wrong)
{
    tally->undecided += verdict == RAW_INCONCLUSIVE;
    tally->wrong_pass += verdict == RAW_PASS && wrong == PASS_IS;
    tally->wrong_fail += verdict == RAW_FAIL && wrong == FAIL_IS;
}

void schedule_try(const struct schedule *schedule, const struct host *host, struct size size,
                  size_t runs, uint64_t seed, struct trial *out)
{
    static const uint64_t apart = 100;
    enum raw_verdict raw[QUESTIONS], gated[QUESTIONS];
    struct drawn drawn;
    struct rng rng;
    *out = (struct trial){.runs = runs};
    rng_init(&rng, seed, schedule->name, size.clients * apart + size.retries);
    for (size_t run = 0; run < runs; run++) {
        schedule_draw(schedule, host, size, &rng, &drawn);
        judge(&drawn, size, raw, gated);
        for (int q = 0; q < QUESTIONS; q++) {
            count(&out->raw[q], raw[q], schedule->wrong[q]);
            count(&out->gated[q], gated[q], schedule->wrong[q]);
        }
    }
}
