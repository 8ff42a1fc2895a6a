/* How often the verdicts on reconnect schedules are wrong. Simulates clients with known schedules
 * on hosts with known noise, judges each outage, and prints tables in Markdown. calibrate [RUNS
 * [SEED]]                  runs per cell, default 2000 calibrate RUNS SEED HOST CLIENTS RETRIES one
 * cell, every schedule in full */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "rules/lib/backoff.h"
#include "rules/lib/backoff_gate.h"

#define QUESTIONS 5
#define LENGTH(x) (sizeof(x) / sizeof *(x))

/* --- Hosts --- */

struct host {
    const char *name;
    double lateness;           /* mean of an exponential, seconds */
    double tick;               /* timers fire up to so much later, evenly */
    double stall_share, stall; /* so often, so long a pause of everything */
    double eps;                /* noise as the tool would have calibrated it */
    double scale;              /* of all delays: below 1 a client with faster timers */
};

static const struct host hosts[] = {
    {"quiet", 0.003, 0, 0.01, 0.06, 0.025, 1},
    {"noisy", 0.010, 0.0156, 0.03, 0.15, 0.06, 1},
    {"quick", 0.003, 0, 0.01, 0.06, 0.025, 0.1},
};

static double lateness(const struct host *host, struct rng *rng)
{
    double late = -log(1 - rng_unit(rng)) * host->lateness + host->tick * rng_unit(rng);
    return rng_unit(rng) < host->stall_share ? late + host->stall : late;
}

/* --- Schedules --- */

struct client {
    struct rng *rng;
    double own, previous; /* own: drawn once, 0 to 1 */
};

static double at_random(const struct client *c, double low, double high)
{
    return rng_uniform(c->rng, low, high);
}

static double doubling(int i, double cap)
{
    return fmin(cap, pow(2, i));
}

static double none(struct client *c, int i)
{
    return 0;
}

static double constant(struct client *c, int i)
{
    return 1;
}

static double constant_5(struct client *c, int i)
{
    return 5;
}

static double constant_half(struct client *c, int i)
{
    return at_random(c, 0.5, 1.5);
}

static double constant_full(struct client *c, int i)
{
    return at_random(c, 0, 2);
}

static double linear(struct client *c, int i)
{
    return i + 1;
}

static double linear_5(struct client *c, int i)
{
    return fmin(5, i + 1);
}

static double linear_half(struct client *c, int i)
{
    return (i + 1) * at_random(c, 0.5, 1.5);
}

static double exponential(struct client *c, int i)
{
    return doubling(i, 30);
}

static double uncapped(struct client *c, int i)
{
    return pow(2, i);
}

static double required(struct client *c, int i)
{
    return doubling(i, 30) * at_random(c, 0.5, 1.5);
}

static double full(struct client *c, int i)
{
    return at_random(c, 0, doubling(i, 30));
}

static double equal(struct client *c, int i)
{
    return doubling(i, 30) * at_random(c, 0.5, 1);
}

static double decorrelated(struct client *c, int i)
{
    return fmin(30, at_random(c, 1, 3 * (i == 0 ? 1 : c->previous)));
}

static double grpc(struct client *c, int i)
{
    return fmin(120, pow(1.6, i)) * at_random(c, 0.8, 1.2);
}

static double tenth(struct client *c, int i)
{
    return doubling(i, 30) * at_random(c, 0.9, 1.1);
}

static double python_websockets(struct client *c, int i)
{
    return i == 0 ? at_random(c, 0, 5) : fmin(90, 3.1 * pow(1.618, i - 1));
}

static double firefox(struct client *c, int i)
{
    return fmin(60, (0.2 + 0.2 * c->own) * pow(1.5, i));
}

static double reconnecting_websocket(struct client *c, int i)
{
    return fmin(10, (1 + 4 * c->own) * pow(1.3, i));
}

static double socket_io(struct client *c, int i)
{
    return fmin(5, pow(2, i) * at_random(c, 0.5, 1.5));
}

static double signalr(struct client *c, int i)
{
    static const double table[] = {0, 2, 10};
    return i < 3 ? table[i] : 30;
}

