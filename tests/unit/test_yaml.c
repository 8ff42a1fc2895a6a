#include "scenario/yaml.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"

struct parsed {
    struct diag *diag;
    struct node *root;
};

static struct parsed parse(const char *text)
{
    struct parsed p = {.diag = diag_new()};
    p.root = tree_parse("a.yaml", text, strlen(text), p.diag);
    return p;
}

static void drop(struct parsed *p)
{
    tree_free(p->root);
    diag_free(p->diag);
}

static void check_says(const char *text, const char *part)
{
    struct text said;
    struct parsed p = parse(text);
    text_init(&said);
    diag_add_text(p.diag, &said);
    CHECK_CONTAINS(text_chars(&said), part);
    text_fini(&said);
    drop(&p);
}

static void a_mapping_keeps_its_order_and_values(void)
{
    struct parsed p = parse("b: 1\na: [x, y]\n");
    CHECK_INT(p.root->count, 2);
    CHECK_STR(p.root->first->key, "b");
    CHECK_STR(p.root->first->text, "1");
    CHECK_INT(p.root->last->kind, NODE_SEQUENCE);
    CHECK_STR(p.root->last->last->text, "y");
    drop(&p);
}

static void places_are_the_value_and_the_key(void)
{
    struct parsed p = parse("a: 1\nname:  'two'\n");
    const struct node *name = p.root->last;
    CHECK_INT(name->key_place.line, 2);
    CHECK_INT(name->key_place.column, 1);
    CHECK_INT(name->key_place.width, 4);
    CHECK_INT(name->place.column, 8);
    CHECK_INT(name->place.width, 5);
    drop(&p);
}

static void columns_count_characters(void)
{
    struct parsed p = parse("{é: 1, b: 2}\n");
    CHECK_INT(p.root->last->key_place.column, 8);
    drop(&p);
}

static void an_empty_value_is_an_empty_scalar(void)
{
    struct parsed p = parse("a:\nb: ''\n");
    CHECK_STR(p.root->first->text, "");
    CHECK(!p.root->first->quoted);
    CHECK(p.root->last->quoted);
    drop(&p);
}

static void the_first_of_two_equal_keys_stays(void)
{
    struct parsed p = parse("a: 1\na: 2\n");
    CHECK_INT(p.root->count, 1);
    CHECK_STR(p.root->first->text, "1");
    CHECK_INT(diag_errors(p.diag), 1);
    drop(&p);
}

static void equal_keys_in_different_mappings_are_fine(void)
{
    struct parsed p = parse("- {a: 1}\n- {a: 2}\n");
    CHECK_INT(diag_errors(p.diag), 0);
    drop(&p);
}

static void a_syntax_error_leaves_no_half_tree(void)
{
    struct parsed p = parse("a: 1\nb: [1\n");
    CHECK(p.root == NULL);
    CHECK_INT(diag_errors(p.diag), 1);
    drop(&p);
}

static char *nested(int depth)
{
    char *text = xcalloc(1, (size_t)depth * 2 + 2);
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    return text;
}

static void depth_is_allowed_up_to_the_limit(void)
{
    char *text = nested(YAML_DEPTH_LIMIT);
    struct parsed p = parse(text);
    CHECK(p.root != NULL);
    drop(&p);
    free(text);
}

static void one_level_more_is_refused(void)
{
    char *text = nested(YAML_DEPTH_LIMIT + 1);
    check_says(text, "a.yaml:1:33: error: this is nested deeper than 32 levels");
    free(text);
}

static struct node *parse_of_size(size_t size, struct diag *diag)
{
    char *text = xmalloc(size);
    memset(text, '#', size);
    memcpy(text, "a: 1\n", 5);
    struct node *root = tree_parse("a.yaml", text, size, diag);
    free(text);
    return root;
}

static void a_file_of_the_greatest_size_is_read(void)
{
    struct diag *diag = diag_new();
    struct node *root = parse_of_size(YAML_LIMIT_BYTES, diag);
    CHECK(root != NULL);
    tree_free(root);
    diag_free(diag);
}

static void one_byte_more_is_refused(void)
{
    struct diag *diag = diag_new();
    CHECK(parse_of_size(YAML_LIMIT_BYTES + 1, diag) == NULL);
    CHECK_INT(diag_errors(diag), 1);
    diag_free(diag);
}

static void utf_16_is_refused(void)
{
    struct diag *diag = diag_new();
    CHECK(tree_parse("a.yaml",
                     "\xff\xfe"
                     "a\0:\0 \0b\0",
                     10, diag) == NULL);
    CHECK_INT(diag_errors(diag), 1);
    diag_free(diag);
}

static void every_cut_of_a_file_is_survived(void)
{
    static const char text[] = "a: &x [1, 'two', {b: \"\\x41\"}]\nc: *x\n---\n- |\n  block\n";
    for (size_t len = 0; len < sizeof text; len++) {
        struct diag *diag = diag_new();
        tree_free(tree_parse("a.yaml", text, len, diag));
        diag_free(diag);
    }
    CHECK(true);
}

static void a_file_that_is_not_there_is_said_so(void)
{
    struct diag *diag = diag_new();
    struct text said;
    char *text = NULL;
    size_t len = 0;
    CHECK(!tree_read_file("tests/errors/nothing-here.yaml", &text, &len, diag));
    text_init(&said);
    diag_add_text(diag, &said);
    CHECK_CONTAINS(text_chars(&said),
                   "nothing-here.yaml: error: cannot be opened: No such file or directory");
    text_fini(&said);
    diag_free(diag);
}

static void a_folder_cannot_be_read_as_a_file(void)
{
    struct diag *diag = diag_new();
    char *text = NULL;
    size_t len = 0;
    CHECK(!tree_read_file("tests/errors", &text, &len, diag));
    CHECK_INT(diag_errors(diag), 1);
    diag_free(diag);
}

SUITE(yaml, TEST(a_mapping_keeps_its_order_and_values), TEST(places_are_the_value_and_the_key),
      TEST(columns_count_characters), TEST(an_empty_value_is_an_empty_scalar),
      TEST(the_first_of_two_equal_keys_stays), TEST(equal_keys_in_different_mappings_are_fine),
      TEST(a_syntax_error_leaves_no_half_tree), TEST(depth_is_allowed_up_to_the_limit),
      TEST(one_level_more_is_refused), TEST(a_file_of_the_greatest_size_is_read),
      TEST(one_byte_more_is_refused), TEST(utf_16_is_refused),
      TEST(every_cut_of_a_file_is_survived), TEST(a_file_that_is_not_there_is_said_so),
      TEST(a_folder_cannot_be_read_as_a_file))
