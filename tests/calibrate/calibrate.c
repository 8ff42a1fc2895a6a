/* How often the verdicts on reconnect schedules are wrong: the tables of docs/calibration.md.
 *     calibrate RUNS SEED                         all tables; runs per schedule and row
 *     calibrate RUNS SEED head|HOST|undecided     a part of them, to be made side by side
 *     calibrate RUNS SEED HOST CLIENTS RETRIES    one row, every schedule in full */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/calibrate/schedules.h"

static const char *const questions[QUESTIONS] = {"growth", "factor", "shape", "jitter",
                                                 "cap",    "storm",  "note"};
static const size_t client_counts[] = {1, 2, 3, 5, 10};

#define LENGTH(x) (sizeof(x) / sizeof *(x))

static double percent(size_t count, size_t runs)
{
    return 100.0 * (double)count / (double)runs;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
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

/* Wrong passes and failures are counted apart for each schedule; the worse of all is what matters.
 */
static void print_worst(const char *host, size_t clients, const char *retries,
                        const struct tally *raw, const struct tally *gated, size_t runs)
{
    printf("| %s | %zu | %s |", host, clients, retries);
    for (int q = 0; q < QUESTIONS; q++)
        printf(" %.1f → %.2f |", percent(larger(raw[q].wrong_pass, raw[q].wrong_fail), runs),
               percent(larger(gated[q].wrong_pass, gated[q].wrong_fail), runs));
    printf("\n");
    fflush(stdout);
}

static void keep_worse(struct tally *worst, const struct tally *tally)
{
    worst->wrong_pass = larger(worst->wrong_pass, tally->wrong_pass);
    worst->wrong_fail = larger(worst->wrong_fail, tally->wrong_fail);
}

/* The worst of two numbers of retries: first and the one after. */
static void print_row(const struct host *host, size_t clients, size_t first, size_t runs,
                      uint64_t seed)
{
    struct tally raw[QUESTIONS] = {{0}}, gated[QUESTIONS] = {{0}};
    char retries[48];
    for (size_t s = 0; s < 2 * schedules_count; s++) {
        struct size size = {clients, first + s % 2};
        struct trial trial;
        schedule_try(&schedules[s / 2], host, size, runs, seed, &trial);
        for (int q = 0; q < QUESTIONS; q++) {
            keep_worse(&raw[q], &trial.raw[q]);
            keep_worse(&gated[q], &trial.gated[q]);
        }
    }
    (void)snprintf(retries, sizeof retries, "%zu, %zu", first, first + 1);
    print_worst(host->name, clients, retries, raw, gated, runs);
}

static void print_wrong_head(size_t runs, uint64_t seed)
{
    printf("## Wrong verdicts\n\nThe share of outages with a wrong verdict in %%, raw → gated: the "
           "worst of %zu schedules and two numbers of retries,\npasses and failures apart. %zu "
           "outages for each, seed %llu.\n",
           schedules_count, runs, (unsigned long long)seed);
    print_head("host | clients | retries");
}

static void print_wrong_on(const struct host *host, size_t runs, uint64_t seed)
{
    for (size_t k = 0; k < LENGTH(client_counts); k++)
        for (size_t n = 4; n <= 8; n += 2)
            print_row(host, client_counts[k], n, runs, seed);
}

static void print_undecided(size_t runs, uint64_t seed)
{
    static const struct size sizes[] = {{10, 8}, {3, 6}, {1, 8}};
    printf(
        "\n## Undecided\n\nThe share of outages left undecided after the gate in %% on the quiet "
        "host, with 10 clients and 8 retries / 3 and 6 / 1 and 8.\n");
    print_head("schedule");
    for (size_t s = 0; s < schedules_count; s++) {
        struct trial trials[LENGTH(sizes)];
        for (size_t i = 0; i < LENGTH(sizes); i++)
            schedule_try(&schedules[s], &hosts[0], sizes[i], runs, seed, &trials[i]);
        printf("| %s |", schedules[s].name);
        for (int q = 0; q < NOTE; q++)
            printf(" %.0f/%.0f/%.0f |", percent(trials[0].gated[q].undecided, runs),
                   percent(trials[1].gated[q].undecided, runs),
                   percent(trials[2].gated[q].undecided, runs));
        printf(" |\n");
    }
}

/* For tuning: who is wrongly passed or failed, and how often. */
static void print_cell(const struct host *host, struct size size, size_t runs, uint64_t seed)
{
    print_head("schedule");
    for (size_t s = 0; s < schedules_count; s++) {
        struct trial trial;
        schedule_try(&schedules[s], host, size, runs, seed, &trial);
        printf("| %s |", schedules[s].name);
        for (int q = 0; q < QUESTIONS; q++)
            printf(" %.2f/%.2f → %.2f/%.2f/%.0f |", percent(trial.raw[q].wrong_pass, runs),
                   percent(trial.raw[q].wrong_fail, runs), percent(trial.gated[q].wrong_pass, runs),
                   percent(trial.gated[q].wrong_fail, runs),
                   percent(trial.gated[q].undecided, runs));
        printf("\n");
    }
}

static const struct host *host_by_name(const char *name)
{
    for (size_t h = 0; h < hosts_count; h++)
        if (strcmp(hosts[h].name, name) == 0)
            return &hosts[h];
    return &hosts[0];
}

static void print_all(size_t runs, uint64_t seed)
{
    print_wrong_head(runs, seed);
    for (size_t h = 0; h < hosts_count; h++)
        print_wrong_on(&hosts[h], runs, seed);
    print_undecided(runs, seed);
}

static void print_part(const char *part, size_t runs, uint64_t seed)
{
    if (strcmp(part, "head") == 0)
        print_wrong_head(runs, seed);
    else if (strcmp(part, "undecided") == 0)
        print_undecided(runs, seed);
    else
        print_wrong_on(host_by_name(part), runs, seed);
}

int main(int argc, char **argv)
{
    size_t runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (argc > 5) {
        struct size size = {strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10)};
        print_cell(host_by_name(argv[3]), size, runs, seed);
    } else if (argc > 3) {
        print_part(argv[3], runs, seed);
    } else {
        print_all(runs, seed);
    }
    return 0;
}
