/* What `run` and `demo` share: from names and files to plans, subject and results, and the reports
 * at the end. */
#ifndef HALFOPEN_CONTROL_SESSION_SETUP_H
#define HALFOPEN_CONTROL_SESSION_SETUP_H

#include "control/options.h"
#include "control/runner.h"
#include "scenario/find.h"
#include "scenario/profile.h"
#include "scenario/target.h"

struct plans {
    struct plan **list;
    size_t count;
};

void plans_fini(struct plans *);
/* Loads every file, for so many clients, 0: as it says; problems are said in diag, and then there
 * are none. */
bool plans_load(const struct paths *, unsigned clients, struct plans *, struct diag *);

/* Puts fallbacks in the place of what this machine does not allow. */
void plans_fall_back(struct plans *);
/* A fault that breaks TLS where there is none is an error. */
void setup_check_tls(const struct plan *, bool client_tls, bool server_tls, struct diag *);

/* Steps that ask for what is not there: a server that was not started here, a host that the target
 * file does not name, a person (by hand: somebody is to answer on the terminal). */
void setup_check_errands(const struct plan *, const struct subject *, bool by_hand, struct diag *);

/* Writes all reports and prints what a person sees. Returns the exit code of the results, or
 * EXIT_ENVIRONMENT when a report could not be written. */
int setup_report(const struct results *, const char *folder, bool json, bool quiet);

/* "halfopen 0.1.0  trading-web@4f2c1d0  core (9 rules)  speed 10  about 25 s"; the caller frees. */
char *setup_heading(const struct runner_config *, const char *system, const char *suite);

/* The empty subject: the reference endpoints against each other, default policy. */
void subject_init(struct subject *);
void subject_fini(struct subject *);
/* Each value of its policy with its origin, as run.start has it. The caller frees. */
char *subject_policy(const struct subject *);
/* Fills declared. target: NULL: there is no file. */
void subject_declare(struct subject *, const struct target *);
/* One of its command lines or URLs as reports may show it; NULL: NULL. The caller frees. */
char *subject_shown(const struct subject *, const char *written);

#endif
