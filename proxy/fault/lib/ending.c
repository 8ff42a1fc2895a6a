#include "fault/lib/ending.h"

const char *const ending_words[] = {"fin", "rst", "silent", NULL};

const enum cut ending_cuts[ENDINGS] = {CUT_CLOSE, CUT_RST, CUT_SILENT};
