/* halfopen explain NAME: a rule, a fault, a step, a flaw, an intermediary, a profile, a suite, a
 * scenario or the exit codes, in full. */
#include <stdio.h>
#include <stdlib.h>

#include "control/catalogue.h"
#include "control/commands.h"

static const struct option options[] = {{0}};

static int explain(const char *name)
{
    struct text out;
    char *near = NULL;
    text_init(&out);
    bool known = catalogue_explain(name, &out, &near);
    if (known)
        fputs(text_chars(&out), stdout);
    else if (near)
        fprintf(stderr, "halfopen: nothing is called '%s'; did you mean '%s'?\n", name, near);
    else
        fprintf(stderr,
                "halfopen: nothing is called '%s' (halfopen list rules, faults, scenarios, suites, "
                "profiles, intermediaries, flaws)\n",
                name);
    text_fini(&out);
    free(near);
    return known ? EXIT_COMPLIED : EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    struct option_words rest = {0};
    struct diag *diag = diag_new();
    int code = EXIT_USAGE;
    options_parse(&explain_command, argc, argv, NULL, &rest, diag);
    if (rest.count != 1)
        diag_error(diag, (struct place){0},
                   "explain takes one name, as in: halfopen explain reconnect.jitter");
    if (diag_errors(diag) > 0)
        code = command_usage_error(&explain_command, diag);
    else
        code = explain(rest.list[0]);
    diag_free(diag);
    return code;
}

const struct command explain_command = {
    .name = "explain",
    .usage = "explain NAME",
    .brief = "a rule, fault, flaw, intermediary, profile, suite or scenario, or `exit`, in full",
    .options = options,
    .run = run,
};
