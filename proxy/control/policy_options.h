/* The parameters of a built-in endpoint as options: --ping 10s, --rate 1MiB/s. */
#ifndef HALFOPEN_CONTROL_POLICY_OPTIONS_H
#define HALFOPEN_CONTROL_POLICY_OPTIONS_H

#include "base/diag.h"
#include "base/param.h"
#include "endpoint/endpoint_policy.h"

/* Sets what it finds and takes it out of argv, which it reorders. Returns how many words are
 * left. */
int policy_options_take(const struct param *, void *config, int argc, char **argv, struct diag *);
void policy_options_help(const struct param *, FILE *);

/* Changes the policy as the flaw of that name says; there being none is an error. */
void policy_options_flaw(const char *name, struct client_policy *, struct diag *);

#endif
