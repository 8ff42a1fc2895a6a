/* Faults given in a line, as YAML, 'drop: {for: 3s}', or in words, 'drop for=3s': each becomes a
 * step, whose nodes stand where they were typed. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/load.h"
#include "scenario/load_parts.h"

struct spec {
    char *name; /* "--fault 'drop for=3s'": what messages call it */
    const char *text;
    struct diag *diag;
};

static const char head[] = "scenario: session\nsteps: []\n";

/* --- Places --- */

static struct place place_of(const struct spec *spec, const char *at, size_t len)
{
    struct place place = {.file = spec->name, .line = 1, .column = 1, .width = (int)len};
    for (const char *before = spec->text; before < at; before++)
        place.column += ((unsigned char)*before & 0xc0) != 0x80;
    return place;
}

/* A name for a text of one line. */
static char *name_of(const char *option, const char *text)
{
    char *name = xprintf("%s '%s'", option, text);
    for (char *at = name; *at; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    return name;
}

/* --- In words --- */

/* YAML reads the value with all before it as blanks, so that its columns are those of the spec. */
static struct node *parse_value(const struct spec *spec, const char *value, size_t len)
{
    size_t before = (size_t)(value - spec->text);
    struct text alone;
    text_init(&alone);
    for (int column = 1; column < place_of(spec, value, 0).column; column++)
        text_add(&alone, " ");
    text_add_bytes(&alone, spec->text + before, len);
    struct node *node = tree_parse(spec->name, text_chars(&alone), alone.len, spec->diag);
    text_fini(&alone);
    return node;
}

/* false: it is none, and said so. */
static bool add_parameter(const struct spec *spec, struct node *body, const char *word, size_t len)
{
    const char *equals = memchr(word, '=', len);
    struct place at = place_of(spec, word, equals ? (size_t)(equals - word) : len);
    if (!equals || equals == word || equals + 1 == word + len) {
        diag_error(spec->diag, at, "'%.*s' is not NAME=VALUE, as in for=3s", (int)len, word);
        return false;
    }
    char *key = xstrndup(word, (size_t)(equals - word));
    struct node *value = parse_value(spec, equals + 1, (size_t)(word + len - equals - 1));
    if (field_find(body, key))
        diag_error(spec->diag, at, "'%s' is given twice", key);
    if (!value || field_find(body, key)) {
        tree_free(value);
        free(key);
        return true;
    }
    value->key = key;
    value->key_place = at;
    tree_append(body, value);
    return true;
}

/* NULL: said why. */
static struct node *parse_words(const struct spec *spec, const char *name, size_t len)
{
    struct place at = place_of(spec, name, len);
    struct node *step = tree_new(NODE_MAPPING, at), *body = tree_new(NODE_MAPPING, at);
    body->key = xstrndup(name, len);
    body->key_place = at;
    tree_append(step, body);
    for (const char *word = name + len; *(word += strspn(word, " \t\r\n")); word += len) {
        len = strcspn(word, " \t\r\n");
        if (!add_parameter(spec, body, word, len)) {
            tree_free(step);
            return NULL;
        }
    }
    return step;
}

/* --- All of them --- */

/* NULL: said why. */
static struct node *parse_spec(const struct spec *spec)
{
    const char *name = spec->text + strspn(spec->text, " \t\r\n");
    size_t len = strcspn(name, " \t\r\n");
    struct node *step = NULL;
    if (len > 0 && !memchr(name, ':', len))
        return parse_words(spec, name, len);
    if (len > 0) {
        step = tree_parse(spec->name, spec->text, strlen(spec->text), spec->diag);
        if (!step || step->kind == NODE_MAPPING)
            return step;
    }
    diag_error(spec->diag, place_of(spec, name, len),
               "a fault is expected, as in drop or 'drop: {for: 3s}'");
    tree_free(step);
    return NULL;
}

struct plan *scenario_of_faults(const char *option, const char *const *texts, size_t count,
                                struct diag *diag)
{
    int before = diag_errors(diag);
    struct plan *plan = NULL;
    struct node *root = tree_parse(option, head, sizeof head - 1, diag);
    struct spec *specs = xcalloc(count + 1, sizeof *specs);
    for (size_t i = 0; i < count; i++) {
        specs[i] = (struct spec){name_of(option, texts[i]), texts[i], diag};
        struct node *step = parse_spec(&specs[i]);
        if (step)
            tree_append(root->last, step);
        diag_typed(diag, specs[i].name, texts[i]);
    }
    plan = load_plan(option, root, 0, diag);
    if (diag_errors(diag) > before) {
        plan_free(plan);
        plan = NULL;
    }
    for (size_t i = 0; i < count; i++)
        free(specs[i].name);
    free(specs);
    tree_free(root);
    return plan;
}