static double phoenix(struct client *c, int i)
{
    static const double table[] = {0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2};
    return i < 9 ? table[i] : 5;
}

static double graphql_ws(struct client *c, int i)
{
    return pow(2, i) + at_random(c, 0.3, 3);
}

static double centrifuge(struct client *c, int i)
{
    return fmin(20, 0.5 + at_random(c, 0, fmin(20, 0.5 * pow(2, i))));
}

static double google(struct client *c, int i)
{
    return doubling(i, 30) + at_random(c, -0.25, 0.25);
}

/* Which verdict would be wrong. */
enum wrong { NEITHER_IS, PASS_IS, FAIL_IS };

struct schedule {
    const char *name;
    double (*delay)(struct client *, int i);
    enum wrong wrong[QUESTIONS]; /* growth, shape, jitter, cap, storm */
    bool same_seed;
};

static const struct schedule schedules[] = {
    {"none", none, {PASS_IS, PASS_IS, PASS_IS, FAIL_IS, PASS_IS}, false},
    {"constant 1 s", constant, {PASS_IS, PASS_IS, PASS_IS, FAIL_IS, PASS_IS}, false},
    {"constant 5 s", constant_5, {PASS_IS, PASS_IS, PASS_IS, FAIL_IS, PASS_IS}, false},
    {"constant x0.5-1.5", constant_half, {PASS_IS, PASS_IS, FAIL_IS, FAIL_IS, FAIL_IS}, false},
    {"constant x0-2", constant_full, {PASS_IS, PASS_IS, FAIL_IS, FAIL_IS, FAIL_IS}, false},
    {"linear", linear, {FAIL_IS, PASS_IS, PASS_IS, PASS_IS, PASS_IS}, false},
    {"linear to 5 s", linear_5, {FAIL_IS, PASS_IS, PASS_IS, FAIL_IS, PASS_IS}, false},
    {"linear x0.5-1.5", linear_half, {FAIL_IS, PASS_IS, FAIL_IS, PASS_IS, FAIL_IS}, false},
    {"exponential", exponential, {FAIL_IS, FAIL_IS, PASS_IS, FAIL_IS, PASS_IS}, false},
    {"exponential, no cap", uncapped, {FAIL_IS, FAIL_IS, PASS_IS, PASS_IS, PASS_IS}, false},
    {"required x0.5-1.5", required, {FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS}, false},
    {"required, one seed", required, {FAIL_IS, FAIL_IS, PASS_IS, FAIL_IS, PASS_IS}, true},
    {"full jitter", full, {FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS}, false},
    {"equal jitter", equal, {FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS}, false},
    {"decorrelated", decorrelated, {FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS}, false},
    {"gRPC 1.6 +-20 %", grpc, {FAIL_IS, FAIL_IS, FAIL_IS, PASS_IS, FAIL_IS}, false},
    {"exponential +-10 %", tenth, {FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS}, false},
    {"python-websockets",
     python_websockets,
     {FAIL_IS, FAIL_IS, NEITHER_IS, PASS_IS, FAIL_IS},
     false},
    {"Firefox", firefox, {FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS, FAIL_IS}, false},
    {"reconnecting-websocket",
     reconnecting_websocket,
     {FAIL_IS, NEITHER_IS, FAIL_IS, FAIL_IS, FAIL_IS},
     false},
    {"socket.io", socket_io, {FAIL_IS, NEITHER_IS, NEITHER_IS, FAIL_IS, FAIL_IS}, false},
    {"SignalR", signalr, {FAIL_IS, NEITHER_IS, PASS_IS, FAIL_IS, PASS_IS}, false},
    {"Phoenix", phoenix, {NEITHER_IS, NEITHER_IS, PASS_IS, FAIL_IS, PASS_IS}, false},
    {"graphql-ws", graphql_ws, {FAIL_IS, NEITHER_IS, FAIL_IS, PASS_IS, FAIL_IS}, false},
    {"centrifuge-js", centrifuge, {FAIL_IS, NEITHER_IS, FAIL_IS, FAIL_IS, FAIL_IS}, false},
    {"exponential +-0.25 s", google, {FAIL_IS, FAIL_IS, NEITHER_IS, FAIL_IS, FAIL_IS}, false},
};

