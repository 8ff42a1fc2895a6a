#include "scenario/target_hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "scenario/target_parts.h"

#define NUMBER_BYTES 24

/* --- One hook --- */

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

/* What goes to a process or into a request line is one line. */
static bool is_one_line(const struct node *node, struct diag *diag)
{
    if (has_control(node->text))
        diag_error(diag, node->place, "'%s' is more than one line", node->key);
    else if (strlen(node->text) > HOOK_LINE_LIMIT)
        diag_error(diag, node->place, "'%s' is too long: at most %d bytes", node->key,
                   HOOK_LINE_LIMIT);
    else if (node->text[0] == '\0')
        diag_error(diag, node->place, "'%s' is empty", node->key);
    else
        return true;
    return false;
}

static void load_stdin(struct target_hook *hook, const struct node *node, struct diag *diag)
{
    if (field_is_scalar(node, "'send {n}'", diag) && is_one_line(node, diag))
        hook->line = xstrdup(node->text);
}

static bool is_method(const char *word, size_t len)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", NULL};
    for (size_t i = 0; methods[i]; i++)
        if (strlen(methods[i]) == len && strncmp(methods[i], word, len) == 0)
            return true;
    return false;
}

static bool is_plain_url(const char *url)
{
    static const char scheme[] = "http://";
    const char *host = url + sizeof scheme - 1;
    return strncmp(url, scheme, sizeof scheme - 1) == 0 && *host && *host != '/' &&
           !strchr(url, ' ');
}

static void load_http(struct target_hook *hook, const struct node *node, const char *example,
                      struct diag *diag)
{
    if (!field_is_scalar(node, example, diag) || !is_one_line(node, diag))
        return;
    size_t method = strcspn(node->text, " ");
    const char *url = node->text + method + strspn(node->text + method, " ");
    if (!is_method(node->text, method) || !is_plain_url(url)) {
        diag_error(diag, node->place,
                   "'http' is %s: GET, POST, PUT or DELETE and an http:// URL are expected, as in "
                   "%s",
                   field_written(node), example);
        return;
    }
    hook->method = xstrndup(node->text, method);
    hook->url = xstrdup(url);
}

static void load_pattern(struct target_hook *hook, const struct node *node, const char *example,
                         struct diag *diag)
{
    struct text why;
    if (!field_is_scalar(node, example, diag))
        return;
    text_init(&why);
    struct pattern *pattern = pattern_new(node->text, &why);
    if (pattern)
        hook->pattern = xstrdup(node->text);
    else
        diag_error(diag, node->place, "'%s' is %s: %s", node->key, field_written(node),
                   text_chars(&why));
    pattern_free(pattern);
    text_fini(&why);
}

static void load_exit(struct target_hook *hook, const struct node *node, struct diag *diag)
{
    uint64_t code = 0;
    hook->code = -1;
    if (!field_is_scalar(node, "true, or the code", diag) || strcmp(node->text, "true") == 0)
        return;
    if (strspn(node->text, "0123456789") == strlen(node->text) &&
        field_count(node, "0", "255", &code, diag))
        hook->code = (int)code;
    else if (strspn(node->text, "0123456789") != strlen(node->text))
        diag_error(diag, node->place, "'exit' is %s: true, or the code, as in 3",
                   field_written(node));
}

/* The one member that says how; NULL: none or several, said so. */
static const struct node *way_of(const struct node *hook, const char *const *ways,
                                 const char *example, struct diag *diag)
{
    const struct node *found = NULL;
    for (const struct node *child = hook->first; child; child = child->next) {
        if (!is_listed(ways, child->key))
            continue;
        if (found) {
            diag_error(diag, child->key_place, "'%s' is given by '%s' already: one way is enough",
                       hook->key, found->key);
            return NULL;
        }
        found = child;
    }
    if (!found)
        diag_error(diag, hook->key_place, "'%s' says no way: as in %s", hook->key, example);
    return found;
}

static void load_ask(struct target_hook *hook, const struct node *node, const char *example,
                     struct diag *diag)
{
    static const char *const ways[] = {"stdin", "http", NULL};
    if (!field_is_mapping(node, example, diag))
        return;
    fields_check(node, ways, NULL, "a hook", diag);
    const struct node *way = way_of(node, ways, example, diag);
    if (!way)
        return;
    if (strcmp(way->key, "stdin") == 0) {
        hook->way = HOOK_BY_STDIN;
        load_stdin(hook, way, diag);
    } else {
        hook->way = HOOK_BY_HTTP;
        load_http(hook, way, "'POST http://127.0.0.1:{port}/send?n={n}'", diag);
    }
}

static void load_asked_by_http(struct target_hook *hook, const struct node *node,
                               const struct node *way, struct diag *diag)
{
    const struct node *match = field_find(node, "match");
    load_http(hook, way, "'GET http://127.0.0.1:{port}/state'", diag);
    if (match)
        load_pattern(hook, match, "'state.*failed'", diag);
    else
        diag_error(diag, node->key_place,
                   "'match' is missing: what the answer says when the client has given up, as in "
                   "match: 'state.*failed'");
}

