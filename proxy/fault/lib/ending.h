/* How a fault ends a connection for both endpoints, as a parameter. */
#ifndef HALFOPEN_FAULT_LIB_ENDING_H
#define HALFOPEN_FAULT_LIB_ENDING_H

#include "fault/fault.h"

enum ending { ENDING_FIN, ENDING_RST, ENDING_SILENT, ENDINGS };

extern const char *const ending_words[]; /* for a CHOICE parameter: "fin", "rst", "silent" */
/* fin is close(2): what is sent later is met by an RST. */
extern const enum cut ending_cuts[ENDINGS];

#endif
