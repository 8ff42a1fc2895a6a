/* Application heartbeats by their words: what the target file declares, else what everybody uses
 * (RULES 5.1). Words say which messages may be a heartbeat; whether they are one, their regularity
 * says (trace/heartbeat). */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/internal.h"

#include <pcre2.h>
#include <string.h>

#define WORD_LIMIT 256 /* longer messages are no heartbeat unless the target file says so */

struct word {
    const char *text, *kind;
    bool whole; /* the message is this word; else it begins with it */
};

static const struct word words[] = {
    {"ping", "ping", true},
    {"pong", "pong", true},
    {"PING", "ping", true},
    {"PONG", "pong", true},
    {"heartbeat", "ping", true},
    {"hb", "ping", true},
    {"2", "ping", true},  /* engine.io */
    {"3", "pong", true},  /* engine.io */
    {"\n", "ping", true}, /* STOMP */
    {"{}", "ping", true}, /* Centrifugo */
    {"{\"type\":\"ping\"", "ping", false},
    {"{\"type\":\"pong\"", "pong", false},
    {"{\"type\":\"heartbeat\"", "ping", false},
    {"{\"type\":6}\x1e", "ping", true}, /* SignalR */
    {"{\"op\":1,", "ping", false},      /* Discord */
    {"{\"op\":11", "pong", false},
    {"{\"event\":\"ping\"", "ping", false},
    {"{\"event\":\"pong\"", "pong", false},
    {"{\"action\":\"ping\"", "ping", false},
    {"{\"action\":\"pong\"", "pong", false},
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
    size_t word_len = strlen(word->text);
    if (word->whole ? len != word_len : len < word_len)
        return false;
    return memcmp(payload, word->text, word_len) == 0;
}

const char *recognise_kind(const struct run *run, const uint8_t *payload, size_t len)
{
    if (matches(run->ping_pattern, payload, len))
        return "ping";
    if (matches(run->pong_pattern, payload, len))
        return "pong";
    if (run->ping_pattern || len == 0 || len > WORD_LIMIT)
        return "";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(&words[i], payload, len))
            return words[i].kind;
    return "";
}
