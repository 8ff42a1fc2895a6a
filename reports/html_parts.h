/* What the pieces of the HTML report share. */
#ifndef HALFOPEN_REPORTS_HTML_PARTS_H
#define HALFOPEN_REPORTS_HTML_PARTS_H

#include "base/text.h"
#include "reports/results.h"
#include "trace/trace.h"

extern const char html_style[]; /* the style sheet */

/* Text into HTML: <>&"' escaped, control bytes and broken UTF-8 replaced. NULL adds nothing. */
void html_add(struct text *, const char *);
/* An inline picture of a run: a lane per client, fault windows shaded, steps along the top. */
void html_timeline(const struct trace *, struct text *);
/* The cited events and a few around them, as a table. */
void html_events(const struct trace *, uint64_t from, uint64_t to, struct text *);

#endif
