/* Runs the suites: all of them, or those whose name begins with an argument. --times tells what
 * each took. All tests are run first, spread over the processors; CUnit counts what became of them.
 */
#include "tests/check.h"

#include <CUnit/Basic.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/unit/pieces.h"

#define FAILURES_TOLD 50 /* of one test */
#define KEPT_BYTES    (256 << 20)

extern const struct test_suite *const all_suites[];

/* --- Checks --- */

static struct checks *current; /* NULL: no test is running */

void checks_fini(struct checks *checks)
{
    text_fini(&checks->failures);
}

struct checks *checks_make(struct checks *checks)
{
    struct checks *before = current;
    current = checks;
    return before;
}

void checks_fail(struct checks *checks, const char *file, int line, const char *message)
{
    text_addf(&checks->failures, "%s%c%d%c%s%c", file, '\0', line, '\0', message, '\0');
}

void checks_count(const struct checks *checks)
{
    current->passed += checks->passed;
    text_add_bytes(&current->failures, text_chars(&checks->failures), checks->failures.len);
}

bool checks_failure(const struct checks *checks, size_t *at, struct failure *failure)
{
    const char *chars = text_chars(&checks->failures);
    if (*at >= checks->failures.len)
        return false;
    const char *digits = chars + *at + strlen(chars + *at) + 1;
    const char *message = digits + strlen(digits) + 1;
    *failure = (struct failure){
        .file = chars + *at, .line = (int)strtol(digits, NULL, 10), .message = message};
    *at = (size_t)(message - chars) + strlen(message) + 1;
    return true;
}

static void fail(const char *file, int line, const char *what, const char *detail)
{
    char message[1024];
    snprintf(message, sizeof message, "%s: %s", what, detail);
    checks_fail(current, file, line, message);
}

static void pass(const char *file, int line, const char *what)
{
    current->passed++;
}

void check_int(const char *file, int line, const char *what, int64_t got, int64_t want)
{
    char detail[128];
    if (got == want) {
        pass(file, line, what);
        return;
    }
    snprintf(detail, sizeof detail, "got %lld, want %lld", (long long)got, (long long)want);
    fail(file, line, what, detail);
}

void check_real(const char *file, int line, const char *what, double got, double want,
                double within)
{
    char detail[128];
    if (fabs(got - want) <= within) {
        pass(file, line, what);
        return;
    }
    snprintf(detail, sizeof detail, "got %.9g, want %.9g within %g", got, want, within);
    fail(file, line, what, detail);
}

void check_str(const char *file, int line, const char *what, const char *got, const char *want)
{
    char detail[900];
    if (got == want || (got && want && strcmp(got, want) == 0)) {
        pass(file, line, what);
        return;
    }
    snprintf(detail, sizeof detail, "got \"%s\", want \"%s\"", got ? got : "(null)",
             want ? want : "(null)");
    fail(file, line, what, detail);
}

void check_contains(const char *file, int line, const char *what, const char *got, const char *part)
{
    char detail[900];
    if (got && strstr(got, part)) {
        pass(file, line, what);
        return;
    }
    snprintf(detail, sizeof detail, "\"%s\" does not contain \"%s\"", got ? got : "(null)", part);
    fail(file, line, what, detail);
}

void check_bytes(const char *file, int line, const char *what, const void *got, size_t got_len,
                 const void *want, size_t want_len)
{
    char detail[128];
    if (got_len == want_len && (got_len == 0 || memcmp(got, want, got_len) == 0)) {
        pass(file, line, what);
        return;
    }
    size_t at = 0;
    while (at < got_len && at < want_len &&
           ((const uint8_t *)got)[at] == ((const uint8_t *)want)[at])
        at++;
    snprintf(detail, sizeof detail, "got %zu bytes, want %zu, first difference at %zu", got_len,
             want_len, at);
    fail(file, line, what, detail);
}

void check_true(const char *file, int line, const char *what, bool got)
{
    if (got)
        pass(file, line, what);
    else
        fail(file, line, what, "does not hold");
}

/* --- All tests --- */

struct test {
    const struct test_suite *suite;
    const struct test_case *test;
};

struct tests {
    struct test *list;
    struct piece *pieces; /* what became of each */
    size_t count, counted;
};

/* CUnit's tests take no argument. */
static struct tests all;

struct options {
    char **names;
    int name_count;
    bool times;
};

