/* Golden files: what came out is compared with what is kept; GOLDEN=1 in the environment (`make
 * golden`) keeps what came out instead, and the difference is reviewed like any other. */
#ifndef HALFOPEN_TESTS_SIM_GOLDEN_H
#define HALFOPEN_TESTS_SIM_GOLDEN_H

#include "base/text.h"

/* A check that says the first line that differs. */
void golden_check(const char *path, const struct text *got);

/* A folder of golden files, each checked by its name. What else lies there when all are checked,
 * left by what is gone, is a failure, and removed by `make golden`. */
struct golden_folder {
    const char *path;  /* borrowed */
    struct text names; /* checked so far, each between slashes */
};

void golden_folder_init(struct golden_folder *, const char *path);
void golden_folder_check(struct golden_folder *, const char *name, const struct text *got);
void golden_folder_fini(struct golden_folder *); /* checks that nothing else is there */

#endif
