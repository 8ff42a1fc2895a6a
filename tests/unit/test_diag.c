#include "base/diag.h"

#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

static void check_text(const struct diag *diag, const char *want)
{
    struct text text;
    text_init(&text);
    diag_add_text(diag, &text);
    CHECK_STR(text_chars(&text), want);
    text_fini(&text);
}

static void no_problem_prints_nothing(void)
{
    struct diag *diag = diag_new();
    check_text(diag, "");
    CHECK_INT(diag_errors(diag), 0);
    diag_free(diag);
}

static void the_caret_stands_under_the_column_with_tabs_kept(void)
{
    struct diag *diag = diag_new();
    static const char source[] = "a: 1\n\tlatancy: 2\n";
    diag_source(diag, "x.yaml", source, sizeof source - 1);
    diag_error(diag, (struct place){"x.yaml", 2, 2, 7}, "no fault is called '%s'", "latancy");
    diag_hint(diag, "did you mean '%s'?", "latency");
    check_text(diag, "x.yaml:2:2: error: no fault is called 'latancy'\n"
                     "    2 | \tlatancy: 2\n"
                     "      | \t^~~~~~~\n"
                     "      did you mean 'latency'?\n"
                     "1 problem, nothing was run\n");
    diag_free(diag);
}

static void columns_count_characters_and_not_bytes(void)
{
    struct diag *diag = diag_new();
    static const char source[] = "\xc3\xa9\xe2\x82\xac x";
    diag_source(diag, "x", source, sizeof source - 1);
    diag_error(diag, (struct place){"x", 1, 4, 1}, "here");
    check_text(diag, "x:1:4: error: here\n    1 | \xc3\xa9\xe2\x82\xac x\n      |    ^\n"
                     "1 problem, nothing was run\n");
    diag_free(diag);
}

static void problems_come_in_the_order_of_their_places(void)
{
    struct diag *diag = diag_new();
    diag_error(diag, (struct place){"b", 1, 1, 1}, "fourth");
    diag_error(diag, (struct place){"a", 2, 5, 1}, "second");
    diag_warning(diag, (struct place){"a", 2, 5, 1}, "third");
    diag_error(diag, (struct place){"a", 1, 9, 1}, "first");
    check_text(diag, "a:1:9: error: first\na:2:5: error: second\na:2:5: warning: third\n"
                     "b:1:1: error: fourth\n4 problems, nothing was run\n");
    CHECK_INT(diag_errors(diag), 3);
    CHECK_INT(diag_problems(diag), 4);
    diag_free(diag);
}

static void places_beyond_the_source_have_no_excerpt(void)
{
    struct diag *diag = diag_new();
    diag_source(diag, "x", "one\n", 4);
    diag_error(diag, (struct place){"x", 2, 1, 1}, "the line after the last newline");
    diag_error(diag, (struct place){"x", 3, 1, 1}, "one more");
    check_text(diag, "x:2:1: error: the line after the last newline\n    2 | \n      | ^\n"
                     "x:3:1: error: one more\n2 problems, nothing was run\n");
    diag_free(diag);
}

static void a_file_as_a_whole_has_no_line(void)
{
    struct diag *diag = diag_new();
    diag_error(diag, (struct place){.file = "x"}, "holds no event");
    check_text(diag, "x: error: holds no event\n1 problem, nothing was run\n");
    diag_free(diag);
}

static void the_command_line_speaks_for_the_program(void)
{
    struct diag *diag = diag_new();
    diag_error(diag, (struct place){0}, "--sead: no such option");
    check_text(diag, "halfopen: --sead: no such option\n");
    diag_free(diag);
}

static void warnings_alone_stop_nothing(void)
{
    struct diag *diag = diag_new();
    diag_warning(diag, (struct place){"x", 1, 1, 1}, "odd");
    check_text(diag, "x:1:1: warning: odd\n");
    diag_free(diag);
}

static struct diag *with_problems(int count)
{
    struct diag *diag = diag_new();
    for (int i = 0; i < count; i++)
        diag_error(diag, (struct place){"x", i + 1, 1, 1}, "p");
    return diag;
}

static void as_many_as_the_limit_are_printed_and_the_rest_counted(void)
{
    struct text text;
    struct diag *just = with_problems(DIAG_LIMIT), *more = with_problems(DIAG_LIMIT + 1);
    text_init(&text);
    diag_add_text(just, &text);
    CHECK(strstr(text_chars(&text), "more") == NULL);
    text_clear(&text);
    diag_add_text(more, &text);
    CHECK_CONTAINS(text_chars(&text), "and 1 more\n21 problems, nothing was run\n");
    CHECK(strstr(text_chars(&text), "x:21:1") == NULL);
    text_fini(&text);
    diag_free(just);
    diag_free(more);
}

static void a_hint_without_a_problem_is_lost(void)
{
    struct diag *diag = diag_new();
    diag_hint(diag, "nobody asked");
    check_text(diag, "");
    diag_free(diag);
}

static void what_was_typed_comes_in_its_order_and_before_files(void)
{
    struct diag *diag = diag_new();
    diag_source(diag, "a.yaml", "x\n", 2);
    diag_typed(diag, "-z 'é: ('", "é: (");
    diag_typed(diag, "-a 'b'", "b");
    diag_error(diag, (struct place){"a.yaml", 1, 1, 1}, "first");
    diag_error(diag, (struct place){"-a 'b'", 1, 1, 1}, "second");
    diag_error(diag, (struct place){"-z 'é: ('", 2, 1, 1}, "third");
    check_text(diag, "halfopen: -z 'é: (': third\n      | é: (\n      |     ^\n"
                     "halfopen: -a 'b': second\n      | b\n      | ^\n"
                     "a.yaml:1:1: error: first\n    1 | x\n      | ^\n"
                     "3 problems, nothing was run\n");
    diag_free(diag);
}

SUITE(diag, TEST(what_was_typed_comes_in_its_order_and_before_files),
      TEST(no_problem_prints_nothing), TEST(the_caret_stands_under_the_column_with_tabs_kept),
      TEST(columns_count_characters_and_not_bytes),
      TEST(problems_come_in_the_order_of_their_places),
      TEST(places_beyond_the_source_have_no_excerpt), TEST(a_file_as_a_whole_has_no_line),
      TEST(the_command_line_speaks_for_the_program), TEST(warnings_alone_stop_nothing),
      TEST(as_many_as_the_limit_are_printed_and_the_rest_counted),
      TEST(a_hint_without_a_problem_is_lost))
