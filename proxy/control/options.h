/* Command lines from a table: parsing, help and "did you mean" are derived from it. */
#ifndef HALFOPEN_CONTROL_OPTIONS_H
#define HALFOPEN_CONTROL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/nsec.h"

#define OPTIONS_WORDS_LIMIT 256

enum option_type {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_WORDS,
    OPTION_COUNT,    /* from 0 */
    OPTION_POSITIVE, /* from 1 */
    OPTION_REAL,
    OPTION_DURATION,
    OPTION_LATER /* known, and no part of this version: refused; has no place in the struct */
};

/* Given several times, WORDS collects; the others take the last. */
struct option_words {
    const char *list[OPTIONS_WORDS_LIMIT];
    size_t count;
};

struct option {
    const char *name;        /* without the dashes */
    enum option_type type;   /* bool, const char *, struct option_words, uint64_t, double, nsec */
    size_t offset;           /* into the struct the command keeps its options in */
    const char *placeholder; /* "N", "DIR"; NULL for flags */
    const char *doc;         /* one line */
};

struct param;

struct command {
    const char *name, *usage, *brief;
    const struct option *options; /* a NULL name ends them */
    const struct param *params;   /* further ones of a built-in endpoint, for the help; or NULL */
    int (*run)(int argc, char **argv);
};

/* Fills the struct; words that are no options go to rest. --name value and --name=value; "--" ends
 * the options. Everything wrong is said in diag. argv is borrowed for ever (it is the process's
 * own). */
bool options_parse(const struct command *, int argc, char **argv, void *into,
                   struct option_words *rest, struct diag *);
void options_help(const struct command *, FILE *);
/* true when --help or -h is among them: the help was printed. */
bool options_asked_for_help(const struct command *, int argc, char **argv);

#endif