/* --- One cell: a host, a schedule, so many clients and retries --- */

struct shares {
    double wrong_pass, wrong_fail, undecided;
};

struct cell {
    struct shares raw[QUESTIONS], gated[QUESTIONS];
};

struct size {
    int clients, retries;
};

static void draw(const struct host *host, const struct schedule *schedule, struct size size,
                 struct rng *rng, double rows[][BACKOFF_DELAYS_LIMIT])
{
    struct rng seed = *rng, own;
    rng_init(&seed, rng_next(rng), "one seed", 0);
    for (int k = 0; k < size.clients; k++) {
        own = seed;
        struct client client = {.rng = schedule->same_seed ? &own : rng, .own = rng_unit(rng)};
        for (int i = 0; i < size.retries; i++) {
            client.previous = schedule->delay(&client, i);
            rows[k][i] = fmax(0.001, host->scale * client.previous + lateness(host, rng));
        }
    }
}

static void count(struct shares *shares, enum raw_verdict verdict, enum wrong wrong, double weight)
{
    if (verdict == RAW_INCONCLUSIVE)
        shares->undecided += weight;
    else if (verdict == RAW_PASS && wrong == PASS_IS)
        shares->wrong_pass += weight;
    else if (verdict == RAW_FAIL && wrong == FAIL_IS)
        shares->wrong_fail += weight;
}

static void judge(const struct host *host, const struct schedule *schedule, struct size size,
                  double rows[][BACKOFF_DELAYS_LIMIT], double weight, struct cell *cell)
{
    struct backoff_policy policy = {1 * host->scale, 2, 30 * host->scale, 0.5, host->eps};
    struct backoff_client clients[BACKOFF_CLIENTS_LIMIT];
    struct backoff raw;
    struct backoff_gate gate;
    for (int k = 0; k < size.clients; k++)
        clients[k] = (struct backoff_client){.delays = rows[k], .count = (size_t)size.retries};
    backoff_estimate(clients, (size_t)size.clients, &policy, &raw);
    backoff_gate(&raw, &policy, &gate);
    enum raw_verdict before[] = {raw.growth, raw.shape, raw.jitter, raw.cap, raw.storm};
    enum raw_verdict after[] = {gate.growth.verdict, gate.shape.verdict, gate.jitter.verdict,
                                gate.cap.verdict, gate.storm.verdict};
    for (int q = 0; q < QUESTIONS; q++) {
        count(&cell->raw[q], before[q], schedule->wrong[q], weight);
        count(&cell->gated[q], after[q], schedule->wrong[q], weight);
    }
}

static struct cell run_cell(const struct host *host, const struct schedule *schedule,
                            struct size size, int runs, uint64_t seed)
{
    double rows[BACKOFF_CLIENTS_LIMIT][BACKOFF_DELAYS_LIMIT];
    struct cell cell = {0};
    struct rng rng;
    rng_init(&rng, seed, schedule->name, (uint64_t)(size.clients * 100 + size.retries));
    for (int run = 0; run < runs; run++) {
        draw(host, schedule, size, &rng, rows);
        judge(host, schedule, size, rows, 100.0 / runs, &cell);
    }
    return cell;
}

/* --- Tables --- */

static const char *const questions[QUESTIONS] = {"growth", "shape", "jitter", "cap", "storm"};
static const int client_counts[] = {1, 2, 3, 5, 10};

/* The worst of all schedules. */
static void take_worst(struct shares *worst, const struct shares *shares)
{
    worst->wrong_pass = fmax(worst->wrong_pass, shares->wrong_pass);
    worst->wrong_fail = fmax(worst->wrong_fail, shares->wrong_fail);
}

