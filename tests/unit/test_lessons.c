/* What watching teaches, and the file that says so: stories of connections on which nothing is
 * broken, each message with its text. */
#include "control/lessons.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/init_file.h"
#include "scenario/target.h"
#include "tests/check.h"
#include "tests/unit/story.h"
#include "ws/signature.h"

#define TEXTS_LIMIT 512

struct watched {
    struct story story;
    struct overheard heard;
    struct lessons lessons;
    char *texts[TEXTS_LIMIT]; /* what was said, and what it is like */
    size_t text_count;
};

static const char *keep(struct watched *w, char *text)
{
    CHECK(w->text_count < TEXTS_LIMIT);
    return w->texts[w->text_count++] = text;
}

static void begin(struct watched *w)
{
    *w = (struct watched){.text_count = 0};
    story_begin(&w->story);
    story_open(&w->story, 0);
}

/* The trace has hashes only; here they are the texts themselves. */
static void say_as(struct watched *w, double at, enum side from, const char *kind, char *text)
{
    uint8_t masked[SIGNATURE_LIMIT_BYTES];
    size_t len = signature_mask((const uint8_t *)text, strlen(text), masked);
    story_data(&w->story, at, from, keep(w, xstrndup((const char *)masked, len)), strlen(text));
    struct event *ev = &w->story.events[w->story.count - 1];
    ev->ws_frame.hash = keep(w, text);
    ev->ws_frame.kind = kind;
}

static void say(struct watched *w, double at, enum side from, const char *text)
{
    say_as(w, at, from, "", xstrdup(text));
}

static void counted(struct watched *w, double at, enum side from, const char *format, int number,
                    bool recognised)
{
    say_as(w, at, from, "", xprintf(format, number));
    if (!recognised)
        return;
    struct event *ev = story_add(&w->story, at, EV_WS_ID, from, BY_ENDPOINT);
    ev->ws_id = (struct ev_ws_id){.id = keep(w, xprintf("%d", number)), .how = "counted"};
}

static void learn(struct watched *w, double until)
{
    story_run_end(&w->story, until);
    story_trace(&w->story);
    for (size_t i = 0; i < w->story.trace->count; i++) {
        struct event *ev = (struct event *)&w->story.trace->events[i]; /* which is ours */
        if (ev->kind == EV_WS_ID)
            ev->ws_id.frame = ev->seq - 1; /* numbers were given when the trace was made */
        if (ev->kind == EV_WS_FRAME && ev->ws_frame.len > 0)
            overheard_note(&w->heard, ev, (const uint8_t *)ev->ws_frame.hash,
                           (size_t)ev->ws_frame.len);
    }
    lessons_learn(w->story.trace, &w->heard, &w->lessons);
}

static void end(struct watched *w)
{
    lessons_fini(&w->lessons);
    overheard_fini(&w->heard);
    for (size_t i = 0; i < w->text_count; i++)
        free(w->texts[i]);
    story_end(&w->story);
}

static const char *or_none(const char *text)
{
    return text ? text : "none";
}

/* --- Heartbeats --- */

static void protocol_pings_are_seen(void)
{
    struct watched w;
    begin(&w);
    story_pings(&w.story, 25, 25, 59, true);
    learn(&w, 60);
    CHECK_INT(w.lessons.client.how, BEAT_PINGS);
    CHECK_INT(w.lessons.client.interval, 25 * NSEC_PER_SEC);
    CHECK_INT(w.lessons.client.beats, 2);
    CHECK_INT(w.lessons.server.how, BEAT_NONE);
    CHECK_INT(w.lessons.sent, 0);
    end(&w);
}

static void an_even_message_is_a_heartbeat_and_its_answer_too(void)
{
    struct watched w;
    begin(&w);
    for (int i = 1; i < 7; i++) {
        say_as(&w, i * 9, SIDE_CLIENT, "", xprintf("{\"type\":\"alive\",\"n\":%d}", i));
        say(&w, i * 9 + 0.1, SIDE_SERVER, "{\"type\":\"yes\"}");
        say(&w, i * 9.5, SIDE_SERVER, "{\"type\":\"news\"}");
    }
    learn(&w, 60);
    CHECK_INT(w.lessons.client.how, BEAT_APPLICATION);
    CHECK_STR(or_none(w.lessons.client.ping), "\"type\":\"alive\"");
    CHECK_STR(or_none(w.lessons.client.pong), "\"type\":\"yes\"");
    CHECK_INT(w.lessons.sent, 0);
    end(&w);
}

static void two_even_messages_may_be_a_heartbeat(void)
{
    struct watched w;
    begin(&w);
    say(&w, 0.1, SIDE_CLIENT, "hello");
    say(&w, 25, SIDE_CLIENT, "alive?");
    say(&w, 50, SIDE_CLIENT, "alive?");
    learn(&w, 60);
    CHECK_INT(w.lessons.client.how, BEAT_MAYBE);
    CHECK_INT(w.lessons.client.interval, 25 * NSEC_PER_SEC);
    CHECK_STR(or_none(w.lessons.client.ping), "^alive\\?$");
    CHECK_STR(or_none(w.lessons.client.pong), "none");
    end(&w);
}

