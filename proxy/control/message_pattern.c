#include "control/message_pattern.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "ws/redact.h"
#include "ws/signature.h"

#define WHOLE_LIMIT_BYTES  200 /* a longer message is recognised by its beginning */
#define BEGINNING_BYTES    60
#define TYPE_LIMIT_BYTES   40 /* a longer value names no type */
#define SECRET_LEAST_BYTES 16 /* a run of such characters may be a key or a token */
#define ID_CONTEXT_BYTES   8  /* between a number and the word before it */
#define MARKS_LIMIT        64
#define SECRET_DEPTH_LIMIT 4

/* Members by which protocols tell their messages apart, the likeliest first. */
static const char *const type_keys[] = {"type",    "event",  "op",  "action", "kind", "cmd",
                                        "command", "method", "msg", "t",      "name", NULL};

/* --- Escaping --- */

static void add_literal(struct text *out, uint8_t byte)
{
    if (byte < ' ' || byte > '~')
        text_addf(out, "\\x%02x", byte);
    else if (strchr("\\^$.[]|()?*+{}", byte))
        text_addf(out, "\\%c", byte);
    else
        text_addf(out, "%c", byte);
}

static void add_literals(struct text *out, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        add_literal(out, bytes[i]);
}

/* --- Does it tell --- */

static bool matches_all(const struct pattern *pattern, const struct message_kind *kind)
{
    for (size_t i = 0; i < kind->sample_count; i++)
        if (!pattern_matches(pattern, kind->samples[i].bytes, kind->samples[i].len))
            return false;
    return true;
}

static bool matches_one(const struct pattern *pattern, const struct message_kind *kind)
{
    for (size_t i = 0; i < kind->sample_count; i++)
        if (pattern_matches(pattern, kind->samples[i].bytes, kind->samples[i].len))
            return true;
    return false;
}

/* What an echo returns is the same message. */
static bool is_echo(const struct message_kind *a, const struct message_kind *b)
{
    return a->from != b->from && a->masked_len == b->masked_len &&
           memcmp(a->masked, b->masked, a->masked_len) == 0;
}

static bool tells(const struct overheard *heard, const struct message_kind *kind,
                  const char *written)
{
    struct text why;
    text_init(&why);
    struct pattern *pattern = pattern_new(written, &why);
    bool good = pattern && matches_all(pattern, kind);
    for (size_t i = 0; good && i < heard->count; i++)
        good = heard->kinds[i] == kind || is_echo(heard->kinds[i], kind) ||
               !matches_one(pattern, heard->kinds[i]);
    pattern_free(pattern);
    text_fini(&why);
    return good;
}

/* --- By its type --- */

static bool is_type(const json_t *value)
{
    const char *word = json_string_value(value);
    if (json_is_integer(value))
        return true;
    if (!word || strlen(word) == 0 || strlen(word) > TYPE_LIMIT_BYTES)
        return false;
    for (const char *at = word; *at; at++)
        if (!isalpha((unsigned char)*at) && !strchr("_.:/- ", *at))
            return false;
    return true;
}

/* Where "name": stands in the text, as written; NULL: nowhere. *len: up to the value. */
static const uint8_t *find_member(const struct sample *sample, const char *name, size_t *len)
{
    char *quoted = xprintf("\"%s\"", name);
    const uint8_t *end = sample->bytes + sample->len;
    const uint8_t *found = memmem(sample->bytes, sample->len, quoted, strlen(quoted));
    const uint8_t *at = found ? found + strlen(quoted) : end;
    free(quoted);
    while (at < end && *at == ' ')
        at++;
    if (at == end || *at++ != ':')
        return NULL;
    while (at < end && *at == ' ')
        at++;
    *len = (size_t)(at - found);
    return found;
}

static char *pattern_of_member(const struct sample *sample, const char *name, const json_t *value)
{
    struct text out;
    size_t len;
    const uint8_t *member = find_member(sample, name, &len);
    if (!member || !is_type(value) || redact_is_secret_key(name, strlen(name)))
        return NULL;
    text_init(&out);
    add_literals(&out, member, len);
    if (json_is_integer(value)) {
        text_addf(&out, "%lld\\b", (long long)json_integer_value(value));
    } else {
        const char *word = json_string_value(value);
        text_add(&out, "\"");
        add_literals(&out, (const uint8_t *)word, strlen(word));
        text_add(&out, "\"");
    }
    return text_take(&out);
}

static json_t *read_object(const struct sample *sample)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)sample->bytes, sample->len, 0, &error);
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

char *message_pattern_of_type(const struct overheard *heard, const struct message_kind *kind)
{
    json_t *root = kind->whole ? read_object(&kind->samples[0]) : NULL;
    char *pattern = NULL;
    for (size_t i = 0; root && type_keys[i] && !pattern; i++) {
        const json_t *value = json_object_get(root, type_keys[i]);
        pattern = value ? pattern_of_member(&kind->samples[0], type_keys[i], value) : NULL;
        if (pattern && !tells(heard, kind, pattern)) {
            free(pattern);
            pattern = NULL;
        }
    }
    json_decref(root);
    return pattern;
}

