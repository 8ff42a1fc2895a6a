/* From a command line of `run` to everything a run needs. */
#ifndef HALFOPEN_CONTROL_RUN_SETUP_H
#define HALFOPEN_CONTROL_RUN_SETUP_H

#include "control/baseline.h"
#include "control/options.h"
#include "control/selection.h"
#include "control/session_setup.h"
#include "net/wall.h"

struct run_options_given {
    const char *client, *server, *server_cmd, *target, *suite, *profile, *report, *baseline, *shard,
        *format, *flaw;
    uint64_t clients, seed, jobs;
    double speed;
    nsec timeout;
    struct option_words only;
    bool last_failed, durations;
    bool strict, quiet, json, dry_run, self_test, tls, insecure;
};

/* Everything a run needs, gathered before anything starts. */
struct run_setup {
    struct run_options_given given;
    struct option_words rest;
    struct target *target;
    struct profile *profile;
    struct subject subject;
    struct paths paths;
    struct plans plans;
    struct runner_task *tasks;
    char *data, *system, *suite;
    struct earlier *baseline, *last;
    struct shard shard;
    char today[WALL_DATE_SIZE];
};

/* Reads files and decides what runs, from given, rest and shard. false: what is wrong is in diag.
 */
bool run_setup_gather(struct run_setup *, struct diag *);
void run_setup_release(struct run_setup *);

#endif
