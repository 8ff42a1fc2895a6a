/* --durations: how long each scenario took, the slowest first, beside what was estimated. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "reports/results.h"

#define HEADING       "slowest first"
#define HEADING_WIDTH ((int)sizeof HEADING - 1)

/* The slower first; as they ran where that is equal. */
static int slower_first(const void *a, const void *b)
{
    const struct scenario_result *one = *(const struct scenario_result *const *)a;
    const struct scenario_result *other = *(const struct scenario_result *const *)b;
    if (one->wall_s != other->wall_s)
        return one->wall_s > other->wall_s ? -1 : 1;
    return one < other ? -1 : one > other;
}

static char *name_of(const struct scenario_result *scenario)
{
    return scenario->subject ? xprintf("%s: %s", scenario->subject, scenario->name)
                             : xstrdup(scenario->name);
}

static int name_width(const struct scenario_result *const *list, size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        char *name = name_of(list[i]);
        width = strlen(name) > width ? strlen(name) : width;
        free(name);
    }
    return (int)width;
}

void report_durations(const struct results *results, struct text *out)
{
    const struct scenario_result **list = xcalloc(results->scenario_count + 1, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < results->scenario_count; i++)
        if (results->scenarios[i].wall_s > 0) /* else it never began */
            list[count++] = &results->scenarios[i];
    if (count > 0)
        qsort(list, count, sizeof *list, slower_first);
    int width = name_width(list, count);
    width = width > HEADING_WIDTH ? width : HEADING_WIDTH;
    text_addf(out, "\n  %-*s       took   estimated\n", width, HEADING);
    for (size_t i = 0; i < count; i++) {
        char *name = name_of(list[i]);
        text_addf(out, "  %-*s  %7.1f s   %7.1f s%s\n", width, name, list[i]->wall_s,
                  list[i]->estimate_s, list[i]->repeated ? "   ran twice" : "");
        free(name);
    }
    free(list);
}
