#include "control/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

#define NAME_WIDTH_LIMIT 48

struct table {
    bool live, quiet;
    int name_width;
    size_t drawn; /* moving rows on the screen */
};

struct table *table_new(const char *heading, size_t name_width, bool quiet)
{
    struct table *table = xcalloc(1, sizeof *table);
    const char *terminal = getenv("TERM");
    table->quiet = quiet;
    table->name_width = (int)(name_width < NAME_WIDTH_LIMIT ? name_width : NAME_WIDTH_LIMIT);
    table->live = !quiet && isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
    if (!quiet) {
        printf("%s\n\n", heading);
        fflush(stdout);
    }
    return table;
}

static void erase(struct table *table)
{
    for (; table->drawn > 0; table->drawn--)
        fputs("\x1b[1A\x1b[2K", stdout);
}

void table_free(struct table *table)
{
    erase(table);
    fflush(stdout);
    free(table);
}

bool table_is_live(const struct table *table)
{
    return table->live;
}

void table_draw(struct table *table, const char *const *rows, size_t count)
{
    if (!table->live)
        return;
    erase(table);
    for (size_t i = 0; i < count; i++)
        printf("%s\n", rows[i]);
    table->drawn = count;
    fflush(stdout);
}

void table_say(struct table *table, const char *line)
{
    if (table->quiet)
        return;
    erase(table);
    printf("%s\n", line);
    fflush(stdout);
}

/* --- Rows --- */

char *table_name(const struct table_row *row)
{
    return row->subject ? xprintf("%s: %s", row->subject, row->name) : xstrdup(row->name);
}

void table_add_start(const struct table *table, const struct table_row *row, struct text *out)
{
    char *name = table_name(row);
    text_addf(out, "  %-*s  %2u client%s %5.0f s in %4.0f s   ", table->name_width, name,
              row->clients, row->clients == 1 ? " " : "s", nsec_to_seconds(row->duration),
              row->wall_s);
    free(name);
}

/* Its failures, when somebody answers for each of them: accepted, or known. NULL: one counts. */
static const char *excuse_of(const struct scenario_result *result)
{
    const char *word = "accepted";
    for (size_t i = 0; i < result->rule_count; i++) {
        const struct rule_result *rule = &result->rules[i];
        if (rule->verdict != FAIL)
            continue;
        if (!rule_is_excused(rule))
            return NULL;
        word = rule->accepted ? word : "known";
    }
    return word;
}

static const char *word_of(const struct scenario_result *result)
{
    if (result->trouble)
        return "ERROR";
    if (result->interrupted)
        return "cut short";
    switch (result->verdict) {
    case FAIL:
        return excuse_of(result) ? excuse_of(result) : "FAILED";
    case WARN:
        return "warn";
    case PASS:
        return "ok";
    case INCONCLUSIVE:
        return "undecided";
    case NOT_TESTED:
        return "not tested";
    case NOT_APPLICABLE:
        return "n/a";
    }
    return "";
}

static size_t count_of(const struct scenario_result *result, enum verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < result->rule_count; i++)
        count += result->rules[i].verdict == verdict;
    return count;
}

/* The sentence of the rule that decided, or how many failed. */
static void add_gist(struct text *out, const struct scenario_result *result)
{
    size_t failed = count_of(result, FAIL);
    if (result->trouble) {
        text_addf(out, "%.*s", (int)strcspn(result->trouble, "\n"), result->trouble);
        return;
    }
    if (failed > 0) {
        text_addf(out, "%zu of %zu rules", failed, result->rule_count);
        if (result->repeated)
            text_addf(out, "; ran again, seed %llu: %s", (unsigned long long)result->second_seed,
                      result->confirmed ? "failed again" : "not repeatable");
        return;
    }
    for (size_t i = 0; i < result->rule_count; i++)
        if (result->rules[i].verdict == result->verdict) {
            text_add(out, result->rules[i].summary);
            break;
        }
}

void table_done(struct table *table, const struct scenario_result *result)
{
    struct text line;
    if (table->quiet)
        return;
    const struct table_row row = {result->name, result->subject, result->clients, result->duration,
                                  result->wall_s};
    text_init(&line);
    table_add_start(table, &row, &line);
    text_addf(&line, "%-10s ", word_of(result));
    add_gist(&line, result);
    table_say(table, text_chars(&line));
    text_fini(&line);
}

bool table_is_quiet(const struct table *table)
{
    return table->quiet;
}
