#include "trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/check.h"

#define START                                                                                      \
    "{\"seq\":1,\"at\":0,\"ev\":\"run.start\",\"by\":\"proxy\",\"format\":1,\"clients\":2}\n"

/* What is said of a trace, and how many events it has; -1: it was refused. */
static int events_of(const char *chars, const char *want)
{
    struct text said;
    struct diag *diag = diag_new();
    text_init(&said);
    struct trace *trace = trace_parse("t", chars, strlen(chars), diag);
    int count = trace ? (int)trace->count : -1;
    diag_add_text(diag, &said);
    CHECK_CONTAINS(text_chars(&said), want);
    CHECK_INT(diag_errors(diag) > 0, trace == NULL);
    trace_free(trace);
    diag_free(diag);
    text_fini(&said);
    return count;
}

static void a_trace_has_its_events(void)
{
    CHECK_INT(events_of(START "{\"seq\":2,\"at\":1,\"ev\":\"mark\",\"by\":\"proxy\"}\n", ""), 2);
}

static void a_last_line_cut_short_is_left_out_with_a_warning(void)
{
    CHECK_INT(
        events_of(START "{\"seq\":2,\"at\":1,\"ev\":\"ma", "t:2: warning: the last line is cut"),
        1);
}

static void a_last_line_that_only_lacks_its_newline_counts(void)
{
    CHECK_INT(events_of(START "{\"seq\":2,\"at\":1,\"ev\":\"mark\",\"by\":\"proxy\"}", ""), 2);
}

static void a_broken_line_in_the_middle_is_an_error(void)
{
    CHECK_INT(events_of(START "{\"seq\":2,\n{\"seq\":3,\"at\":1,\"ev\":\"mark\"}\n",
                        "t:2: error: no JSON object"),
              -1);
}

static void unknown_events_are_skipped_and_empty_lines_too(void)
{
    CHECK_INT(events_of(START "\n{\"seq\":2,\"at\":1,\"ev\":\"of.tomorrow\"}\n", ""), 1);
}

static void numbers_ascend_and_time_does_not_go_back(void)
{
    CHECK_INT(
        events_of(START "{\"seq\":1,\"at\":1,\"ev\":\"mark\"}\n", "t:2: error: seq is 1 after 1"),
        -1);
    CHECK_INT(events_of(START "{\"seq\":2,\"at\":2,\"ev\":\"mark\"}\n{\"seq\":3,\"at\":1.999999,"
                              "\"ev\":\"mark\"}\n",
                        "t:3: error: at is 1.999999 after 2.000000: time went back"),
              -1);
}

static void a_trace_begins_with_its_start(void)
{
    CHECK_INT(
        events_of("{\"seq\":1,\"at\":0,\"ev\":\"mark\"}\n", "t:1: error: a trace begins with"), -1);
    CHECK_INT(events_of("", "t: error: holds no event"), -1);
    CHECK_INT(events_of("{\"seq\":1,\"at\":0}\n", "t:1: error: no event"), -1);
}

static void numbers_out_of_their_range_are_refused_at_the_first_one(void)
{
    CHECK_INT(events_of(START "{\"seq\":2,\"at\":1,\"ev\":\"mark\",\"conn\":4294967295}\n", ""), 2);
    CHECK_INT(events_of(START "{\"seq\":2,\"at\":1,\"ev\":\"mark\",\"conn\":4294967296}\n",
                        "conn is no whole number from 0 to 4294967295"),
              -1);
    CHECK_INT(events_of(START "{\"seq\":2,\"at\":1,\"ev\":\"mark\",\"client\":4095}\n", ""), 2);
    CHECK_INT(
        events_of(START "{\"seq\":2,\"at\":1,\"ev\":\"mark\",\"client\":4096}\n", "client is"), -1);
    CHECK_INT(events_of(START "{\"seq\":2,\"at\":1,\"ev\":\"mark\",\"client\":1.5}\n", "client is"),
              -1);
}

