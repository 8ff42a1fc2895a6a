/* For faults on a connection of ours: which one a direction names. */
#ifndef HALFOPEN_FAULT_LIB_LEGS_H
#define HALFOPEN_FAULT_LIB_LEGS_H

#include "fault/fault.h"

static inline enum side leg_side(enum dir d)
{
    return d == TO_CLIENT ? SIDE_CLIENT : SIDE_SERVER;
}

#endif