static void quick_or_uneven_messages_are_none(void)
{
    struct watched w;
    begin(&w);
    for (int i = 0; i < 12; i++)
        say(&w, 1 + i * 4.9, SIDE_CLIENT, "price?");
    say(&w, 10, SIDE_CLIENT, "a");
    say(&w, 20, SIDE_CLIENT, "a");
    say(&w, 40, SIDE_CLIENT, "a");
    learn(&w, 60);
    CHECK_INT(w.lessons.client.how, BEAT_NONE);
    CHECK_INT(w.lessons.sent, 14);
    end(&w);
}

static void known_words_need_no_pattern(void)
{
    struct watched w;
    begin(&w);
    for (int i = 1; i < 3; i++)
        say_as(&w, i * 20, SIDE_CLIENT, "ping", xstrdup("hb"));
    learn(&w, 60);
    CHECK_INT(w.lessons.client.how, BEAT_WORD);
    CHECK(!w.lessons.client.ping);
    end(&w);
}

static void an_answer_to_the_server_is_no_heartbeat_of_the_client(void)
{
    struct watched w;
    begin(&w);
    for (int i = 1; i < 3; i++) {
        say(&w, i * 20, SIDE_SERVER, "are you there");
        say(&w, i * 20 + 0.01, SIDE_CLIENT, "I am");
    }
    learn(&w, 60);
    CHECK_INT(w.lessons.client.how, BEAT_NONE);
    CHECK_INT(w.lessons.server.how, BEAT_MAYBE);
    CHECK_STR(or_none(w.lessons.server.pong), "^I am$");
    end(&w);
}

static void halfopens_server_teaches_nothing(void)
{
    struct watched w;
    begin(&w);
    w.story.server_by = BY_BUILTIN;
    for (int i = 1; i < 3; i++)
        story_ping(&w.story, i * 20, SIDE_SERVER);
    say(&w, 30, SIDE_SERVER, "echo");
    learn(&w, 60);
    CHECK_INT(w.lessons.server.how, BEAT_NONE);
    CHECK_INT(w.lessons.received, 0);
    end(&w);
}

/* --- Messages --- */

static void a_number_that_counts_is_found(void)
{
    struct watched w;
    begin(&w);
    for (int i = 1; i < 8; i++)
        counted(&w, i, SIDE_CLIENT, "{\"op\":\"put\",\"id\":%d}", i, i > 4);
    learn(&w, 60);
    CHECK_STR(or_none(w.lessons.id), "\"id\":(\\d+)");
    CHECK_INT(w.lessons.id_from, SIDE_CLIENT);
    CHECK_INT(w.lessons.sent, 6); /* and a first word */
    end(&w);
}

static void the_clients_number_goes_first(void)
{
    struct watched w;
    begin(&w);
    for (int i = 1; i < 8; i++) {
        counted(&w, i, SIDE_SERVER, "{\"seq\":%d}", i, i > 4);
        counted(&w, i + 0.1, SIDE_CLIENT, "put %d", i, i > 4);
    }
    learn(&w, 60);
    CHECK_STR(or_none(w.lessons.id), "^put (\\d+)");
    end(&w);
}

static void first_words_are_no_messages(void)
{
    struct watched w;
    begin(&w);
    for (unsigned i = 1; i < 8; i++) {
        story_of(&w.story, 0, i + 1);
        story_open(&w.story, i * 5);
        counted(&w, i * 5 + 1, SIDE_CLIENT, "{\"id\":%d}", (int)i, i > 4);
        story_fin(&w.story, i * 5 + 4, SIDE_CLIENT);
    }
    learn(&w, 60);
    CHECK_STR(or_none(w.lessons.id), "none");
    CHECK_INT(w.lessons.sent, 0);
    CHECK_INT(w.lessons.left, 7);
    end(&w);
}

static void credentials_are_named_and_not_kept(void)
{
    struct watched w;
    begin(&w);
    w.story.events[1].http_request.target = "/feed?v=1&access_token=REDACTED";
    say(&w, 0.1, SIDE_CLIENT, "{\"type\":\"auth\",\"token\":\"hunter2\"}");
    say(&w, 5, SIDE_CLIENT, "{\"type\":\"put\",\"key\":\"x\"}");
    learn(&w, 60);
    CHECK(w.lessons.authenticates);
    CHECK_STR(or_none(w.lessons.auth_key), "token");
    CHECK_STR(or_none(w.lessons.auth_message), "\"type\":\"auth\"");
    CHECK_STR(or_none(w.lessons.query_key), "access_token");
    end(&w);
}

/* --- The file --- */

static struct target *write(struct watched *w, struct init_facts *facts, struct text *out)
{
    struct policy policy;
    struct diag *diag = diag_new();
    policy_defaults(&policy);
    facts->client = facts->client ? facts->client : "node app.js {url}";
    facts->system = "it's mine";
    facts->date = "2026-11-27";
    facts->asked = &policy;
    facts->lessons = &w->lessons;
    text_init(out);
    init_file_write(facts, out);
    struct target *target = target_parse("halfopen.yaml", text_chars(out), out->len, getenv, diag);
    diag_print(diag, stderr);
    CHECK(target != NULL);
    diag_free(diag);
    return target;
}

