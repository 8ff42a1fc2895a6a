/* The reference pages in docs/, written from the descriptors; scripts/docs.sh keeps them fresh. */
#ifndef HALFOPEN_CONTROL_DOCS_H
#define HALFOPEN_CONTROL_DOCS_H

#include "base/text.h"

void docs_faults(struct text *);
void docs_intermediaries(struct text *);
void docs_rules(struct text *);

#endif
