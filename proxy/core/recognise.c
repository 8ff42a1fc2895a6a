/* Application heartbeats by their words: what the target file declares, else what everybody uses
 * (RULES 5.1). Words say which messages may be a heartbeat; whether they are one, their regularity
 * says (trace/heartbeat). */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/internal.h"

#include <ctype.h>
#include <pcre2.h>
#include <string.h>
#include <strings.h>

#define WORD_LIMIT 256 /* longer messages are no heartbeat unless the target file says so */

struct word {
    const char *text;
    size_t len;
    const char *kind;
    bool whole; /* the message is this word; else it begins with it */
};

#define WHOLE(text, kind)                                                                          \
    {                                                                                              \
        text, sizeof text - 1, kind, true                                                          \
    }
#define BEGINS(text, kind)                                                                         \
    {                                                                                              \
        text, sizeof text - 1, kind, false                                                         \
    }

static const struct word words[] = {
    WHOLE("hb", "ping"),
    WHOLE("h", "ping"),        /* SockJS */
    WHOLE("2", "ping"),        /* engine.io */
    WHOLE("3", "pong"),        /* engine.io */
    WHOLE("\n", "ping"),       /* STOMP */
    WHOLE("\r\n", "ping"),     /* STOMP */
    WHOLE("{}", "ping"),       /* Centrifugo */
    WHOLE("PING\r\n", "ping"), /* NATS */
    WHOLE("PONG\r\n", "pong"),
    WHOLE("\xc0\x00", "ping"), /* MQTT */
    WHOLE("\xd0\x00", "pong"),
    BEGINS("\"primus::ping::", "ping"),
    BEGINS("\"primus::pong::", "pong"),
    WHOLE("{\"type\":6}\x1e", "ping"), /* SignalR */
    BEGINS("{\"op\":1,", "ping"),      /* Discord */
    BEGINS("{\"op\":11", "pong"),
};

/* The whole message, or a string of its JSON, in either case. */
static const struct word names[] = {
    WHOLE("ping", "ping"),      WHOLE("pong", "pong"),       WHOLE("heartbeat", "ping"),
    WHOLE("keepalive", "ping"), WHOLE("keep-alive", "ping"), WHOLE("keep_alive", "ping"),
    WHOLE("ka", "ping"), /* subscriptions-transport-ws */
};

static pcre2_code *compile(const char *pattern)
{
    int error = 0;
    PCRE2_SIZE at = 0;
    if (!pattern)
        return NULL;
    return pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_DUPNAMES, &error, &at,
                         NULL);
}

void recognise_init(struct run *run)
{
    run->ping_pattern = compile(run->plan->ping_pattern);
    run->pong_pattern = compile(run->plan->pong_pattern);
}

void recognise_fini(struct run *run)
{
    pcre2_code_free(run->ping_pattern);
    pcre2_code_free(run->pong_pattern);
}

static bool matches(void *pattern, const uint8_t *payload, size_t len)
{
    if (!pattern)
        return false;
    pcre2_match_data *found = pcre2_match_data_create(1, NULL);
    int count = pcre2_match(pattern, payload, len, 0, 0, found, NULL);
    pcre2_match_data_free(found);
    return count >= 0;
}

static bool is_word(const struct word *word, const uint8_t *payload, size_t len)
{
    if (word->whole ? len != word->len : len < word->len)
        return false;
    return memcmp(payload, word->text, word->len) == 0;
}

static const char *kind_of_name(const uint8_t *name, size_t len)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (len == names[i].len && strncasecmp((const char *)name, names[i].text, len) == 0)
            return names[i].kind;
    return "";
}

/* --- In JSON --- */

/* Of the string that begins behind its quote; its end is the closing quote, or len. */
static size_t end_of_string(const uint8_t *payload, size_t begin, size_t len)
{
    size_t at = begin;
    while (at < len && payload[at] != '"')
        at += payload[at] == '\\' ? 2 : 1;
    return at < len ? at : len;
}

/* "pusher:ping" is a ping too. */
static const char *kind_of_string(const uint8_t *payload, size_t begin, size_t end)
{
    for (size_t at = begin; at < end; at++)
        if (strchr(":./", payload[at]) && payload[at])
            begin = at + 1;
    return kind_of_name(payload + begin, end - begin);
}

static bool is_key(const uint8_t *payload, size_t behind, size_t len)
{
    while (behind < len && isspace(payload[behind]))
        behind++;
    return behind < len && payload[behind] == ':';
}

/* {"type":"ping"}, [null,"4","phoenix","heartbeat",{}], {"ping":1700000000}: a string of the
 * outermost object or list; a key only when it is the first. What lies deeper is what the message
 * is about, as in {"subscribe":["heartbeat"]}. */
static const char *kind_of_json(const uint8_t *payload, size_t len)
{
    size_t depth = 0, strings = 0;
    if (payload[0] != '{' && payload[0] != '[')
        return "";
    for (size_t at = 0; at < len; at++) {
        depth += payload[at] == '{' || payload[at] == '[';
        depth -= payload[at] == '}' || payload[at] == ']';
        if (payload[at] != '"')
            continue;
        size_t end = end_of_string(payload, at + 1, len);
        const char *kind = depth == 1 && (strings++ == 0 || !is_key(payload, end + 1, len))
                               ? kind_of_string(payload, at + 1, end)
                               : "";
        if (*kind)
            return kind;
        at = end;
    }
    return "";
}

static const char *kind_of_words(const uint8_t *payload, size_t len)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(&words[i], payload, len))
            return words[i].kind;
    const char *kind = kind_of_name(payload, len);
    return *kind ? kind : kind_of_json(payload, len);
}

const char *recognise_kind(const struct run *run, const uint8_t *payload, size_t len)
{
    if (matches(run->ping_pattern, payload, len))
        return "ping";
    if (matches(run->pong_pattern, payload, len))
        return "pong";
    if (run->ping_pattern || len == 0 || len > WORD_LIMIT)
        return "";
    return kind_of_words(payload, len);
}
