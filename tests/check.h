/* The house's CUnit wrapper. A test file ends in
 *     SUITE(frame, TEST(empty_input_decodes_nothing), TEST(...))
 * and is found by its name, tests/unit/test_frame.c; nothing lists it by hand. Got and want are
 * printed on failure. */
#ifndef HALFOPEN_TESTS_CHECK_H
#define HALFOPEN_TESTS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_case {
    const char *name;
    void (*run)(void);
};

struct test_suite {
    const char *name;
    const struct test_case *cases; /* ends with a NULL name */
};

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }
#define SUITE(title, ...)                                                                          \
    static const struct test_case title##_cases[] = {__VA_ARGS__, {NULL, NULL}};                   \
    const struct test_suite title##_suite = {#title, title##_cases};

void check_int(const char *file, int line, const char *what, int64_t got, int64_t want);
void check_real(const char *file, int line, const char *what, double got, double want,
                double within);
void check_str(const char *file, int line, const char *what, const char *got, const char *want);
void check_bytes(const char *file, int line, const char *what, const void *got, size_t got_len,
                 const void *want, size_t want_len);
void check_true(const char *file, int line, const char *what, bool got);
void check_contains(const char *file, int line, const char *what, const char *got,
                    const char *part);

#define CHECK(x)                      check_true(__FILE__, __LINE__, #x, (x))
#define CHECK_INT(got, want)          check_int(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(want))
#define CHECK_REAL(got, want, within) check_real(__FILE__, __LINE__, #got, got, want, within)
#define CHECK_STR(got, want)          check_str(__FILE__, __LINE__, #got, got, want)
#define CHECK_CONTAINS(got, part)     check_contains(__FILE__, __LINE__, #got, got, part)
#define CHECK_BYTES(got, got_len, want, want_len)                                                  \
    check_bytes(__FILE__, __LINE__, #got, got, got_len, want, want_len)

#endif
