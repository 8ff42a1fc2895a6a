/* A scenario played by the reference client: its trace and what is said of it. */
#ifndef HALFOPEN_TESTS_SIM_SHOW_H
#define HALFOPEN_TESTS_SIM_SHOW_H

#include "tests/sim/world.h"

struct show {
    struct trace *trace;
    struct scenario_result result;
};

struct show show_of(const char *yaml);
void show_end(struct show *);

#endif
