#include "net/command.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

#define NUMBER_BYTES 24

struct placeholder {
    const char *name; /* with its braces */
    const char *value;
};

enum quoting { UNQUOTED, IN_SINGLE, IN_DOUBLE };

static bool is_plain(const char *value)
{
    for (const char *c = value; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_-./:@%+,=", *c))
            return false;
    return *value != '\0';
}

static void add_escaped(struct text *out, const char *value, const char *special,
                        const char *before)
{
    for (const char *c = value; *c; c++) {
        if (strchr(special, *c))
            text_add(out, before);
        text_add_bytes(out, c, 1);
    }
}

/* A single quote cannot be escaped inside single quotes: they are left, and entered again. */
static void add_in_single(struct text *out, const char *value)
{
    for (const char *c = value; *c; c++)
        if (*c == '\'')
            text_add(out, "'\\''");
        else
            text_add_bytes(out, c, 1);
}

void command_add_quoted(struct text *out, const char *word)
{
    if (is_plain(word)) {
        text_add(out, word);
        return;
    }
    text_add(out, "'");
    add_in_single(out, word);
    text_add(out, "'");
}

static void add_value(struct text *out, const char *value, enum quoting quoting)
{
    switch (quoting) {
    case IN_SINGLE:
        add_in_single(out, value);
        return;
    case IN_DOUBLE:
        add_escaped(out, value, "\"\\$`", "\\");
        return;
    case UNQUOTED:
        command_add_quoted(out, value);
        return;
    }
}

static const struct placeholder *placeholder_at(const struct placeholder *list, const char *at)
{
    for (; list->name; list++)
        if (list->value && strncmp(at, list->name, strlen(list->name)) == 0)
            return list;
    return NULL;
}

static enum quoting quoting_after(enum quoting now, char c)
{
    if (c == '\'' && now != IN_DOUBLE)
        return now == IN_SINGLE ? UNQUOTED : IN_SINGLE;
    if (c == '"' && now != IN_SINGLE)
        return now == IN_DOUBLE ? UNQUOTED : IN_DOUBLE;
    return now;
}

char *command_substitute(const char *command, const struct command_values *values)
{
    char index[NUMBER_BYTES], port[NUMBER_BYTES], hook_port[NUMBER_BYTES];
    snprintf(index, sizeof index, "%ld", values->index);
    snprintf(port, sizeof port, "%ld", values->port);
    snprintf(hook_port, sizeof hook_port, "%ld", values->hook_port);
    const struct placeholder list[] = {{"{url}", values->url},
                                       {"{index}", values->index >= 0 ? index : NULL},
                                       {"{port}", values->port > 0 ? port : NULL},
                                       {"{hook_port}", values->hook_port > 0 ? hook_port : NULL},
                                       {NULL, NULL}};
    struct text out;
    text_init(&out);
    text_add(&out, "");
    enum quoting quoting = UNQUOTED;
    for (const char *at = command; *at;) {
        size_t dollar = at[0] == '$' && at[1] == '{';
        const struct placeholder *found = placeholder_at(list, at + dollar);
        if (found) {
            add_value(&out, found->value, quoting);
            at += dollar + strlen(found->name);
            continue;
        }
        size_t len = at[0] == '\\' && at[1] && quoting != IN_SINGLE ? 2 : 1;
        if (len == 1)
            quoting = quoting_after(quoting, *at);
        text_add_bytes(&out, at, len);
        at += len;
    }
    return text_take(&out);
}

static size_t secret_name_at(const char *at)
{
    static const char *const names[] = {
        "token=", "password=", "passwd=", "secret=", "apikey=", "api_key=", "api-key=", "key="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncasecmp(at, names[i], strlen(names[i])) == 0)
            return strlen(names[i]);
    return 0;
}

char *command_redacted(const char *command)
{
    struct text out;
    text_init(&out);
    text_add(&out, "");
    for (const char *at = command; *at;) {
        size_t name = secret_name_at(at);
        if (name == 0) {
            text_add_bytes(&out, at++, 1);
            continue;
        }
        text_add_bytes(&out, at, name);
        at += name;
        text_add(&out, "***");
        at += strcspn(at, " \t\n'\"&;#");
    }
    return text_take(&out);
}

void command_exit_words(int status, struct text *out)
{
    if (WIFSIGNALED(status))
        text_addf(out, "signal %d", WTERMSIG(status));
    else
        text_addf(out, "exit %d", WEXITSTATUS(status));
}
