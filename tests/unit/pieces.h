/* What check.c and spread.c share: checks that were made are kept until they are counted. */
#ifndef HALFOPEN_TESTS_UNIT_PIECES_H
#define HALFOPEN_TESTS_UNIT_PIECES_H

#include <stdbool.h>

#include "tests/spread.h"

struct failure {
    const char *file, *message;
    int line;
};

struct checks {
    size_t passed;
    struct text failures; /* of each: file, line in digits, message, each with its NUL */
};

void checks_fini(struct checks *);
/* From here on checks are made for these (borrowed); returns those before. */
struct checks *checks_make(struct checks *);
void checks_fail(struct checks *, const char *file, int line, const char *message);
/* Counts them among those that are made now. */
void checks_count(const struct checks *);
/* The failure at *at, which moves on behind it; false: that was the last. */
bool checks_failure(const struct checks *, size_t *at, struct failure *);

/* What became of a piece. Times are in seconds; work: processor time, of its own pieces too. */
struct piece {
    struct checks checks;
    struct text out;
    double took, work;
};

void piece_fini(struct piece *);
double wall_time(void);
/* As spread, but nothing is counted yet. pieces: zeroed. */
void pieces_work(size_t count, void (*work)(void *context, size_t piece, struct text *out),
                 void *context, struct piece *pieces);

#endif