/* --- By its text --- */

struct scan {
    const struct sample *sample;
    struct signature_mark marks[MARKS_LIMIT];
    size_t mark_count, next_mark;
    size_t at, end;
    struct text out;
};

static bool is_token(uint8_t c)
{
    return isalnum(c) || (c && strchr("_-+/=.", c));
}

static size_t token_len(const struct scan *scan)
{
    size_t len = 0;
    while (scan->at + len < scan->sample->len && is_token(scan->sample->bytes[scan->at + len]))
        len++;
    return len;
}

/* The length of the quoted string at the cursor, its quotes included; 0: there is none, or it does
 * not end. */
static size_t string_len(const struct scan *scan)
{
    const uint8_t *bytes = scan->sample->bytes + scan->at;
    size_t left = scan->sample->len - scan->at;
    if (left == 0 || bytes[0] != '"')
        return 0;
    for (size_t i = 1; i < left; i++) {
        if (bytes[i] == '"')
            return i + 1;
        i += bytes[i] == '\\';
    }
    return 0;
}

static void go_on(struct scan *scan, size_t len)
{
    scan->at += len;
    while (scan->next_mark < scan->mark_count && scan->marks[scan->next_mark].from < scan->at)
        scan->next_mark++;
}

static void pass_literals(struct scan *scan, size_t len)
{
    add_literals(&scan->out, scan->sample->bytes + scan->at, len);
    go_on(scan, len);
}

/* "token": "..." with its value left open; false: the cursor is at no such member. */
static bool pass_secret_member(struct scan *scan)
{
    size_t name = string_len(scan);
    const char *quoted = (const char *)scan->sample->bytes + scan->at;
    if (name <= 2 || !redact_is_secret_key(quoted + 1, name - 2))
        return false;
    size_t start = scan->at, after = start + name;
    while (after < scan->sample->len && strchr(": ", scan->sample->bytes[after]) &&
           scan->sample->bytes[after])
        after++;
    scan->at = after;
    size_t value = string_len(scan);
    scan->at = start;
    if (value == 0)
        return false;
    pass_literals(scan, after - start);
    text_add(&scan->out, "\"(?:[^\"\\\\]|\\\\.)*\"");
    go_on(scan, value);
    return true;
}

static void pass_mark(struct scan *scan)
{
    const struct signature_mark *mark = &scan->marks[scan->next_mark];
    text_add(&scan->out, mark->decimal ? "\\d+" : "[0-9A-Fa-f-]+");
    go_on(scan, mark->len);
}

static void pass_one(struct scan *scan)
{
    size_t token = token_len(scan);
    bool marked =
        scan->next_mark < scan->mark_count && scan->marks[scan->next_mark].from == scan->at;
    if (marked && token <= scan->marks[scan->next_mark].len)
        pass_mark(scan);
    else if (token >= SECRET_LEAST_BYTES) {
        text_add(&scan->out, "[\\w+\\/=.-]+");
        go_on(scan, token);
    } else if (marked)
        pass_mark(scan);
    else if (!pass_secret_member(scan))
        pass_literals(scan, 1);
}

static char *by_text(const struct message_kind *kind, size_t limit)
{
    struct scan scan = {.sample = &kind->samples[0]};
    scan.mark_count =
        signature_marks(scan.sample->bytes, scan.sample->len, scan.marks, MARKS_LIMIT);
    scan.end = scan.sample->len < limit ? scan.sample->len : limit;
    text_init(&scan.out);
    text_add(&scan.out, "^");
    while (scan.at < scan.end)
        pass_one(&scan);
    if (kind->whole && scan.at == scan.sample->len)
        text_add(&scan.out, "$");
    return text_take(&scan.out);
}

char *message_pattern(const struct overheard *heard, const struct message_kind *kind)
{
    if (kind->sample_count == 0 || kind->samples[0].len == 0)
        return NULL;
    char *pattern = message_pattern_of_type(heard, kind);
    if (pattern)
        return pattern;
    pattern = by_text(kind, kind->samples[0].len <= WHOLE_LIMIT_BYTES ? WHOLE_LIMIT_BYTES
                                                                      : BEGINNING_BYTES);
    if (tells(heard, kind, pattern))
        return pattern;
    free(pattern);
    return NULL;
}

/* --- The number that counts --- */

static bool is_id(const struct sample *sample, const struct signature_mark *mark, const char *id)
{
    return mark->decimal && mark->len == strlen(id) &&
           memcmp(sample->bytes + mark->from, id, mark->len) == 0;
}

static bool is_word(uint8_t c)
{
    return isalpha(c) || c == '_' || c == '-';
}

/* Where the context of a number begins: at the word before it, the name of its member in JSON; a
 * word so long that it may be a secret is no context. */
