#include "trace/close_codes.h"

#include <stdlib.h>
#include <string.h>

#include "scenario/target.h"
#include "tests/check.h"
#include "trace/declares.h"

static void written_codes_are_read_back(void)
{
    const struct close_codes codes = {
        .final = {4401, 4403}, .final_count = 2, .retry = {4429}, .retry_count = 1};
    struct close_codes back;
    struct text out;
    struct json json;
    text_init(&out);
    json_init(&json, &out, 0);
    json_object_open(&json, NULL);
    close_codes_write(&codes, &json);
    json_object_close(&json);
    CHECK_STR(text_chars(&out), "{\"close_codes\":{\"final\":[4401,4403],\"retry\":[4429]}}");
    CHECK_INT(declares_read_json(text_chars(&out)), DECLARES_CODES);
    close_codes_read(&back, text_chars(&out));
    CHECK_INT(close_codes_count(&back), 3);
    CHECK(close_code_is_final(&back, 4403) && !close_code_is_final(&back, 4429));
    CHECK(close_code_is_retry(&back, 4429) && !close_code_is_retry(&back, 4401));
    text_fini(&out);
}

static void they_go_round(void)
{
    const struct close_codes codes = {
        .final = {4401, 4403}, .final_count = 2, .retry = {4429}, .retry_count = 1};
    static const uint16_t turns[] = {4401, 4403, 4429, 4401};
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(close_codes_nth(&codes, i), turns[i]);
    CHECK_INT(close_codes_nth(&(struct close_codes){.final_count = 0}, 3), 0);
}

static void what_is_no_list_of_codes_is_none(void)
{
    static const char *const texts[] = {"", "{}", "[]", "{\"close_codes\":4401}",
                                        "{\"close_codes\":{\"final\":[\"4401\"],\"retry\":4429}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct close_codes codes;
        close_codes_read(&codes, texts[i]);
        CHECK_INT(close_codes_count(&codes), 0);
    }
}

static void one_kind_alone_is_declared_too(void)
{
    const char *yaml = "close_codes: {retry: [4429]}\n";
    struct diag *diag = diag_new();
    struct target *target = target_parse("halfopen.yaml", yaml, strlen(yaml), getenv, diag);
    CHECK(target != NULL);
    struct text out;
    struct json json;
    text_init(&out);
    json_init(&json, &out, 0);
    json_object_open(&json, NULL);
    close_codes_write(&target->close_codes, &json);
    json_object_close(&json);
    CHECK_INT(declares_read_json(text_chars(&out)), DECLARES_CODES);
    text_fini(&out);
    target_free(target);
    diag_free(diag);
}

SUITE(close_codes, TEST(written_codes_are_read_back), TEST(they_go_round),
      TEST(what_is_no_list_of_codes_is_none), TEST(one_kind_alone_is_declared_too))