static void print_wrong_row(const struct host *host, struct size size, int runs, uint64_t seed)
{
    struct cell worst = {0};
    for (size_t s = 0; s < LENGTH(schedules); s++) {
        struct cell cell = run_cell(host, &schedules[s], size, runs, seed);
        for (int q = 0; q < QUESTIONS; q++) {
            take_worst(&worst.raw[q], &cell.raw[q]);
            take_worst(&worst.gated[q], &cell.gated[q]);
        }
    }
    printf("| %s | %d | %d |", host->name, size.clients, size.retries);
    for (int q = 0; q < QUESTIONS; q++)
        printf(" %.2f/%.2f → %.2f/%.2f |", worst.raw[q].wrong_pass, worst.raw[q].wrong_fail,
               worst.gated[q].wrong_pass, worst.gated[q].wrong_fail);
    printf("\n");
    fflush(stdout);
}

static void print_head(const char *columns)
{
    printf("\n| %s |", columns);
    for (int q = 0; q < QUESTIONS; q++)
        printf(" %s |", questions[q]);
    printf("\n|");
    int bars = 1;
    for (const char *at = columns; *at; at++)
        bars += *at == '|';
    for (int i = 0; i < bars + QUESTIONS; i++)
        printf("---|");
    printf("\n");
}

static void print_wrong(int runs, uint64_t seed)
{
    printf(
        "## Wrong verdicts\n\nThe worst of %zu schedules, wrong passes/wrong failures in %%, raw → gated; "
        "%d outages per schedule and row.\n",
        LENGTH(schedules), runs);
    print_head("host | clients | retries");
    for (size_t h = 0; h < LENGTH(hosts); h++)
        for (size_t k = 0; k < LENGTH(client_counts); k++)
            for (int n = 4; n <= 8; n++)
                print_wrong_row(&hosts[h], (struct size){client_counts[k], n}, runs, seed);
}

static void print_undecided(const struct host *host, struct size size, int runs, uint64_t seed)
{
    printf("\n### %s host, %d client%s, %d retries\n", host->name, size.clients,
           size.clients == 1 ? "" : "s", size.retries);
    print_head("schedule");
    for (size_t s = 0; s < LENGTH(schedules); s++) {
        struct cell cell = run_cell(host, &schedules[s], size, runs, seed);
        printf("| %s |", schedules[s].name);
        for (int q = 0; q < QUESTIONS; q++)
            printf(" %.1f → %.1f |", cell.raw[q].undecided, cell.gated[q].undecided);
        printf("\n");
    }
}

static void print_cell(const struct host *host, struct size size, int runs, uint64_t seed)
{
    print_head("schedule");
    for (size_t s = 0; s < LENGTH(schedules); s++) {
        struct cell cell = run_cell(host, &schedules[s], size, runs, seed);
        printf("| %s |", schedules[s].name);
        for (int q = 0; q < QUESTIONS; q++)
            printf(" %.2f/%.2f → %.2f/%.2f/%.0f |", cell.raw[q].wrong_pass, cell.raw[q].wrong_fail,
                   cell.gated[q].wrong_pass, cell.gated[q].wrong_fail, cell.gated[q].undecided);
        printf("\n");
    }
}

static const struct host *host_by_name(const char *name)
{
    for (size_t h = 0; h < LENGTH(hosts); h++)
        if (strcmp(hosts[h].name, name) == 0)
            return &hosts[h];
    return &hosts[0];
}

int main(int argc, char **argv)
{
    int runs = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (argc > 5) {
        struct size size = {(int)strtol(argv[4], NULL, 10), (int)strtol(argv[5], NULL, 10)};
        print_cell(host_by_name(argv[3]), size, runs, seed);
        return 0;
    }
    print_wrong(runs, seed);
    printf("\n## Undecided\n\nShare of outages left undecided in %%, raw → gated.\n");
    print_undecided(&hosts[0], (struct size){10, 8}, runs, seed);
    print_undecided(&hosts[0], (struct size){5, 7}, runs, seed);
    print_undecided(&hosts[0], (struct size){3, 6}, runs, seed);
    print_undecided(&hosts[0], (struct size){1, 8}, runs, seed);
    print_undecided(&hosts[1], (struct size){10, 8}, runs, seed);
    return 0;
}
