#include "base/diag.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct problem {
    struct place place;
    bool is_error;
    char *sentence;
    char *hints;     /* lines, each ended; NULL: none */
    int order, rank; /* the text's: as typed, then files by name */
};

struct source {
    struct source *next;
    char *file, *text;
    bool typed; /* on the command line */
};

struct diag {
    struct problem *problems;
    int count, errors;
    struct source *sources;
};

struct diag *diag_new(void)
{
    return xcalloc(1, sizeof(struct diag));
}

void diag_free(struct diag *diag)
{
    if (!diag)
        return;
    for (int i = 0; i < diag->count; i++) {
        free((char *)diag->problems[i].place.file); /* our copy */
        free(diag->problems[i].sentence);
        free(diag->problems[i].hints);
    }
    while (diag->sources) {
        struct source *next = diag->sources->next;
        free(diag->sources->file);
        free(diag->sources->text);
        free(diag->sources);
        diag->sources = next;
    }
    free(diag->problems);
    free(diag);
}

static struct source *add_source(struct diag *diag, const char *file, const char *text, size_t len)
{
    struct source *source = xcalloc(1, sizeof *source);
    source->file = xstrdup(file);
    source->text = xstrndup(text, len);
    source->next = diag->sources;
    diag->sources = source;
    return source;
}

void diag_source(struct diag *diag, const char *file, const char *text, size_t len)
{
    (void)add_source(diag, file, text, len);
}

void diag_typed(struct diag *diag, const char *file, const char *text)
{
    add_source(diag, file, text, strlen(text))->typed = true;
}

static void add(struct diag *diag, struct place place, bool is_error, const char *format,
                va_list args)
{
    struct text sentence;
    text_init(&sentence);
    text_vaddf(&sentence, format, args);
    place.file = place.file ? xstrdup(place.file) : NULL;
    diag->problems = xrealloc(diag->problems, (size_t)(diag->count + 1) * sizeof *diag->problems);
    diag->problems[diag->count] = (struct problem){.place = place,
                                                   .is_error = is_error,
                                                   .sentence = text_take(&sentence),
                                                   .order = diag->count};
    diag->count++;
    diag->errors += is_error;
}

void diag_error(struct diag *diag, struct place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(diag, place, true, format, args);
    va_end(args);
}

void diag_warning(struct diag *diag, struct place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(diag, place, false, format, args);
    va_end(args);
}

void diag_hint(struct diag *diag, const char *format, ...)
{
    va_list args;
    struct text lines;
    if (diag->count == 0)
        return;
    struct problem *newest = &diag->problems[diag->count - 1];
    text_init(&lines);
    if (newest->hints)
        text_add(&lines, newest->hints);
    text_add(&lines, "      ");
    va_start(args, format);
    text_vaddf(&lines, format, args);
    va_end(args);
    text_add(&lines, "\n");
    free(newest->hints);
    newest->hints = text_take(&lines);
}

int diag_errors(const struct diag *diag)
{
    return diag->errors;
}

int diag_problems(const struct diag *diag)
{
    return diag->count;
}

/* --- Printing --- */

/* The newest of that name; NULL: none. */
static const struct source *source_of(const struct diag *diag, const struct place *place)
{
    const struct source *source = diag->sources;
    while (source && (!place->file || strcmp(source->file, place->file) != 0))
        source = source->next;
    return source;
}

static bool is_typed(const struct diag *diag, const struct place *place)
{
    const struct source *source = source_of(diag, place);
    return !place->file || (source && source->typed);
}

