#include "trace/close_codes.h"

#include <jansson.h>

size_t close_codes_count(const struct close_codes *codes)
{
    return codes->final_count + codes->retry_count;
}

uint16_t close_codes_nth(const struct close_codes *codes, size_t nth)
{
    size_t count = close_codes_count(codes);
    if (count == 0)
        return 0;
    nth %= count;
    return nth < codes->final_count ? codes->final[nth] : codes->retry[nth - codes->final_count];
}

static bool is_among(const uint16_t *list, size_t count, uint64_t code)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == code)
            return true;
    return false;
}

bool close_code_is_final(const struct close_codes *codes, uint64_t code)
{
    return is_among(codes->final, codes->final_count, code);
}

bool close_code_is_retry(const struct close_codes *codes, uint64_t code)
{
    return is_among(codes->retry, codes->retry_count, code);
}

static void write_list(struct json *json, const char *key, const uint16_t *list, size_t count)
{
    json_array_open(json, key);
    for (size_t i = 0; i < count; i++)
        json_put_uint(json, NULL, list[i]);
    json_array_close(json);
}

void close_codes_write(const struct close_codes *codes, struct json *json)
{
    if (close_codes_count(codes) == 0)
        return;
    json_object_open(json, "close_codes");
    write_list(json, "final", codes->final, codes->final_count);
    write_list(json, "retry", codes->retry, codes->retry_count);
    json_object_close(json);
}

static size_t read_list(const json_t *list, uint16_t *out)
{
    size_t count = 0, index;
    json_t *code;
    json_array_foreach(list, index, code) if (count < CLOSE_CODES_LIMIT && json_is_integer(code))
        out[count++] = (uint16_t)json_integer_value(code);
    return count;
}

void close_codes_read(struct close_codes *codes, const char *json)
{
    json_t *root = json_loads(json ? json : "", 0, NULL);
    const json_t *object = json_object_get(root, "close_codes");
    *codes = (struct close_codes){0};
    codes->final_count = read_list(json_object_get(object, "final"), codes->final);
    codes->retry_count = read_list(json_object_get(object, "retry"), codes->retry);
    json_decref(root);
}
