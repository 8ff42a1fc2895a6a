/* Writing JSON, one value after another, into a text. Commas, quoting, control bytes and broken
 * UTF-8 (replaced by U+FFFD) are this file's business. Nesting errors are bugs and abort. */
#ifndef HALFOPEN_BASE_JSON_H
#define HALFOPEN_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"
#include "base/text.h"

#define JSON_DEPTH_LIMIT 16

struct json {
    struct text *out; /* borrowed */
    int depth;
    bool fresh[JSON_DEPTH_LIMIT]; /* nothing written yet at this depth: no comma */
    int indent;                   /* spaces per level; 0: on one line */
};

void json_init(struct json *, struct text *out, int indent);
/* key: NULL inside arrays and at the top. */
void json_object_open(struct json *, const char *key);
void json_object_close(struct json *);
void json_array_open(struct json *, const char *key);
void json_array_close(struct json *);
void json_put_string(struct json *, const char *key, const char *value); /* NULL value: null */
void json_put_string_bytes(struct json *, const char *key, const void *bytes, size_t len);
void json_put_int(struct json *, const char *key, int64_t value);
void json_put_uint(struct json *, const char *key, uint64_t value);
void json_put_real(struct json *, const char *key, double value); /* %.6g; not finite: null */
/* seconds with six digits: 35.355826 */
void json_put_seconds(struct json *, const char *key, nsec value);
void json_put_bool(struct json *, const char *key, bool value);
void json_put_raw(struct json *, const char *key, const char *valid_json);

#endif
