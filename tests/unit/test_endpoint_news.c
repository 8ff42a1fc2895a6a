#include <stdio.h>
#include <string.h>

#include "endpoint/flaws.h"
#include "endpoint/news.h"
#include "endpoint/publisher.h"
#include "tests/check.h"
#include "tests/unit/endpoint_world.h"

#define SECONDS(n) ((nsec)((n)*1e9))

/* --- Words --- */

static void check_written(struct news news, const char *words)
{
    struct text text;
    text_init(&text);
    news_write(&news, &text);
    CHECK_STR(text_chars(&text), words);
    struct news read = news_read((const uint8_t *)text_chars(&text), text.len);
    CHECK_INT(read.word, news.word);
    CHECK_INT(read.topic, news.topic);
    CHECK_INT(read.number, news.number);
    text_fini(&text);
}

static void every_word_reads_as_it_was_written(void)
{
    check_written((struct news){NEWS_SUBSCRIBE, TOPIC_ROOM, 0},
                  "{\"type\":\"subscribe\",\"topic\":\"room\"}");
    check_written((struct news){NEWS_RESUME, TOPIC_EVENTS, 57},
                  "{\"type\":\"resume\",\"topic\":\"events\",\"last\":57}");
    check_written((struct news){NEWS_EVENT, TOPIC_EVENTS, 58},
                  "{\"type\":\"event\",\"topic\":\"events\",\"seq\":58}");
    check_written((struct news){NEWS_HELLO, TOPIC_EVENTS, 0}, "{\"type\":\"hello\",\"session\":0}");
    check_written((struct news){NEWS_WELCOME, TOPIC_EVENTS, 999999999999999999},
                  "{\"type\":\"welcome\",\"session\":999999999999999999}");
}

static void other_words_are_none_of_them(void)
{
    static const char *const others[] = {
        "",
        "{}",
        "{\"type\":\"subscribe\",\"topic\":\"prices\"}",
        "{\"type\":\"subscribe\",\"topic\":\"events\"",
        "{\"type\":\"subscribe\",\"topic\":\"events\"}}",
        "{\"type\":\"hello\",\"session\":}",
        "{\"type\":\"hello\",\"session\":-1}",
        "{\"type\":\"hello\",\"session\":1000000000000000000}",
        "{\"type\":\"ping\"}",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct news read = news_read((const uint8_t *)others[i], strlen(others[i]));
        CHECK_STR(read.word == NEWS_OTHER ? others[i] : "news", others[i]);
    }
}

/* --- The server's half --- */

struct reader {
    struct bulletin bulletin;
    struct publisher publisher;
    struct text heard; /* the numbers of events, and sessions as #3 */
    int room;          /* for so many messages */
};

static bool hear(void *context, const char *text)
{
    struct reader *reader = context;
    struct news news = news_read((const uint8_t *)text, strlen(text));
    if (reader->room-- <= 0)
        return false;
    text_addf(&reader->heard, news.word == NEWS_WELCOME ? "#%d " : "%d ", (int)news.number);
    return true;
}

static void reader_init(struct reader *reader)
{
    *reader = (struct reader){
        .bulletin = {.every = SECONDS(1), .began = SECONDS(100), .has_sessions = true},
        .room = 100000};
    text_init(&reader->heard);
    publisher_init(&reader->publisher, &reader->bulletin, hear, reader);
}

static void say(struct reader *reader, const char *words, nsec now)
{
    publisher_hear(&reader->publisher, (const uint8_t *)words, strlen(words), now);
}

static void run(struct reader *reader, nsec until)
{
    while (publisher_deadline(&reader->publisher) <= until)
        publisher_expire(&reader->publisher, publisher_deadline(&reader->publisher));
}

static void check_heard(struct reader *reader, const char *numbers)
{
    CHECK_STR(text_chars(&reader->heard), numbers);
    text_fini(&reader->heard);
}

#define SUBSCRIBE "{\"type\":\"subscribe\",\"topic\":\"events\"}"

static void events_come_to_whom_subscribed(void)
{
    struct reader reader;
    reader_init(&reader);
    CHECK_INT(publisher_deadline(&reader.publisher), NEVER);
    say(&reader, SUBSCRIBE, SECONDS(102.5));
    say(&reader, SUBSCRIBE, SECONDS(102.5));
    run(&reader, SECONDS(105));
    check_heard(&reader, "3 4 5 ");
}

static void nothing_happens_on_the_other_topic(void)
{
    struct reader reader;
    reader_init(&reader);
    say(&reader, "{\"type\":\"subscribe\",\"topic\":\"room\"}", SECONDS(102.5));
    run(&reader, SECONDS(105));
    check_heard(&reader, "");
}

static void a_resume_is_given_what_came_meanwhile_and_not_twice(void)
{
    struct reader reader;
    reader_init(&reader);
    say(&reader, SUBSCRIBE, SECONDS(105.5));
    run(&reader, SECONDS(107));
    say(&reader, "{\"type\":\"resume\",\"topic\":\"events\",\"last\":3}", SECONDS(107.2));
    run(&reader, SECONDS(108));
    check_heard(&reader, "6 7 4 5 8 ");
}

static void who_did_not_subscribe_is_given_nothing(void)
{
    struct reader reader;
    reader_init(&reader);
    say(&reader, "{\"type\":\"resume\",\"topic\":\"events\",\"last\":3}", SECONDS(107.2));
    check_heard(&reader, "");
}

