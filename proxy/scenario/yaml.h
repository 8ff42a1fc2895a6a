/* A YAML file as a tree of nodes, each knowing where it stands. Stricter than libyaml: duplicate
 * keys, anchors, aliases, tags, directives, a second document, too much depth and too big a file
 * are refused. (Called tree_ because yaml_ is the prefix of libyaml.) */
#ifndef HALFOPEN_SCENARIO_YAML_H
#define HALFOPEN_SCENARIO_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

#define YAML_LIMIT_BYTES ((size_t)1 << 20)
#define YAML_DEPTH_LIMIT 32

/* BROKEN: already reported (an alias); whoever meets one says nothing more. */
enum node_kind { NODE_SCALAR, NODE_MAPPING, NODE_SEQUENCE, NODE_BROKEN };

struct node {
    enum node_kind kind;
    struct place place;     /* of the value */
    char *key;              /* member of a mapping; else NULL */
    struct place key_place; /* when there is a key */
    char *text;             /* SCALAR: never NULL; UTF-8 without NUL */
    char *written;          /* SCALAR whose text was replaced: what the file says; else NULL */
    bool quoted;            /* SCALAR: quoted or a block */
    struct node *first, *last, *next;
    size_t count; /* of children */
};

/* Problems go to the diag. NULL: nothing that could be looked at. */
struct node *tree_parse(const char *file, const char *text, size_t len, struct diag *);
void tree_free(struct node *);
/* For a tree that no file holds. */
struct node *tree_new(enum node_kind, struct place);
void tree_append(struct node *parent, struct node *child); /* takes the child */

/* Reads the whole file; at most YAML_LIMIT_BYTES. false: said in the diag. The caller frees
 * *text. */
bool tree_read_file(const char *path, char **text, size_t *len, struct diag *);

#endif
