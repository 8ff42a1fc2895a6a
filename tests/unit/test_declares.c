#include "trace/declares.h"

#include <stddef.h>
#include <string.h>

#include "tests/check.h"

static void each_has_its_member(void)
{
    CHECK_INT(declares_read_json("{\"hooks\":{\"send\":\"stdin\"}}"), DECLARES_SEND);
    CHECK_INT(declares_read_json("{\"hooks\":{\"close\":\"http\"}}"), DECLARES_CLOSE);
    CHECK_INT(declares_read_json("{\"hooks\":{\"gave_up\":\"exit\"}}"), DECLARES_GAVE_UP);
    CHECK_INT(declares_read_json("{\"messages\":{\"id\":true}}"), DECLARES_MESSAGES);
    CHECK_INT(declares_read_json("{\"auth\":{\"message\":true}}"), DECLARES_AUTH);
    CHECK_INT(declares_read_json("{\"auth\":{\"ack\":true,\"answer\":false}}"), DECLARES_ACK);
    CHECK_INT(declares_read_json("{\"auth\":{\"answer\":true}}"), DECLARES_ANSWER);
    CHECK_INT(declares_read_json("{\"hooks\":{\"state\":\"http\"}}"), DECLARES_STATE);
    CHECK_INT(declares_read_json("{\"sessions\":{\"subscribe\":true}}"), DECLARES_SUBSCRIBE);
    CHECK_INT(declares_read_json("{\"sessions\":{\"resume\":true}}"), DECLARES_RESUME);
    CHECK_INT(declares_read_json("{\"sessions\":{\"state\":true}}"), DECLARES_SESSION_STATE);
}

static void what_is_not_there_is_not_declared(void)
{
    CHECK_INT(declares_read_json("{}"), 0);
    CHECK_INT(declares_read_json(NULL), 0);
    CHECK_INT(declares_read_json("[1]"), 0);
    CHECK_INT(declares_read_json("{\"hooks\":\"send\"}"), 0);
    CHECK_INT(declares_read_json("{\"messages\":{\"id\":false},\"auth\":{\"message\":null}}"), 0);
}

static void the_first_of_what_is_missing_is_named(void)
{
    CHECK(declaration_missing(0, 0) == NULL);
    CHECK(declaration_missing(DECLARES_SEND, DECLARES_SEND | DECLARES_CLOSE) == NULL);
    const struct declaration *missing =
        declaration_missing(DECLARES_SEND | DECLARES_MESSAGES, DECLARES_SEND);
    CHECK_STR(missing ? missing->member : "nothing", "id");
}

static void every_line_to_add_has_its_key(void)
{
    for (const struct declaration *at = declarations; at->part; at++) {
        CHECK_CONTAINS(at->example, at->part);
        CHECK_CONTAINS(at->example, at->member);
        CHECK(strlen(at->lack) > 0);
    }
}

SUITE(declares, TEST(each_has_its_member), TEST(what_is_not_there_is_not_declared),
      TEST(the_first_of_what_is_missing_is_named), TEST(every_line_to_add_has_its_key))