static void fields_of_another_type_are_as_if_they_were_not_there(void)
{
    struct diag *diag = diag_new();
    static const char chars[] =
        START "{\"seq\":2,\"at\":\"x\",\"ev\":\"mark\",\"by\":7,\"side\":[],\"text\":{}}\n";
    struct trace *trace = trace_parse("t", chars, sizeof chars - 1, diag);
    CHECK(trace != NULL);
    if (trace) {
        CHECK_INT(trace->events[1].at, 0);
        CHECK_INT(trace->events[1].by, BY_PROXY);
        CHECK_INT(trace->events[1].side, SIDE_NONE);
        CHECK_STR(trace->events[1].mark.text, "");
    }
    trace_free(trace);
    diag_free(diag);
}

static void too_many_errors_end_the_reading(void)
{
    struct text chars, said;
    struct diag *diag = diag_new();
    text_init(&chars);
    text_init(&said);
    for (int i = 0; i < 1000; i++)
        text_add(&chars, "x\n");
    CHECK(trace_parse("t", chars.chars, chars.len, diag) == NULL);
    CHECK_INT(diag_errors(diag), DIAG_LIMIT);
    diag_free(diag);
    text_fini(&chars);
    text_fini(&said);
}

/* The limit is 4 MiB a line. */
static void a_line_may_be_long_but_not_endless(void)
{
    for (int more = 0; more < 2; more++) {
        struct text chars;
        struct diag *diag = diag_new();
        text_init(&chars);
        text_add(&chars, START "{\"seq\":2,\"at\":1,\"ev\":\"mark\",\"text\":\"");
        size_t used = chars.len - (sizeof START - 1);
        size_t pad = (((size_t)4 << 20) - used - 2) + (size_t)more;
        char *padding = xmalloc(pad);
        memset(padding, 'x', pad);
        text_add_bytes(&chars, padding, pad);
        text_add(&chars, "\"}\n");
        struct trace *trace = trace_parse("t", chars.chars, chars.len, diag);
        CHECK_INT(trace == NULL, more);
        trace_free(trace);
        free(padding);
        text_fini(&chars);
        diag_free(diag);
    }
}

static void a_file_reads_as_the_same_bytes_do(void)
{
    char name[] = "/tmp/halfopen-trace-XXXXXX";
    struct diag *diag = diag_new();
    FILE *file = fdopen(mkstemp(name), "w");
    fputs(START, file);
    for (int i = 2; i < 3000; i++) /* more than one piece of reading */
        fprintf(file, "{\"seq\":%d,\"at\":%d,\"ev\":\"mark\",\"text\":\"%d\"}\n", i, i, i);
    (void)fclose(file);
    struct trace *trace = trace_read(name, diag);
    CHECK(trace != NULL);
    if (trace) {
        CHECK_INT(trace->count, 2999);
        CHECK_STR(trace->events[2998].mark.text, "2999");
        CHECK_INT(trace->end, 2999 * NSEC_PER_SEC);
    }
    trace_free(trace);
    unlink(name);
    CHECK(trace_read(name, diag) == NULL);
    CHECK_INT(diag_errors(diag), 1);
    diag_free(diag);
}

SUITE(reader, TEST(a_trace_has_its_events), TEST(a_last_line_cut_short_is_left_out_with_a_warning),
      TEST(a_last_line_that_only_lacks_its_newline_counts),
      TEST(a_broken_line_in_the_middle_is_an_error),
      TEST(unknown_events_are_skipped_and_empty_lines_too),
      TEST(numbers_ascend_and_time_does_not_go_back), TEST(a_trace_begins_with_its_start),
      TEST(numbers_out_of_their_range_are_refused_at_the_first_one),
      TEST(fields_of_another_type_are_as_if_they_were_not_there),
      TEST(too_many_errors_end_the_reading), TEST(a_line_may_be_long_but_not_endless),
      TEST(a_file_reads_as_the_same_bytes_do))
