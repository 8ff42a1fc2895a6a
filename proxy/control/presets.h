/* The intermediaries that come along, read from their files. */
#ifndef HALFOPEN_CONTROL_PRESETS_H
#define HALFOPEN_CONTROL_PRESETS_H

#include "control/catalogue.h"
#include "scenario/preset.h"

struct presets {
    struct preset **list; /* by name */
    size_t count;
};

/* Those that can be read; a broken file is the business of `validate`. */
void presets_open(struct presets *);
void presets_close(struct presets *);
/* As a user would write it; "unknown"; the fault's default when the file is silent. */
const char *preset_value(const struct preset *, const char *param);

#endif