static const char *find_line(const struct diag *diag, const struct place *place, size_t *len)
{
    const struct source *source = source_of(diag, place);
    if (!source || place->line < 1)
        return NULL;
    const char *line = source->text;
    for (int i = 1; i < place->line && line; i++) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (!line)
        return NULL;
    *len = strcspn(line, "\n\r");
    return line;
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

/* Blanks up to the column, tabs kept so that the caret stands where the reader's eye is. */
static void add_caret(struct text *out, const char *line, size_t len, const struct place *place)
{
    int column = 1;
    text_add(out, "      | ");
    for (size_t i = 0; i < len && column < place->column; i++)
        if (begins_character(line[i])) {
            text_add(out, line[i] == '\t' ? "\t" : " ");
            column++;
        }
    for (; column < place->column; column++)
        text_add(out, " ");
    text_add(out, "^");
    for (int i = 1; i < place->width; i++)
        text_add(out, "~");
    text_add(out, "\n");
}

/* What is missing at the end is missing behind the last character. */
static struct place place_of_end(const struct source *source)
{
    const char *line = strrchr(source->text, '\n');
    struct place place = {.file = source->file, .line = 1, .column = 1};
    for (const char *at = source->text; *at; at++)
        place.line += *at == '\n';
    for (const char *at = line ? line + 1 : source->text; *at; at++)
        place.column += begins_character(*at);
    return place;
}

static void add_excerpt(const struct diag *diag, const struct place *where, struct text *out)
{
    size_t len = 0;
    struct place place = *where;
    bool typed = where->file && is_typed(diag, where);
    const char *line = find_line(diag, &place, &len);
    if (!line && typed) {
        place = place_of_end(source_of(diag, where));
        line = find_line(diag, &place, &len);
    }
    if (!line || place.column < 1)
        return;
    if (typed)
        text_addf(out, "      | %.*s\n", (int)len, line);
    else
        text_addf(out, " %4d | %.*s\n", place.line, (int)len, line);
    add_caret(out, line, len, &place);
}

static void add_place(const struct diag *diag, const struct place *place, struct text *out)
{
    bool typed = is_typed(diag, place);
    if (typed)
        text_add(out, place->file ? "halfopen: " : "halfopen:");
    if (place->file)
        text_addf(out, "%s:", place->file);
    if (!typed && place->line > 0)
        text_addf(out, "%d:", place->line);
    if (!typed && place->line > 0 && place->column > 0)
        text_addf(out, "%d:", place->column);
    text_add(out, " ");
}

static void add_problem(const struct diag *diag, const struct problem *problem, struct text *out)
{
    add_place(diag, &problem->place, out);
    if (!is_typed(diag, &problem->place) || !problem->is_error)
        text_add(out, problem->is_error ? "error: " : "warning: ");
    text_addf(out, "%s\n", problem->sentence);
    add_excerpt(diag, &problem->place, out);
    if (problem->hints)
        text_add(out, problem->hints);
}

static int rank_of(const struct diag *diag, const struct place *place)
{
    int rank = 0;
    if (!is_typed(diag, place))
        return INT_MAX;
    for (const struct source *source = source_of(diag, place); source; source = source->next)
        rank++;
    return rank;
}

static int by_place(const void *left, const void *right)
{
    const struct problem *a = left, *b = right;
    const char *a_file = a->place.file ? a->place.file : "",
               *b_file = b->place.file ? b->place.file : "";
    int files = strcmp(a_file, b_file);
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (files != 0)
        return files;
    if (a->place.line != b->place.line)
        return a->place.line - b->place.line;
    if (a->place.column != b->place.column)
        return a->place.column - b->place.column;
    return a->order - b->order;
}

static bool all_of_command_line(const struct diag *diag)
{
    for (int i = 0; i < diag->count; i++)
        if (!is_typed(diag, &diag->problems[i].place))
            return false;
    return true;
}

void diag_add_text(const struct diag *diag, struct text *out)
{
    int shown = diag->count < DIAG_LIMIT ? diag->count : DIAG_LIMIT;
    if (diag->count == 0)
        return;
    struct problem *sorted = xmalloc((size_t)diag->count * sizeof *sorted);
    memcpy(sorted, diag->problems, (size_t)diag->count * sizeof *sorted);
    for (int i = 0; i < diag->count; i++)
        sorted[i].rank = rank_of(diag, &sorted[i].place);
    qsort(sorted, (size_t)diag->count, sizeof *sorted, by_place);
    for (int i = 0; i < shown; i++)
        add_problem(diag, &sorted[i], out);
    free(sorted);
    if (shown < diag->count)
        text_addf(out, "and %d more\n", diag->count - shown);
    if (diag->errors > 0 && !all_of_command_line(diag))
        text_addf(out, "%d problem%s, nothing was run\n", diag->count, diag->count == 1 ? "" : "s");
}

void diag_print(const struct diag *diag, FILE *out)
{
    struct text text;
    text_init(&text);
    diag_add_text(diag, &text);
    fputs(text_chars(&text), out);
    text_fini(&text);
}
