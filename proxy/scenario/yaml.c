#include "scenario/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"

struct reader {
    yaml_parser_t parser;
    const char *file, *text;
    size_t len;
    struct diag *diag;
    bool stopped; /* nothing more can be read */
};

/* --- Places --- */

static struct place place_of(const struct reader *r, yaml_mark_t start, yaml_mark_t end)
{
    int width = end.line == start.line ? (int)(end.column - start.column) : 1;
    return (struct place){.file = r->file,
                          .line = (int)start.line + 1,
                          .column = (int)start.column + 1,
                          .width = width > 0 ? width : 1};
}

static struct place place_of_mark(const struct reader *r, yaml_mark_t mark)
{
    return place_of(r, mark, mark);
}

static struct place whole_file(const struct reader *r)
{
    return (struct place){.file = r->file};
}

/* Of a byte that libyaml could not read: all before it is good UTF-8. */
static struct place place_of_offset(const struct reader *r, size_t offset)
{
    struct place at = {.file = r->file, .line = 1, .column = 1, .width = 1};
    for (size_t i = 0; i < offset && i < r->len; i++) {
        if (r->text[i] == '\n') {
            at.line++;
            at.column = 1;
        } else if (((unsigned char)r->text[i] & 0xC0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

/* --- libyaml's own problems, in our words --- */

struct wording {
    const char *theirs; /* part of their problem */
    const char *ours;
    enum { AT_PROBLEM, AT_START } where;
    const char *began; /* what began elsewhere and is worth pointing at too; NULL: nothing */
};

static const struct wording wordings[] = {
    {"cannot start any token", "a value cannot begin with this character; put it in quotes",
     AT_PROBLEM, NULL},
    {"mapping values are not allowed",
     "a ':' is not expected here; a value that holds ': ' goes in quotes", AT_PROBLEM, NULL},
    {"could not find expected ':'", "a ':' is missing after this key", AT_START, NULL},
    {"block sequence entries are not allowed",
     "a '-' is not expected here; a list begins on its own line", AT_PROBLEM, NULL},
    {"mapping keys are not allowed", "a '?' is not expected here; put the value in quotes",
     AT_PROBLEM, NULL},
    {"found unexpected end of stream", "the quote that begins here is never closed", AT_START,
     NULL},
    {"found unexpected document indicator",
     "the quote that begins here is not closed before the document ends", AT_START, NULL},
    {"unknown escape character",
     "no such escape; a backslash is written '\\\\', or use single quotes", AT_PROBLEM, NULL},
    {"hexdecimal number", "an escape needs hexadecimal digits here", AT_PROBLEM, NULL},
    {"did not find expected key", "a key is expected here, in the column of the others", AT_PROBLEM,
     "the mapping"},
    {"did not find expected '-' indicator", "a '-' is expected here, in the column of the others",
     AT_PROBLEM, "the list"},
    {"did not find expected ',' or ']'", "a ',' or ']' is expected here", AT_PROBLEM, "the list"},
    {"did not find expected ',' or '}'", "a ',' or '}' is expected here", AT_PROBLEM,
     "the mapping"},
    {"did not find expected <document start>", "nothing is expected after the end of the document",
     AT_PROBLEM, NULL},
};

static void report_reading(struct reader *r)
{
    struct place at = place_of_offset(r, r->parser.problem_offset);
    if (strstr(r->parser.problem, "control characters"))
        diag_error(r->diag, at, "a control character (0x%02X) is not text",
                   (unsigned)r->parser.problem_value);
    else
        diag_error(r->diag, at, "the file is not UTF-8 (byte 0x%02X)",
                   (unsigned)(unsigned char)r->text[r->parser.problem_offset]);
}

static void report_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    struct place at = place_of_mark(r, p->problem_mark);
    if (p->problem_mark.index < r->len && r->text[p->problem_mark.index] == '\t') {
        diag_error(r->diag, at, "a tab cannot indent; use spaces");
        return;
    }
    for (size_t i = 0; i < sizeof wordings / sizeof *wordings; i++) {
        const struct wording *w = &wordings[i];
        if (!strstr(p->problem, w->theirs))
            continue;
        if (w->where == AT_START && p->context)
            at = place_of_mark(r, p->context_mark);
        if (w->began && p->context)
            diag_error(r->diag, at, "%s; %s begins at %zu:%zu", w->ours, w->began,
                       p->context_mark.line + 1, p->context_mark.column + 1);
        else
            diag_error(r->diag, at, "%s", w->ours);
        return;
    }
    diag_error(r->diag, at, "YAML cannot be read on from here");
}

static bool next_event(struct reader *r, yaml_event_t *event)
{
    if (r->stopped)
        return false;
    if (yaml_parser_parse(&r->parser, event))
        return true;
    r->stopped = true;
    if (r->parser.error == YAML_READER_ERROR)
        report_reading(r);
    else
        report_syntax(r);
    return false;
}

/* --- Building the tree --- */

struct node *tree_new(enum node_kind kind, struct place at)
{
    struct node *node = xcalloc(1, sizeof *node);
    node->kind = kind;
    node->place = at;
    return node;
}

void tree_append(struct node *parent, struct node *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

static void refuse_anchor_and_tag(struct reader *r, struct place at, const yaml_char_t *anchor,
                                  const yaml_char_t *tag)
{
    static const char standard[] = "tag:yaml.org,2002:"; /* what libyaml makes of !! */
    if (anchor)
        diag_error(r->diag, at, "'&%s' is an anchor; write the value out where it is needed",
                   (const char *)anchor);
    if (tag && strncmp((const char *)tag, standard, strlen(standard)) == 0)
        diag_error(r->diag, at, "'!!%s' is a tag; leave it out",
                   (const char *)tag + strlen(standard));
    else if (tag)
        diag_error(r->diag, at, "'%s' is a tag; leave it out", (const char *)tag);
}

static struct node *build(struct reader *, const yaml_event_t *, int depth);

static struct node *build_scalar(struct reader *r, const yaml_event_t *event, struct place at)
{
    const char *value = (const char *)event->data.scalar.value;
    struct node *node = tree_new(NODE_SCALAR, at);
    refuse_anchor_and_tag(r, at, event->data.scalar.anchor, event->data.scalar.tag);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = xstrdup(value);
    if (strlen(value) != event->data.scalar.length)
        diag_error(r->diag, at, "a NUL character cannot be part of a value");
    return node;
}

/* The next node of a collection; NULL at its end or when reading stopped. */
static struct node *next_node(struct reader *r, int depth)
{
    yaml_event_t event;
    struct node *node = NULL;
    if (!next_event(r, &event))
        return NULL;
    if (event.type != YAML_SEQUENCE_END_EVENT && event.type != YAML_MAPPING_END_EVENT)
        node = build(r, &event, depth);
    yaml_event_delete(&event);
    return node;
}

static void build_sequence(struct reader *r, struct node *list, int depth)
{
    struct node *item;
    while ((item = next_node(r, depth)))
        tree_append(list, item);
}

static const struct node *member(const struct node *mapping, const char *key)
{
    for (const struct node *child = mapping->first; child; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

/* Takes the value under the key, or frees it when that key cannot be. */
static void add_member(struct reader *r, struct node *mapping, const struct node *key,
                       struct node *value)
{
    if (key->kind != NODE_SCALAR) {
        if (key->kind != NODE_BROKEN)
            diag_error(r->diag, key->place, "a key is a single word");
        tree_free(value);
        return;
    }
    const struct node *before = member(mapping, key->text);
    if (before) {
        diag_error(r->diag, key->place, "'%s' is given twice, first at %d:%d", key->text,
                   before->key_place.line, before->key_place.column);
        tree_free(value);
        return;
    }
    value->key = xstrdup(key->text);
    value->key_place = key->place;
    tree_append(mapping, value);
}

static void build_mapping(struct reader *r, struct node *mapping, int depth)
{
    struct node *key;
    while ((key = next_node(r, depth))) {
        struct node *value = next_node(r, depth);
        if (value)
            add_member(r, mapping, key, value);
        tree_free(key);
    }
}

static bool too_deep(struct reader *r, struct place at, int depth)
{
    if (depth < YAML_DEPTH_LIMIT)
        return false;
    diag_error(r->diag, at, "this is nested deeper than %d levels", YAML_DEPTH_LIMIT);
    r->stopped = true;
    return true;
}

/* NULL only when reading stopped. */
static struct node *build(struct reader *r, const yaml_event_t *event, int depth)
{
    struct place at = place_of(r, event->start_mark, event->end_mark);
    struct node *node;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return build_scalar(r, event, at);
    case YAML_ALIAS_EVENT:
        diag_error(r->diag, at, "'*%s' is an alias; write the value out where it is needed",
                   (const char *)event->data.alias.anchor);
        return tree_new(NODE_BROKEN, at);
    case YAML_SEQUENCE_START_EVENT:
        if (too_deep(r, at, depth))
            return NULL;
        node = tree_new(NODE_SEQUENCE, at);
        refuse_anchor_and_tag(r, at, event->data.sequence_start.anchor,
                              event->data.sequence_start.tag);
        build_sequence(r, node, depth + 1);
        return node;
    case YAML_MAPPING_START_EVENT:
        if (too_deep(r, at, depth))
            return NULL;
        node = tree_new(NODE_MAPPING, at);
        refuse_anchor_and_tag(r, at, event->data.mapping_start.anchor,
                              event->data.mapping_start.tag);
        build_mapping(r, node, depth + 1);
        return node;
    default:
        return NULL;
    }
}

/* --- The document --- */

static void refuse_directives(struct reader *r, const yaml_event_t *event)
{
    bool tags = event->data.document_start.tag_directives.start !=
                event->data.document_start.tag_directives.end;
    if (event->data.document_start.version_directive || tags)
        diag_error(r->diag, place_of_mark(r, event->start_mark),
                   "a directive ('%%...') has no place here; leave it out");
}

static struct node *read_document(struct reader *r)
{
    struct node *root = NULL;
    int documents = 0;
    yaml_event_t event;
    while (next_event(r, &event)) {
        bool end = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && documents++ > 0) {
            diag_error(r->diag, place_of(r, event.start_mark, event.end_mark),
                       "a second document begins here; a file holds one");
            end = true;
        } else if (event.type == YAML_DOCUMENT_START_EVENT) {
            refuse_directives(r, &event);
        } else if (!root) {
            root = build(r, &event, 0);
        }
        yaml_event_delete(&event);
        if (end)
            break;
    }
    if (!root && !r->stopped)
        diag_error(r->diag, whole_file(r), "there is nothing in this file");
    return root;
}

struct node *tree_parse(const char *file, const char *text, size_t len, struct diag *diag)
{
    struct reader r = {.file = file, .text = text, .len = len, .diag = diag};
    if (len > YAML_LIMIT_BYTES) {
        diag_error(diag, whole_file(&r), "the file is larger than 1 MiB");
        return NULL;
    }
    diag_source(diag, file, text, len);
    if (!yaml_parser_initialize(&r.parser))
        abort();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    struct node *root = read_document(&r);
    yaml_parser_delete(&r.parser);
    /* What follows a syntax error is unknown: half a tree would be blamed for what it lacks. */
    if (r.stopped) {
        tree_free(root);
        return NULL;
    }
    return root;
}

void tree_free(struct node *node)
{
    if (!node)
        return;
    for (struct node *child = node->first, *next; child; child = next) {
        next = child->next;
        tree_free(child);
    }
    free(node->key);
    free(node->text);
    free(node->written);
    free(node);
}

bool tree_read_file(const char *path, char **text, size_t *len, struct diag *diag)
{
    struct place at = {.file = path};
    FILE *in = fopen(path, "rb");
    if (!in) {
        diag_error(diag, at, "cannot be opened: %s", strerror(errno));
        return false;
    }
    char *bytes = xmalloc(YAML_LIMIT_BYTES + 1);
    size_t got = fread(bytes, 1, YAML_LIMIT_BYTES + 1, in);
    bool failed = ferror(in) != 0;
    int why = errno;
    (void)fclose(in); /* only read from */
    if (failed) {
        diag_error(diag, at, "cannot be read: %s", strerror(why));
        free(bytes);
        return false;
    }
    *text = bytes;
    *len = got;
    return true;
}
