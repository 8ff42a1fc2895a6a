#include "endpoint/publisher.h"

#include "endpoint/news.h"

void publisher_init(struct publisher *p, struct bulletin *bulletin,
                    bool (*say)(void *context, const char *text), void *context)
{
    *p = (struct publisher){.bulletin = bulletin, .say = say, .context = context, .at = NEVER};
}

static uint64_t published(const struct bulletin *bulletin, nsec now)
{
    return bulletin->every > 0 ? (uint64_t)((now - bulletin->began) / bulletin->every) : 0;
}

static bool say(const struct publisher *p, const struct news *news)
{
    struct text text;
    text_init(&text);
    news_write(news, &text);
    bool said = p->say(p->context, text_chars(&text));
    text_fini(&text);
    return said;
}

static bool say_event(const struct publisher *p, uint64_t number)
{
    return say(p, &(struct news){.word = NEWS_EVENT, .topic = TOPIC_EVENTS, .number = number});
}

static void plan_next(struct publisher *p, nsec now)
{
    const struct bulletin *bulletin = p->bulletin;
    nsec passed = (nsec)published(bulletin, now) + 1;
    p->at = nsec_add(bulletin->began, passed * bulletin->every);
}

static void subscribe(struct publisher *p, nsec now)
{
    if (p->subscribed || p->bulletin->every == 0)
        return;
    p->subscribed = true;
    p->next = p->live = published(p->bulletin, now) + 1;
    plan_next(p, now);
}

/* What came before it was subscribed, as far as it is kept; what does not fit into the connection
 * is not made up for. */
static void resume(const struct publisher *p, uint64_t last)
{
    uint64_t oldest = p->live > PUBLISHER_KEPT ? p->live - PUBLISHER_KEPT : 1;
    uint64_t number = last < oldest ? oldest : last + 1;
    while (p->subscribed && number < p->live && say_event(p, number))
        number++;
}

static void welcome(struct publisher *p, uint64_t session)
{
    bool known = session > 0 && session <= p->bulletin->sessions;
    if (!p->bulletin->has_sessions)
        return;
    if (!known)
        session = ++p->bulletin->sessions;
    (void)say(p, &(struct news){.word = NEWS_WELCOME, .number = session}); /* it asks again */
}

void publisher_hear(struct publisher *p, const uint8_t *bytes, size_t len, nsec now)
{
    struct news news = news_read(bytes, len);
    if (news.word == NEWS_SUBSCRIBE && news.topic == TOPIC_EVENTS)
        subscribe(p, now);
    else if (news.word == NEWS_RESUME && news.topic == TOPIC_EVENTS)
        resume(p, news.number);
    else if (news.word == NEWS_HELLO)
        welcome(p, news.number);
}

void publisher_expire(struct publisher *p, nsec now)
{
    if (p->at > now)
        return;
    while (p->next <= published(p->bulletin, now) && say_event(p, p->next))
        p->next++;
    plan_next(p, now);
}

nsec publisher_deadline(const struct publisher *p)
{
    return p->at;
}

void publisher_stop(struct publisher *p)
{
    p->subscribed = false;
    p->at = NEVER;
}