static void load_gave_up(struct target_hook *hook, const struct node *node, const char *example,
                         struct diag *diag)
{
    static const char *const ways[] = {"log", "exit", "http", NULL};
    static const char *const known[] = {"log", "exit", "http", "match", NULL};
    if (!field_is_mapping(node, example, diag))
        return;
    fields_check(node, known, NULL, "a hook", diag);
    const struct node *way = way_of(node, ways, example, diag), *match = field_find(node, "match");
    if (!way)
        return;
    if (match && strcmp(way->key, "http") != 0)
        diag_error(diag, match->key_place, "'match' goes with 'http'");
    if (strcmp(way->key, "log") == 0) {
        hook->way = HOOK_BY_LOG;
        load_pattern(hook, way, "'giving up'", diag);
    } else if (strcmp(way->key, "exit") == 0) {
        hook->way = HOOK_BY_EXIT;
        load_exit(hook, way, diag);
    } else {
        hook->way = HOOK_BY_HTTP;
        load_asked_by_http(hook, node, way, diag);
    }
}

/* By stdin the answer is a line of its output, which only a pattern tells from others. */
static void load_state(struct target_hook *hook, const struct node *node, const char *example,
                       struct diag *diag)
{
    static const char *const ways[] = {"stdin", "http", NULL};
    static const char *const known[] = {"stdin", "http", "log", "match", NULL};
    if (!field_is_mapping(node, example, diag))
        return;
    fields_check(node, known, NULL, "a hook", diag);
    const struct node *way = way_of(node, ways, example, diag);
    const struct node *log = field_find(node, "log"), *match = field_find(node, "match");
    if (!way)
        return;
    bool asks_line = strcmp(way->key, "stdin") == 0;
    const struct node *stray = asks_line ? match : log, *pattern = asks_line ? log : match;
    if (stray)
        diag_error(diag, stray->place, "'%s' goes with '%s'", stray->key,
                   asks_line ? "http" : "stdin");
    hook->way = asks_line ? HOOK_BY_STDIN : HOOK_BY_HTTP;
    if (asks_line)
        load_stdin(hook, way, diag);
    else
        load_http(hook, way, example, diag);
    if (pattern)
        load_pattern(hook, pattern, "'state: (.*)'", diag);
    else if (asks_line)
        diag_error(diag, node->key_place,
                   "'log' is missing: the line in which the client answers, as in log: "
                   "'state: (.*)'");
}

/* --- All of them --- */

void target_load_hooks(struct target *target, const struct node *hooks, struct diag *diag)
{
    static const struct {
        const char *key, *example;
        void (*load)(struct target_hook *, const struct node *, const char *, struct diag *);
        size_t at;
    } parts[] = {
        {"send", "{stdin: 'send {n}'}", load_ask, offsetof(struct target_hooks, send)},
        {"close", "{stdin: 'close'}", load_ask, offsetof(struct target_hooks, close)},
        {"gave_up", "{log: 'giving up'}", load_gave_up, offsetof(struct target_hooks, gave_up)},
        {"state", "{http: 'GET http://127.0.0.1:{port}/state'}", load_state,
         offsetof(struct target_hooks, state)},
    };
    static const char *const known[] = {"send", "close", "gave_up", "state", NULL};
    if (!field_is_mapping(hooks, "{send: {stdin: 'send {n}'}}", diag))
        return;
    fields_check(hooks, known, NULL, "'hooks'", diag);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const struct node *node = field_find(hooks, parts[i].key);
        struct target_hook *hook = (struct target_hook *)((char *)&target->hooks + parts[i].at);
        if (node)
            parts[i].load(hook, node, parts[i].example, diag);
    }
}

static void hook_fini(struct target_hook *hook)
{
    free(hook->line);
    free(hook->method);
    free(hook->url);
    free(hook->pattern);
}

void target_hooks_fini(struct target_hooks *hooks)
{
    hook_fini(&hooks->send);
    hook_fini(&hooks->close);
    hook_fini(&hooks->gave_up);
    hook_fini(&hooks->state);
}

const char *hook_way_name(enum hook_way way)
{
    static const char *const names[] = {"", "stdin", "http", "log", "exit"};
    return names[way];
}

bool target_hooks_use(const struct target_hooks *hooks, enum hook_way way)
{
    return hooks->send.way == way || hooks->close.way == way || hooks->gave_up.way == way ||
           hooks->state.way == way;
}

static void write_hook(struct json *json, const char *key, const struct target_hook *hook)
{
    if (hook->way != HOOK_BY_NOTHING)
        json_put_string(json, key, hook_way_name(hook->way));
}

void target_hooks_write(const struct target_hooks *hooks, struct json *json)
{
    if (!hooks->send.way && !hooks->close.way && !hooks->gave_up.way && !hooks->state.way)
        return;
    json_object_open(json, "hooks");
    write_hook(json, "send", &hooks->send);
    write_hook(json, "close", &hooks->close);
    write_hook(json, "gave_up", &hooks->gave_up);
    write_hook(json, "state", &hooks->state);
    json_object_close(json);
}

/* --- What is asked in a certain case --- */

char *hook_filled(const char *written, const struct hook_values *values)
{
    char number[NUMBER_BYTES], index[NUMBER_BYTES], port[NUMBER_BYTES];
    const struct {
        const char *name, *value;
    } places[] = {{"{n}", number}, {"{index}", index}, {"{port}", port}};
    struct text out;
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)values->number); /* fits */
    (void)snprintf(index, sizeof index, "%u", values->index);
    (void)snprintf(port, sizeof port, "%u", (unsigned)values->port);
    text_init(&out);
    text_add(&out, "");
    for (const char *at = written; *at;) {
        size_t place = 0;
        while (place < 3 && strncmp(at, places[place].name, strlen(places[place].name)) != 0)
            place++;
        if (place < 3)
            text_add(&out, places[place].value);
        else
            text_add_bytes(&out, at, 1);
        at += place < 3 ? strlen(places[place].name) : 1;
    }
    return text_take(&out);
}