static int given_after(uint64_t last)
{
    struct reader reader;
    char words[80];
    reader_init(&reader);
    nsec now = SECONDS(100) + (PUBLISHER_KEPT + 5) * SECONDS(1);
    snprintf(words, sizeof words, "{\"type\":\"resume\",\"topic\":\"events\",\"last\":%d}",
             (int)last);
    say(&reader, SUBSCRIBE, now);
    say(&reader, words, now);
    text_fini(&reader.heard);
    return 100000 - reader.room;
}

static void so_many_events_are_kept_and_no_more(void)
{
    CHECK_INT(given_after(5), PUBLISHER_KEPT);
    CHECK_INT(given_after(6), PUBLISHER_KEPT - 1);
    CHECK_INT(given_after(0), PUBLISHER_KEPT);
}

static void events_that_found_no_room_come_later(void)
{
    struct reader reader;
    reader_init(&reader);
    say(&reader, SUBSCRIBE, SECONDS(100));
    reader.room = 1;
    run(&reader, SECONDS(103));
    reader.room = 100;
    run(&reader, SECONDS(104));
    check_heard(&reader, "1 2 3 4 ");
}

static void a_session_is_known_by_its_number(void)
{
    struct reader reader;
    reader_init(&reader);
    say(&reader, "{\"type\":\"hello\",\"session\":0}", SECONDS(101));
    say(&reader, "{\"type\":\"hello\",\"session\":1}", SECONDS(102));
    say(&reader, "{\"type\":\"hello\",\"session\":2}", SECONDS(103)); /* nobody's: begins one */
    say(&reader, "{\"type\":\"hello\",\"session\":0}", SECONDS(104));
    check_heard(&reader, "#1 #1 #2 #3 ");
}

/* Of another connection, or of another server that stands for the same. */
static void a_session_is_known_wherever_its_bulletin_is(void)
{
    struct reader first, second;
    reader_init(&first);
    reader_init(&second);
    publisher_init(&second.publisher, &first.bulletin, hear, &second);
    say(&first, "{\"type\":\"hello\",\"session\":0}", SECONDS(101));
    say(&first, "{\"type\":\"hello\",\"session\":0}", SECONDS(102));
    say(&second, "{\"type\":\"hello\",\"session\":2}", SECONDS(103));
    say(&second, "{\"type\":\"hello\",\"session\":0}", SECONDS(104));
    check_heard(&first, "#1 #2 ");
    check_heard(&second, "#2 #3 ");
}

/* --- The client's half --- */

/* Through ten seconds, an outage of ten more, and twenty after it. */
static struct world *through_an_outage(const char *flaw)
{
    struct world *w = world_new();
    w->client_policy.topics = 2;
    w->client_policy.session = true;
    w->server_policy.publishes = SECONDS(1);
    w->server_policy.sessions = true;
    if (flaw)
        CHECK(client_flaw_apply(&w->client_policy, flaw));
    world_begin(w, 7);
    world_run(w, SECONDS(10.5));
    w->dialling = DIAL_REFUSED;
    world_cut(w);
    world_run(w, SECONDS(9.5));
    w->dialling = DIAL_ACCEPTED;
    world_run(w, SECONDS(30.1));
    return w;
}

static void check_state(struct world *w, const char *words)
{
    struct text text;
    text_init(&text);
    client_tell_state(w->client, &text);
    CHECK_STR(text_chars(&text), words);
    text_fini(&text);
}

static uint64_t events_after(const char *flaw)
{
    struct world *w = through_an_outage(flaw);
    uint64_t events = client_stats(w->client).received - 2; /* two welcomes */
    world_free(w);
    return events;
}

static void what_was_missed_is_asked_for(void)
{
    CHECK_INT(events_after(NULL), 50);
}

static void who_does_not_ask_gets_what_is_new(void)
{
    uint64_t events = events_after("never_asks_for_the_gap");
    CHECK(events > 20 && events < 41);
}

static void who_does_not_subscribe_again_gets_nothing(void)
{
    CHECK_INT(events_after("forgets_subscriptions"), 10);
}

static void a_session_goes_on(void)
{
    struct world *w = through_an_outage(NULL);
    check_state(w, "session 1, 2 topics");
    world_free(w);
}

static void a_session_that_is_forgotten_begins_anew(void)
{
    struct world *w = through_an_outage("forgets_state");
    check_state(w, "session 2, 2 topics");
    world_free(w);
}

static void by_default_nothing_is_asked_of_the_server(void)
{
    struct world *w = world_new();
    w->server_policy.publishes = SECONDS(1);
    w->server_policy.sessions = true;
    world_begin(w, 7);
    world_run(w, SECONDS(20));
    CHECK_INT(client_stats(w->client).received, 0);
    world_free(w);
}

SUITE(endpoint_news, TEST(every_word_reads_as_it_was_written), TEST(other_words_are_none_of_them),
      TEST(events_come_to_whom_subscribed), TEST(nothing_happens_on_the_other_topic),
      TEST(a_resume_is_given_what_came_meanwhile_and_not_twice),
      TEST(who_did_not_subscribe_is_given_nothing), TEST(so_many_events_are_kept_and_no_more),
      TEST(events_that_found_no_room_come_later), TEST(a_session_is_known_by_its_number),
      TEST(a_session_is_known_wherever_its_bulletin_is), TEST(what_was_missed_is_asked_for),
      TEST(who_does_not_ask_gets_what_is_new), TEST(who_does_not_subscribe_again_gets_nothing),
      TEST(a_session_goes_on), TEST(a_session_that_is_forgotten_begins_anew),
      TEST(by_default_nothing_is_asked_of_the_server))