static bool wanted(const struct options *options, const char *name)
{
    for (int i = 0; i < options->name_count; i++)
        if (strncmp(name, options->names[i], strlen(options->names[i])) == 0)
            return true;
    return options->name_count == 0;
}

static void run_test(void *context, size_t piece, struct text *out)
{
    const struct tests *tests = context;
    tests->list[piece].test->run();
}

static void tell(const struct failure *failure)
{
    fprintf(stderr, "\n%s:%d: %s\n", failure->file, failure->line, failure->message);
    CU_assertImplementation(CU_FALSE, (unsigned)failure->line, failure->message, failure->file, "",
                            CU_FALSE);
}

static void count_test(void)
{
    const struct checks *checks = &all.pieces[all.counted++].checks;
    struct failure failure;
    size_t at = 0, failed = 0;
    for (size_t i = 0; i < checks->passed; i++)
        CU_assertImplementation(CU_TRUE, 0, "", "", "", CU_FALSE);
    while (checks_failure(checks, &at, &failure))
        if (++failed <= FAILURES_TOLD)
            tell(&failure);
    if (failed > FAILURES_TOLD)
        fprintf(stderr, "\nand %zu more in this test\n", failed - FAILURES_TOLD);
}

static bool add_suite(const struct test_suite *suite)
{
    CU_pSuite added = CU_add_suite(suite->name, NULL, NULL);
    for (const struct test_case *test = suite->cases; added && test->name; test++) {
        if (!CU_add_test(added, test->name, count_test))
            return false;
        all.list = xrealloc(all.list, (all.count + 1) * sizeof *all.list);
        all.list[all.count++] = (struct test){.suite = suite, .test = test};
    }
    return added != NULL;
}

static bool add_suites(const struct options *options)
{
    for (int i = 0; all_suites[i]; i++)
        if (wanted(options, all_suites[i]->name) && !add_suite(all_suites[i]))
            return false;
    all.pieces = xcalloc(all.count + 1, sizeof *all.pieces);
    return true;
}

/* --- Times --- */

struct times {
    const char *suite;
    double took, work;
};

static int longest_first(const void *one, const void *other)
{
    double difference = ((const struct times *)one)->work - ((const struct times *)other)->work;
    return (difference < 0) - (difference > 0);
}

static void print_times(void)
{
    struct times *times = xcalloc(all.count + 1, sizeof *times), sum = {.suite = "all"};
    size_t count = 0;
    for (size_t i = 0; i < all.count; i++) {
        if (i == 0 || all.list[i].suite != all.list[i - 1].suite)
            times[count++].suite = all.list[i].suite->name;
        times[count - 1].took += all.pieces[i].took;
        times[count - 1].work += all.pieces[i].work;
        sum.work += all.pieces[i].work;
    }
    qsort(times, count, sizeof *times, longest_first);
    printf("\n%-28s %12s %12s\n", "suite", "processor", "took");
    for (size_t i = 0; i < count; i++)
        printf("%-28s %10.3f s %10.3f s\n", times[i].suite, times[i].work, times[i].took);
    printf("%-28s %10.3f s\n", sum.suite, sum.work);
    free(times);
}

/* --- */

static void read_options(int argc, char **argv, struct options *options)
{
    *options = (struct options){.names = argv + 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--times") == 0)
            options->times = true;
        else
            options->names[options->name_count++] = argv[i];
    }
}

static void free_tests(void)
{
    for (size_t i = 0; i < all.count; i++)
        piece_fini(&all.pieces[i]);
    free(all.pieces);
    free(all.list);
}

/* What one simulation gave back the next one takes: the kernel need not clear it in between. */
static void keep_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

int main(int argc, char **argv)
{
    struct options options;
    keep_memory();
    read_options(argc, argv, &options);
    if (CU_initialize_registry() != CUE_SUCCESS || !add_suites(&options))
        return 1;
    double began = wall_time(), took;
    pieces_work(all.count, run_test, &all, all.pieces);
    took = wall_time() - began;
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned run = CU_get_number_of_tests_run(), wrong = CU_get_number_of_tests_failed();
    bool failed = wrong > 0 || run == 0;
    if (options.times)
        print_times();
    printf("in %.1f s\n", took);
    printf("%u passed, %u failed\n", run - wrong, wrong);
    CU_cleanup_registry();
    free_tests();
    return failed;
}
