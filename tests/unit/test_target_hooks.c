#include "scenario/target_hooks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/target.h"
#include "tests/check.h"
#include "trace/declares.h"

static struct target *load(const char *text)
{
    struct diag *diag = diag_new();
    struct target *target = target_parse("halfopen.yaml", text, strlen(text), getenv, diag);
    CHECK_INT(diag_problems(diag), 0);
    diag_free(diag);
    return target;
}

static void each_way_of_asking_loads(void)
{
    struct target *target = load("hooks:\n  send: {stdin: 'send {n}'}\n"
                                 "  close: {http: 'POST  http://127.0.0.1:{port}/close'}\n");
    CHECK_INT(target->hooks.send.way, HOOK_BY_STDIN);
    CHECK_STR(target->hooks.send.line, "send {n}");
    CHECK_INT(target->hooks.close.way, HOOK_BY_HTTP);
    CHECK_STR(target->hooks.close.method, "POST");
    CHECK_STR(target->hooks.close.url, "http://127.0.0.1:{port}/close");
    CHECK_INT(target->hooks.gave_up.way, HOOK_BY_NOTHING);
    target_free(target);
}

static void each_way_of_hearing_loads(void)
{
    static const struct {
        const char *yaml;
        enum hook_way way;
        const char *pattern;
        int code;
    } cases[] = {{"{log: 'giving (up|in)'}", HOOK_BY_LOG, "giving (up|in)", 0},
                 {"{exit: true}", HOOK_BY_EXIT, NULL, -1},
                 {"{exit: 3}", HOOK_BY_EXIT, NULL, 3},
                 {"{exit: 0}", HOOK_BY_EXIT, NULL, 0},
                 {"{http: 'GET http://h:1/', match: 'failed'}", HOOK_BY_HTTP, "failed", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *yaml = xprintf("hooks: {gave_up: %s}\n", cases[i].yaml);
        struct target *target = load(yaml);
        free(yaml);
        const struct target_hook *hook = &target->hooks.gave_up;
        CHECK_INT(hook->way, cases[i].way);
        CHECK_INT(hook->code, cases[i].code);
        CHECK_STR(hook->pattern ? hook->pattern : "none",
                  cases[i].pattern ? cases[i].pattern : "none");
        target_free(target);
    }
}

static void each_way_of_asking_for_the_state_loads(void)
{
    struct target *target = load("hooks: {state: {stdin: state, log: 'state: (.*)'}}\n");
    CHECK_INT(target->hooks.state.way, HOOK_BY_STDIN);
    CHECK_STR(target->hooks.state.line, "state");
    CHECK_STR(target->hooks.state.pattern, "state: (.*)");
    CHECK(target_hooks_use(&target->hooks, HOOK_BY_STDIN));
    target_free(target);
    target = load("hooks: {state: {http: 'GET http://h:{port}/s', match: 'cart=(.*)'}}\n");
    CHECK_INT(target->hooks.state.way, HOOK_BY_HTTP);
    CHECK_STR(target->hooks.state.url, "http://h:{port}/s");
    CHECK_STR(target->hooks.state.pattern, "cart=(.*)");
    target_free(target);
    target = load("hooks: {state: {http: 'GET http://h:{port}/s'}}\n");
    CHECK(target->hooks.state.pattern == NULL);
    target_free(target);
}

static void places_are_filled_and_other_braces_stay(void)
{
    const struct hook_values values = {.number = 7, .index = 2, .port = 9100};
    char *filled = hook_filled("{\"op\":{n},\"of\":\"{index}\"} {port}{ n}{num}", &values);
    CHECK_STR(filled, "{\"op\":7,\"of\":\"2\"} 9100{ n}{num}");
    free(filled);
}

static void what_is_declared_is_written_for_the_trace(void)
{
    struct target *target = load("hooks: {send: {stdin: s}, gave_up: {exit: true}, "
                                 "state: {http: 'GET http://h/'}}\n");
    struct text out;
    struct json json;
    text_init(&out);
    json_init(&json, &out, 0);
    json_object_open(&json, NULL);
    target_hooks_write(&target->hooks, &json);
    json_object_close(&json);
    CHECK_STR(text_chars(&out),
              "{\"hooks\":{\"send\":\"stdin\",\"gave_up\":\"exit\",\"state\":\"http\"}}");
    CHECK_INT(declares_read_json(text_chars(&out)),
              DECLARES_SEND | DECLARES_GAVE_UP | DECLARES_STATE);
    text_fini(&out);
    target_free(target);
}

SUITE(target_hooks, TEST(each_way_of_asking_loads), TEST(each_way_of_hearing_loads),
      TEST(each_way_of_asking_for_the_state_loads), TEST(places_are_filled_and_other_braces_stay),
      TEST(what_is_declared_is_written_for_the_trace))
