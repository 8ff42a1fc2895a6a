#include "endpoint/subscriptions.h"

#include <inttypes.h>

#include "endpoint/news.h"
#include "ws/frame.h"

void subscriptions_init(struct subscriptions *s, const struct client_policy *policy,
                        struct outbound *out)
{
    *s = (struct subscriptions){.policy = policy, .out = out};
}

bool subscriptions_wanted(const struct client_policy *policy)
{
    return policy->topics > 0 || policy->session;
}

static void say(const struct subscriptions *s, const struct news *news)
{
    struct text text;
    text_init(&text);
    news_write(news, &text);
    (void)outbound_message(s->out, OPCODE_TEXT, text_chars(&text), text.len); /* nothing unsent */
    text_fini(&text);
}

static void subscribe(const struct subscriptions *s)
{
    for (unsigned i = 0; i < s->policy->topics && i < NEWS_TOPICS; i++)
        say(s, &(struct news){.word = NEWS_SUBSCRIBE, .topic = (enum news_topic)i});
    if (s->policy->topics > 0 && s->again && s->last > 0 && s->policy->resumes)
        say(s, &(struct news){.word = NEWS_RESUME, .topic = TOPIC_EVENTS, .number = s->last});
}

void subscriptions_open(struct subscriptions *s)
{
    if (s->again && !s->policy->keeps_session)
        s->session = 0;
    if (s->policy->session)
        say(s, &(struct news){.word = NEWS_HELLO, .number = s->session});
    if (!s->again || s->policy->resubscribes)
        subscribe(s);
    s->again = true;
}

void subscriptions_hear(struct subscriptions *s, const uint8_t *bytes, size_t len)
{
    struct news news = bytes ? news_read(bytes, len) : (struct news){.word = NEWS_OTHER};
    if (news.word == NEWS_EVENT && news.number > s->last)
        s->last = news.number;
    else if (news.word == NEWS_WELCOME)
        s->session = news.number;
}

void subscriptions_state(const struct subscriptions *s, struct text *out)
{
    text_addf(out, "session %" PRIu64 ", %" PRIu64 " topics", s->session, s->policy->topics);
}
