/* Golden files: what came out is compared with what is kept; GOLDEN=1 in the environment (`make
 * golden`) keeps what came out instead, and the difference is reviewed like any other. */
#ifndef HALFOPEN_TESTS_SIM_GOLDEN_H
#define HALFOPEN_TESTS_SIM_GOLDEN_H

#include "base/text.h"

/* A check that says the first line that differs. */
void golden_check(const char *path, const struct text *got);

#endif
