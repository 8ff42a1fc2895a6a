/* What the built-in client and server say to one another of topics and sessions, as JSON in one
 * fixed spelling:
 *     {"type":"subscribe","topic":"events"}          client: from now on
 *     {"type":"resume","topic":"events","last":57}   client: and what came after number 57
 *     {"type":"event","topic":"events","seq":58}     server
 *     {"type":"hello","session":0}                   client: 0 begins a session, else it goes on
 *     {"type":"welcome","session":3}                 server: that is yours */
#ifndef HALFOPEN_ENDPOINT_NEWS_H
#define HALFOPEN_ENDPOINT_NEWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define NEWS_TOPICS        2
#define NEWS_EVENT_ID      "^\\{\"type\":\"event\",\"topic\":\"\\w+\",\"seq\":(\\d+)\\}" /* PCRE2 */
#define NEWS_SESSION_STATE "^\\{\"type\":\"welcome\",\"session\":(\\d+)"                 /* PCRE2 */

/* Events are published on the first topic; on the other nothing ever happens. */
enum news_topic { TOPIC_EVENTS, TOPIC_ROOM };

enum news_word {
    NEWS_SUBSCRIBE,
    NEWS_RESUME,
    NEWS_EVENT,
    NEWS_HELLO,
    NEWS_WELCOME,
    NEWS_OTHER /* anything else */
};

struct news {
    enum news_word word;
    enum news_topic topic; /* of SUBSCRIBE, RESUME, EVENT */
    uint64_t number;       /* of all but SUBSCRIBE */
};

struct news news_read(const uint8_t *bytes, size_t len);
void news_write(const struct news *, struct text *out); /* which is none of OTHER */

#endif