/* The part that begins so without its '#'s, as its reader would take them away: the line itself and
 * those that are indented behind it. */
static void uncomment(const char *chars, const char *begin, struct text *out)
{
    bool within = false;
    while (*chars) {
        size_t len = strcspn(chars, "\n");
        bool first = strncmp(chars, begin, strlen(begin)) == 0;
        within = first || (within && strncmp(chars, "#   ", 4) == 0);
        text_add_bytes(out, chars + (within ? 2 : 0), len - (within ? 2 : 0));
        text_add(out, "\n");
        chars += len + (chars[len] == '\n');
    }
}

static void what_was_learned_loads(void)
{
    struct watched w;
    struct init_facts facts = {.client = "node \"a'b\\c\".js {url} # 1", .tls = true};
    struct text out;
    begin(&w);
    say(&w, 0.1, SIDE_CLIENT, "{\"type\":\"auth\",\"token\":\"hunter2\"}");
    for (int i = 1; i < 7; i++) {
        say_as(&w, i * 9, SIDE_CLIENT, "", xprintf("it's {%d}: \\ \x01", i));
        counted(&w, i, SIDE_CLIENT, "{\"op\":\"put\",\"id\":%d}", i, i > 4);
    }
    learn(&w, 60);
    struct target *target = write(&w, &facts, &out);
    CHECK_STR(target->client.command, "node \"a'b\\c\".js {url} # 1");
    CHECK_STR(or_none(target->heartbeat.ping), "^it's \\{\\d+\\}: \\\\ \\x01$");
    CHECK_STR(or_none(target->messages.id), "\"id\":(\\d+)");
    CHECK_STR(target->suite, "core");
    CHECK(target->tls && !target->profile);
    CHECK(!strstr(text_chars(&out), "hunter2"));
    CHECK_CONTAINS(text_chars(&out), "it has 'token'");
    target_free(target);
    text_fini(&out);
    end(&w);
}

static void a_browser_gets_its_profile(void)
{
    struct watched w;
    struct init_facts facts = {0};
    struct text out;
    begin(&w);
    w.story.events[1].http_request.agent = "Mozilla/5.0 (X11)\nrules: {suite: evil}";
    learn(&w, 60);
    struct target *target = write(&w, &facts, &out);
    CHECK(target->profile && strstr(target->profile, "browser.yaml"));
    CHECK_STR(target->suite, "core");
    target_free(target);
    text_fini(&out);
    end(&w);
}

/* The one that stays is the application's. */
static void of_several_sockets_the_one_that_stays_counts(void)
{
    struct watched w;
    struct init_facts facts = {0};
    struct text out;
    begin(&w);
    w.story.events[1].http_request.target = "/feed?x=1";
    story_of(&w.story, 0, 2);
    story_open(&w.story, 1);
    w.story.events[w.story.count - 3].http_request.target = "/hot-reload";
    story_fin(&w.story, 9, SIDE_CLIENT);
    learn(&w, 60);
    struct target *target = write(&w, &facts, &out);
    CHECK_STR(or_none(target->client.path), "/feed");
    target_free(target);
    text_fini(&out);
    end(&w);
}

static void its_examples_load_once_uncommented(void)
{
    struct watched w;
    struct init_facts facts = {0};
    struct text out, whole;
    struct diag *diag = diag_new();
    begin(&w);
    learn(&w, 60);
    target_free(write(&w, &facts, &out));
    static const char *const parts[] = {
        "# server:", "# behind:", "# heartbeat:", "# messages:", "# hooks:", "# policy:"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        text_init(&whole);
        uncomment(text_chars(&out), parts[i], &whole);
        CHECK_CONTAINS(text_chars(&whole), parts[i] + 2);
        CHECK(!strstr(text_chars(&whole), parts[i]));
        struct target *target = target_parse(parts[i], text_chars(&whole), whole.len, getenv, diag);
        check_true(__FILE__, __LINE__, parts[i], target != NULL);
        target_free(target);
        text_fini(&whole);
    }
    diag_print(diag, stderr);
    text_fini(&out);
    diag_free(diag);
    end(&w);
}

SUITE(lessons, TEST(protocol_pings_are_seen),
      TEST(an_even_message_is_a_heartbeat_and_its_answer_too),
      TEST(two_even_messages_may_be_a_heartbeat), TEST(quick_or_uneven_messages_are_none),
      TEST(known_words_need_no_pattern),
      TEST(an_answer_to_the_server_is_no_heartbeat_of_the_client),
      TEST(halfopens_server_teaches_nothing), TEST(a_number_that_counts_is_found),
      TEST(the_clients_number_goes_first), TEST(first_words_are_no_messages),
      TEST(credentials_are_named_and_not_kept), TEST(what_was_learned_loads),
      TEST(a_browser_gets_its_profile), TEST(of_several_sockets_the_one_that_stays_counts),
      TEST(its_examples_load_once_uncommented))
