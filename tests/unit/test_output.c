#include "net/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "tests/check.h"

struct log {
    char path[32];
    struct loop *loop;
    struct output *output;
    int end; /* what the process writes to */
};

static void begin(struct log *log)
{
    snprintf(log->path, sizeof log->path, "/tmp/halfopen-test-XXXXXX");
    int fd = mkstemp(log->path);
    CHECK(fd >= 0 && close(fd) == 0);
    log->loop = loop_new();
    log->output = output_new(log->loop, log->path, &log->end);
    CHECK(log->output != NULL);
}

/* The caller frees; terminated. */
static char *read_log(const struct log *log, size_t *len)
{
    char *bytes = xcalloc(1, 4 << 20);
    FILE *file = fopen(log->path, "re");
    *len = file ? fread(bytes, 1, (4 << 20) - 1, file) : 0;
    if (file)
        fclose(file);
    return bytes;
}

static void end(struct log *log)
{
    if (log->end >= 0)
        close(log->end);
    output_free(log->output);
    loop_free(log->loop);
    (void)unlink(log->path);
}

/* Digits of the place, so that any byte tells where it stood; settled often enough for the pipe. */
static void print(struct log *log, size_t len)
{
    char part[4096];
    for (size_t at = 0; at < len; at += sizeof part) {
        size_t some = len - at < sizeof part ? len - at : sizeof part;
        for (size_t i = 0; i < some; i++)
            part[i] = (char)('a' + (at + i) / 4096 % 26);
        CHECK(write(log->end, part, some) == (ssize_t)some);
        if (at / sizeof part % 8 == 7)
            output_settle(log->output);
    }
    output_settle(log->output);
}

static void little_is_kept_as_it_is(void)
{
    struct log log;
    size_t len;
    begin(&log);
    CHECK(write(log.end, "one\n", 4) == 4);
    output_settle(log.output);
    CHECK(write(log.end, "two\n", 4) == 4);
    output_settle(log.output);
    char *text = read_log(&log, &len);
    CHECK_STR(text, "one\ntwo\n");
    free(text);
    end(&log);
}

static void what_fits_exactly_is_whole(void)
{
    struct log log;
    size_t len;
    begin(&log);
    print(&log, OUTPUT_BEGINNING_BYTES + OUTPUT_END_BYTES);
    char *text = read_log(&log, &len);
    CHECK_INT(len, OUTPUT_BEGINNING_BYTES + OUTPUT_END_BYTES);
    CHECK(!strstr(text, "left out"));
    free(text);
    end(&log);
}

static void one_byte_more_is_left_out_and_said(void)
{
    struct log log;
    size_t len, all = OUTPUT_BEGINNING_BYTES + OUTPUT_END_BYTES + 1;
    begin(&log);
    print(&log, all);
    char *text = read_log(&log, &len);
    CHECK_CONTAINS(text + OUTPUT_BEGINNING_BYTES, "\n[halfopen: 1 bytes left out here]\n");
    CHECK_INT(text[0], 'a');
    CHECK_INT(text[len - 1], 'a' + (int)((all - 1) / 4096 % 26));
    free(text);
    end(&log);
}

static void the_end_moves_with_what_comes(void)
{
    struct log log;
    size_t len, first_len;
    begin(&log);
    print(&log, OUTPUT_BEGINNING_BYTES + 3 * OUTPUT_END_BYTES + 777);
    free(read_log(&log, &first_len));
    CHECK(write(log.end, "the very end", 12) == 12);
    output_settle(log.output);
    char *text = read_log(&log, &len);
    CHECK_INT(len, first_len);
    CHECK_STR(text + len - 12, "the very end");
    free(text);
    end(&log);
}

static void an_ended_process_is_read_to_its_end(void)
{
    struct log log;
    size_t len;
    begin(&log);
    CHECK(write(log.end, "last words", 10) == 10);
    close(log.end);
    log.end = -1;
    output_settle(log.output);
    output_settle(log.output); /* nothing is left of the pipe */
    char *text = read_log(&log, &len);
    CHECK_STR(text, "last words");
    free(text);
    end(&log);
}

static void a_folder_that_is_not_there_is_an_error(void)
{
    struct loop *loop = loop_new();
    int fd;
    CHECK(output_new(loop, "/nowhere/log", &fd) == NULL);
    loop_free(loop);
}

static void on_line(void *context, const char *line, size_t len)
{
    (void)len;
    text_addf(context, "<%s>", line);
}

static void a_listener_is_shown_each_line_and_the_last_at_the_end(void)
{
    struct log log;
    struct text seen;
    text_init(&seen);
    begin(&log);
    output_listen(log.output, on_line, &seen);
    CHECK(write(log.end, "giving", 6) == 6);
    output_settle(log.output);
    CHECK_STR(text_chars(&seen), "");
    CHECK(write(log.end, " up\nlast", 8) == 8);
    output_settle(log.output);
    CHECK_STR(text_chars(&seen), "<giving up>");
    close(log.end);
    log.end = -1;
    output_settle(log.output);
    CHECK_STR(text_chars(&seen), "<giving up><last>");
    text_fini(&seen);
    end(&log);
}

SUITE(output, TEST(a_listener_is_shown_each_line_and_the_last_at_the_end),
      TEST(little_is_kept_as_it_is), TEST(what_fits_exactly_is_whole),
      TEST(one_byte_more_is_left_out_and_said), TEST(the_end_moves_with_what_comes),
      TEST(an_ended_process_is_read_to_its_end), TEST(a_folder_that_is_not_there_is_an_error))
