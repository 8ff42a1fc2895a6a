/* Tests that are spread over processes count as if they were not. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/unit/pieces.h"

#define PIECES 5

typedef void (*piece_work)(void *context, size_t piece, struct text *out);

/* With as many processes. */
static void work_with(const char *jobs, piece_work work, struct piece *pieces)
{
    const char *before = getenv("CHECK_JOBS");
    char *kept = before ? xstrdup(before) : NULL;
    CHECK_INT(setenv("CHECK_JOBS", jobs, 1), 0);
    pieces_work(PIECES, work, NULL, pieces);
    CHECK_INT(kept ? setenv("CHECK_JOBS", kept, 1) : unsetenv("CHECK_JOBS"), 0);
    free(kept);
}

static void free_pieces(struct piece *pieces)
{
    for (size_t i = 0; i < PIECES; i++)
        piece_fini(&pieces[i]);
}

static void say_number(void *context, size_t piece, struct text *out)
{
    text_addf(out, "piece %zu", piece);
    for (size_t i = 0; i < piece; i++)
        CHECK_INT(i, i);
    CHECK_INT(piece, piece == 3 ? 33 : piece);
}

static void check_numbers(const char *jobs)
{
    struct piece pieces[PIECES] = {0};
    struct failure failure;
    work_with(jobs, say_number, pieces);
    for (size_t i = 0; i < PIECES; i++) {
        size_t at = 0;
        char *words = xprintf("piece %zu", i);
        CHECK_STR(text_chars(&pieces[i].out), words);
        CHECK_INT(pieces[i].checks.passed, i == 3 ? 3 : i + 1);
        CHECK_INT(checks_failure(&pieces[i].checks, &at, &failure), i == 3);
        free(words);
    }
    free_pieces(pieces);
}

static void each_piece_is_done_once_and_its_checks_are_kept(void)
{
    check_numbers("1");
    check_numbers("2");
    check_numbers("9");
}

static void a_failure_names_its_place(void)
{
    struct piece pieces[PIECES] = {0};
    struct failure failure = {0};
    size_t at = 0;
    work_with("2", say_number, pieces);
    CHECK(checks_failure(&pieces[3].checks, &at, &failure));
    CHECK_CONTAINS(failure.file, "test_spread.c");
    CHECK_STR(failure.message, "piece: got 3, want 33");
    CHECK(failure.line > 0);
    CHECK(!checks_failure(&pieces[3].checks, &at, &failure));
    free_pieces(pieces);
}

static void die_in_the_second(void *context, size_t piece, struct text *out)
{
    struct rlimit none = {0};
    (void)setrlimit(RLIMIT_CORE, &none);
    if (piece == 1)
        (void)raise(SIGKILL);
}

static void leave_in_the_second(void *context, size_t piece, struct text *out)
{
    if (piece == 1)
        exit(7);
}

static void leave_quietly(void *context, size_t piece, struct text *out)
{
    exit(EXIT_SUCCESS);
}

static void check_second(piece_work work, const char *words)
{
    struct piece pieces[PIECES] = {0};
    work_with("2", work, pieces);
    for (size_t i = 0; i < PIECES; i++) {
        struct failure failure = {0};
        size_t at = 0;
        bool failed = checks_failure(&pieces[i].checks, &at, &failure);
        CHECK_INT(failed, i == 1);
        if (failed)
            CHECK_STR(failure.message, words);
    }
    free_pieces(pieces);
}

static void a_piece_whose_process_dies_has_failed(void)
{
    check_second(die_in_the_second, "piece 1: its process ended by signal 9");
    check_second(leave_in_the_second, "piece 1: its process ended with status 7");
}

static void what_was_left_undone_has_failed(void)
{
    struct piece pieces[PIECES] = {0};
    work_with("2", leave_quietly, pieces);
    for (size_t i = 0; i < PIECES; i++) {
        struct failure failure = {0};
        size_t at = 0;
        char *words = xprintf("piece %zu: its process ended with status 0", i);
        CHECK(checks_failure(&pieces[i].checks, &at, &failure));
        CHECK_STR(failure.message, words);
        free(words);
    }
    free_pieces(pieces);
}

static void die_each_time(void *context, size_t piece, struct text *out)
{
    if (piece != PIECES - 1)
        die_in_the_second(context, 1, out);
    text_add(out, "alive");
}

/* Each death leaves one process less, if nobody takes its place. */
static void another_process_goes_on_with_the_rest(void)
{
    struct piece pieces[PIECES] = {0};
    work_with("2", die_each_time, pieces);
    for (size_t i = 0; i < PIECES; i++) {
        struct failure failure = {0};
        size_t at = 0;
        CHECK_INT(checks_failure(&pieces[i].checks, &at, &failure), i != PIECES - 1);
    }
    CHECK_STR(text_chars(&pieces[PIECES - 1].out), "alive");
    free_pieces(pieces);
}

static void add_long_output(void *context, size_t piece, struct text *out)
{
    for (size_t i = 0; i < 100000; i++)
        text_addf(out, "%zu:%zu ", piece, i);
}

static void output_longer_than_a_pipe_holds_comes_back(void)
{
    struct piece pieces[PIECES] = {0};
    struct text want;
    work_with("2", add_long_output, pieces);
    for (size_t i = 0; i < PIECES; i++) {
        text_init(&want);
        add_long_output(NULL, i, &want);
        CHECK_BYTES(pieces[i].out.chars, pieces[i].out.len, want.chars, want.len);
        text_fini(&want);
    }
    free_pieces(pieces);
}

SUITE(spread, TEST(each_piece_is_done_once_and_its_checks_are_kept),
      TEST(a_failure_names_its_place), TEST(a_piece_whose_process_dies_has_failed),
      TEST(what_was_left_undone_has_failed), TEST(another_process_goes_on_with_the_rest),
      TEST(output_longer_than_a_pipe_holds_comes_back))
