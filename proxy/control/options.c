#include "control/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/units.h"
#include "control/policy_options.h"

static const struct place command_line = {.file = NULL};

static const struct option *find(const struct command *command, const char *name, size_t len)
{
    for (const struct option *option = command->options; option->name; option++)
        if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
            return option;
    return NULL;
}

static void say_unknown(const struct command *command, const char *word, size_t len,
                        struct diag *diag)
{
    const char *names[OPTIONS_WORDS_LIMIT];
    char written[64];
    size_t count = 0;
    snprintf(written, sizeof written, "%.*s", (int)len, word);
    for (const struct option *option = command->options; option->name; option++)
        if (option->type != OPTION_LATER)
            names[count++] = option->name;
    const char *near = nearest_name(written, names, count);
    if (near)
        diag_error(diag, command_line, "--%s: no such option; did you mean '--%s'?", written, near);
    else
        diag_error(diag, command_line, "--%s: no such option (halfopen %s --help)", written,
                   command->name);
}

static bool set_number(const struct option *option, void *at, const char *value, const char **why)
{
    char *end = NULL;
    errno = 0;
    if (option->type == OPTION_COUNT)
        return units_count(value, at, why);
    if (option->type == OPTION_POSITIVE) {
        bool parsed = units_count(value, at, why);
        *why = parsed ? "at least 1" : *why;
        return parsed && *(uint64_t *)at > 0;
    }
    if (option->type == OPTION_DURATION)
        return units_duration(value, at, why);
    double number = strtod(value, &end);
    *why = "a number, as in 10";
    if (errno || end == value || *end || !(number > 0))
        return false;
    *(double *)at = number;
    return true;
}

static void set(const struct option *option, void *into, const char *value, struct diag *diag)
{
    void *at = (char *)into + option->offset;
    const char *why = "";
    switch (option->type) {
    case OPTION_FLAG:
        *(bool *)at = true;
        return;
    case OPTION_TEXT:
        *(const char **)at = value;
        return;
    case OPTION_WORDS: {
        struct option_words *words = at;
        if (words->count < OPTIONS_WORDS_LIMIT)
            words->list[words->count++] = value;
        return;
    }
    case OPTION_COUNT:
    case OPTION_POSITIVE:
    case OPTION_REAL:
    case OPTION_DURATION:
        if (!set_number(option, at, value, &why))
            diag_error(diag, command_line, "--%s is '%s': %s", option->name, value, why);
        return;
    case OPTION_LATER:
        return;
    }
}

static void add_rest(struct option_words *rest, const char *word, struct diag *diag)
{
    if (rest->count < OPTIONS_WORDS_LIMIT)
        rest->list[rest->count++] = word;
    else
        diag_error(diag, command_line, "more than %d arguments", OPTIONS_WORDS_LIMIT);
}

static int refuse_later(const struct option *option, int left, char **argv, bool has_value,
                        struct diag *diag)
{
    diag_error(diag, command_line, "--%s is not part of this version", option->name);
    return option->placeholder && !has_value && left > 1 && argv[1][0] != '-' ? 2 : 1;
}

/* Returns how many words of the command line it took. */
static int take_option(const struct command *command, int left, char **argv, void *into,
                       struct diag *diag)
{
    const char *word = argv[0] + 2, *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const struct option *option = find(command, word, len);
    if (!option) {
        say_unknown(command, word, len, diag);
        return 1;
    }
    if (option->type == OPTION_LATER)
        return refuse_later(option, left, argv, equals != NULL, diag);
    if (option->type == OPTION_FLAG) {
        if (equals)
            diag_error(diag, command_line, "--%s takes no value", option->name);
        set(option, into, NULL, diag);
        return 1;
    }
    if (!equals && left < 2) {
        diag_error(diag, command_line, "--%s needs a value: --%s %s", option->name, option->name,
                   option->placeholder);
        return 1;
    }
    const char *value = equals ? equals + 1 : argv[1];
    if (value[strspn(value, " \t")] == '\0')
        diag_error(diag, command_line, "--%s is empty: --%s %s", option->name, option->name,
                   option->placeholder);
    else
        set(option, into, value, diag);
    return equals ? 1 : 2;
}

bool options_parse(const struct command *command, int argc, char **argv, void *into,
                   struct option_words *rest, struct diag *diag)
{
    bool only_words = false;
    for (int i = 0; i < argc;) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
            i++;
        } else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
            i += take_option(command, argc - i, argv + i, into, diag);
        } else if (!only_words && argv[i][0] == '-' && argv[i][1]) {
            diag_error(diag, command_line, "%s: no such option; options begin with two dashes",
                       argv[i]);
            i++;
        } else {
            add_rest(rest, argv[i++], diag);
        }
    }
    return diag_errors(diag) == 0;
}

void options_help(const struct command *command, FILE *out)
{
    fprintf(out, "usage: halfopen %s\n\n%s\n", command->usage, command->brief);
    if (command->options->name)
        fprintf(out, "\nOptions\n");
    for (const struct option *option = command->options; option->name; option++) {
        char left[64];
        if (option->type == OPTION_LATER)
            continue;
        snprintf(left, sizeof left, "--%s%s%s", option->name, option->placeholder ? " " : "",
                 option->placeholder ? option->placeholder : "");
        fprintf(out, "  %-26s %s\n", left, option->doc);
    }
    if (command->params)
        policy_options_help(command->params, out);
}

bool options_asked_for_help(const struct command *command, int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            options_help(command, stdout);
            return true;
        }
    return false;
}
