#include "base/lines.h"

#include <string.h>

#include "base/text.h"
#include "tests/check.h"

static void on_line(void *context, const char *line, size_t len)
{
    CHECK_INT(strlen(line), len);
    text_addf(context, "<%s>", line);
}

static void begin(struct lines *lines, struct text *seen)
{
    text_init(seen);
    *lines = (struct lines){.on_line = on_line, .context = seen};
}

static void end(struct lines *lines, struct text *seen, const char *want)
{
    CHECK_STR(text_chars(seen), want);
    lines_fini(lines);
    text_fini(seen);
}

static void feed(struct lines *lines, const char *text)
{
    lines_feed(lines, (const uint8_t *)text, strlen(text));
}

static void lines_are_the_same_however_they_are_cut(void)
{
    const char text[] = "one\n\ntwo\r\nthree\n";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct lines lines;
        struct text seen;
        begin(&lines, &seen);
        lines_feed(&lines, (const uint8_t *)text, cut);
        lines_feed(&lines, (const uint8_t *)text + cut, sizeof text - 1 - cut);
        end(&lines, &seen, "<one><><two><three>");
    }
}

static void a_line_without_its_end_is_not_shown_yet(void)
{
    struct lines lines;
    struct text seen;
    begin(&lines, &seen);
    feed(&lines, "giving ");
    CHECK_INT(seen.len, 0);
    feed(&lines, "up");
    CHECK_INT(seen.len, 0);
    lines_end(&lines);
    lines_end(&lines);
    end(&lines, &seen, "<giving up>");
}

/* Exactly at the limit, and one beyond. */
static void of_a_long_line_the_beginning_is_shown_once(void)
{
    for (size_t more = 0; more < 2; more++) {
        struct lines lines;
        struct text seen;
        begin(&lines, &seen);
        for (size_t i = 0; i < LINES_LIMIT_BYTES - 1; i++)
            feed(&lines, "x");
        feed(&lines, more ? "yz\nnext\n" : "y\nnext\n");
        CHECK_INT(seen.len, LINES_LIMIT_BYTES + strlen("<>") + strlen("<next>"));
        CHECK_CONTAINS(text_chars(&seen), "xy><next>");
        lines_fini(&lines);
        text_fini(&seen);
    }
}

SUITE(lines, TEST(lines_are_the_same_however_they_are_cut),
      TEST(a_line_without_its_end_is_not_shown_yet),
      TEST(of_a_long_line_the_beginning_is_shown_once))
