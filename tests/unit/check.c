/* Runs the suites: all of them, or those whose name begins with an argument. */
#include "tests/check.h"

#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

extern const struct test_suite *const all_suites[];

static void fail(const char *file, int line, const char *what, const char *detail)
{
    char message[1024];
    snprintf(message, sizeof message, "%s: %s", what, detail);
    fprintf(stderr, "\n%s:%d: %s\n", file, line, message);
    CU_assertImplementation(CU_FALSE, (unsigned)line, message, file, "", CU_FALSE);
}

static void pass(const char *file, int line, const char *what)
{
    CU_assertImplementation(CU_TRUE, (unsigned)line, what, file, "", CU_FALSE);
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

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(name, argv[i], strlen(argv[i])) == 0)
            return true;
    return argc < 2;
}

static bool add_suite(const struct test_suite *suite)
{
    CU_pSuite added = CU_add_suite(suite->name, NULL, NULL);
    for (const struct test_case *test = suite->cases; added && test->name; test++)
        if (!CU_add_test(added, test->name, test->run))
            return false;
    return added != NULL;
}

int main(int argc, char **argv)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    for (int i = 0; all_suites[i]; i++)
        if (wanted(all_suites[i]->name, argc, argv) && !add_suite(all_suites[i]))
            return 1;
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned run = CU_get_number_of_tests_run(), wrong = CU_get_number_of_tests_failed();
    bool failed = wrong > 0 || run == 0;
    printf("%u passed, %u failed\n", run - wrong, wrong);
    CU_cleanup_registry();
    return failed;
}