static size_t context_of(const struct sample *sample, size_t number)
{
    const uint8_t *bytes = sample->bytes;
    size_t at = number;
    while (at > 0 && number - at < ID_CONTEXT_BYTES && !is_token(bytes[at - 1]) &&
           bytes[at - 1] >= ' ')
        at--;
    size_t word = at;
    while (word > 0 && is_word(bytes[word - 1]))
        word--;
    if (at - word >= SECRET_LEAST_BYTES)
        return at;
    return word > 0 && word < at && bytes[word - 1] == '"' ? word - 1 : word;
}

static char *pattern_before(const struct sample *sample, const struct signature_mark *mark)
{
    struct text out;
    size_t from = context_of(sample, mark->from);
    text_init(&out);
    if (from == 0)
        text_add(&out, "^");
    add_literals(&out, sample->bytes + from, mark->from - from);
    text_add(&out, "(\\d+)");
    return text_take(&out);
}

/* In each sample the number in the same place is what the group finds. */
static bool finds_place(const char *written, const struct message_kind *kind, size_t place)
{
    struct text why;
    text_init(&why);
    struct pattern *pattern = pattern_new(written, &why);
    bool good = pattern != NULL;
    for (size_t i = 0; good && i < kind->sample_count; i++) {
        const struct sample *sample = &kind->samples[i];
        struct signature_mark marks[MARKS_LIMIT];
        size_t from, len;
        size_t count = signature_marks(sample->bytes, sample->len, marks, MARKS_LIMIT);
        good = place < count && pattern_find(pattern, sample->bytes, sample->len, &from, &len) &&
               from == marks[place].from && len == marks[place].len;
    }
    pattern_free(pattern);
    text_fini(&why);
    return good;
}

static const struct sample *sample_of(const struct message_kind *kind, uint64_t seq)
{
    for (size_t i = 0; i < kind->sample_count; i++)
        if (kind->samples[i].seq == seq)
            return &kind->samples[i];
    return NULL;
}

char *message_pattern_of_id(const struct message_kind *kind, uint64_t seq, const char *id)
{
    struct signature_mark marks[MARKS_LIMIT];
    const struct sample *sample = sample_of(kind, seq);
    size_t count = sample ? signature_marks(sample->bytes, sample->len, marks, MARKS_LIMIT) : 0;
    for (size_t place = 0; place < count; place++) {
        char *pattern =
            is_id(sample, &marks[place], id) ? pattern_before(sample, &marks[place]) : NULL;
        if (pattern && finds_place(pattern, kind, place))
            return pattern;
        free(pattern);
    }
    return NULL;
}

/* --- Credentials --- */

bool message_says_auth(const struct message_kind *kind)
{
    static const char *const words[] = {"auth",  "authenticate", "authentication",  "authorize",
                                        "login", "identify",     "connection_init", NULL};
    json_t *root = kind->sample_count > 0 ? read_object(&kind->samples[0]) : NULL;
    bool says = false;
    for (size_t i = 0; root && type_keys[i] && !says; i++) {
        const char *value = json_string_value(json_object_get(root, type_keys[i]));
        for (size_t k = 0; value && words[k] && !says; k++)
            says = strcasecmp(value, words[k]) == 0;
    }
    json_decref(root);
    return says;
}

static const char *secret_member(json_t *object, int depth)
{
    const char *name, *found = NULL;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        bool credential = redact_is_secret_key(name, strlen(name));
        if (credential && (json_is_string(value) || json_is_integer(value)))
            return name;
        if (!found && json_is_object(value) && depth < SECRET_DEPTH_LIMIT)
            found = secret_member(value, depth + 1);
    }
    return found;
}

/* STOMP: "CONNECT\nlogin:...\npasscode:...\n\n" */
static char *secret_header(const struct sample *sample)
{
    const uint8_t *at = sample->bytes, *end = at + sample->len;
    while (at < end) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *stop = line_end ? line_end : end;
        const uint8_t *colon = memchr(at, ':', (size_t)(stop - at));
        size_t name = colon ? (size_t)(colon - at) : 0;
        if (name > 0 && (redact_is_secret_key((const char *)at, name) ||
                         (name == 8 && memcmp(at, "passcode", 8) == 0)))
            return xstrndup((const char *)at, name);
        at = stop + 1;
    }
    return NULL;
}

char *message_secret_key(const struct message_kind *kind)
{
    static const char stomp[] = "CONNECT\n", stomp_newer[] = "STOMP\n";
    const struct sample *sample = &kind->samples[0];
    if (kind->sample_count == 0)
        return NULL;
    if ((sample->len > strlen(stomp) && memcmp(sample->bytes, stomp, strlen(stomp)) == 0) ||
        (sample->len > strlen(stomp_newer) &&
         memcmp(sample->bytes, stomp_newer, strlen(stomp_newer)) == 0))
        return secret_header(sample);
    json_t *root = read_object(sample);
    const char *name = root ? secret_member(root, 0) : NULL;
    char *copy = name ? xstrdup(name) : NULL;
    json_decref(root);
    return copy;
}
