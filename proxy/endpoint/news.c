#include "endpoint/news.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define DIGITS_LIMIT 18 /* longer ones do not fit */

static const char *const topics[NEWS_TOPICS] = {"events", "room"};

static const struct form {
    const char *type;
    bool topic;
    const char *number; /* its key; NULL: it has none */
} forms[NEWS_OTHER] = {
    [NEWS_SUBSCRIBE] = {"subscribe", true, NULL},   [NEWS_RESUME] = {"resume", true, "last"},
    [NEWS_EVENT] = {"event", true, "seq"},          [NEWS_HELLO] = {"hello", false, "session"},
    [NEWS_WELCOME] = {"welcome", false, "session"},
};

struct cursor {
    const char *at, *end;
};

static bool eat(struct cursor *cursor, const char *words)
{
    size_t len = strlen(words);
    if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, words, len) != 0)
        return false;
    cursor->at += len;
    return true;
}

static bool eat_number(struct cursor *cursor, uint64_t *number)
{
    const char *from = cursor->at;
    *number = 0;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
        *number = *number * 10 + (uint64_t)(*cursor->at++ - '0');
    return cursor->at > from && cursor->at - from <= DIGITS_LIMIT;
}

static bool eat_topic(struct cursor *cursor, enum news_topic *topic)
{
    for (unsigned i = 0; i < NEWS_TOPICS; i++)
        if (eat(cursor, topics[i])) {
            *topic = (enum news_topic)i;
            return true;
        }
    return false;
}

static bool reads_as(const struct form *form, struct cursor cursor, struct news *out)
{
    bool right = eat(&cursor, "{\"type\":\"") && eat(&cursor, form->type) && eat(&cursor, "\"");
    if (form->topic)
        right = right && eat(&cursor, ",\"topic\":\"") && eat_topic(&cursor, &out->topic) &&
                eat(&cursor, "\"");
    if (form->number)
        right = right && eat(&cursor, ",\"") && eat(&cursor, form->number) && eat(&cursor, "\":") &&
                eat_number(&cursor, &out->number);
    return right && eat(&cursor, "}") && cursor.at == cursor.end;
}

struct news news_read(const uint8_t *bytes, size_t len)
{
    const struct cursor whole = {(const char *)bytes, (const char *)bytes + len};
    for (unsigned word = 0; word < NEWS_OTHER; word++) {
        struct news news = {.word = (enum news_word)word};
        if (reads_as(&forms[word], whole, &news))
            return news;
    }
    return (struct news){.word = NEWS_OTHER};
}

void news_write(const struct news *news, struct text *out)
{
    assert(news->word < NEWS_OTHER);
    const struct form *form = &forms[news->word];
    text_addf(out, "{\"type\":\"%s\"", form->type);
    if (form->topic)
        text_addf(out, ",\"topic\":\"%s\"", topics[news->topic]);
    if (form->number)
        text_addf(out, ",\"%s\":%" PRIu64, form->number, news->number);
    text_add(out, "}");
}
