/* Which frames count as a ping or pong for delay_pong, drop_pong and drop_ping. */
#ifndef HALFOPEN_FAULT_LIB_PONG_H
#define HALFOPEN_FAULT_LIB_PONG_H

#include "fault/fault.h"

#define PONG_WHOLE_BYTES 4096 /* application pongs are recognised up to this size */

enum pong_kind { PONG_PROTOCOL, PONG_APPLICATION, PONG_ANY };

extern const char *const pong_kinds[]; /* for a CHOICE parameter, in the order of the enum */

bool ping_counts(const struct unit *, int kind);
bool pong_counts(const struct unit *, int kind);

#endif
