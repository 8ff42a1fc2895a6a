/* What subscribes, resumes and tells the state of a session, by the target file's patterns. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/sim/duct.h"
#include "tests/sim/streams.h"
#include "tests/sim/world.h"
#include "ws/frame.h"

struct talk {
    struct duct duct;
    struct streams streams;
};

static void talk_init(struct talk *talk)
{
    struct plan *plan = duct_plan("");
    *talk = (struct talk){0};
    plan->sessions.subscribe = xstrdup("^sub (\\w+)");
    plan->sessions.resume = xstrdup("^resume|last=");
    plan->sessions.state = xstrdup("sid=(\\d+)");
    streams_init(&talk->streams);
    duct_init(&talk->duct, plan, 1);
    streams_add_upgrade(&talk->streams, false);
    duct_send_all(&talk->duct, SIDE_CLIENT, &talk->streams.from_client, 0, NULL);
    duct_send_all(&talk->duct, SIDE_SERVER, &talk->streams.from_server, 0, NULL);
    buf_clear(&talk->streams.from_client);
    buf_clear(&talk->streams.from_server);
}

static void say(struct talk *talk, enum side side, const char *message)
{
    struct buf *bytes =
        side == SIDE_CLIENT ? &talk->streams.from_client : &talk->streams.from_server;
    streams_add_frame(&talk->streams, side, OPCODE_TEXT, message, strlen(message));
    duct_send_all(&talk->duct, side, bytes, 0, NULL);
    buf_clear(bytes);
}

/* Which marks there are, "subscribe resume", and in hashes the first two's hashes. */
static void check_marks(struct talk *talk, const char *want, char hashes[2][20])
{
    struct text words;
    size_t i = 0, count = 0;
    text_init(&words);
    duct_end_run(&talk->duct);
    struct trace *trace = sim_read(&talk->duct.trace);
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_WS_SESSION)); count++) {
        const struct event *message = trace_at_seq(trace, ev->ws_session.frame);
        CHECK(message && event_is_message(message) && message->side == ev->side &&
              message->conn == ev->conn);
        text_addf(&words, "%s%s", count > 0 ? " " : "", ev->ws_session.what);
        if (count < 2)
            (void)snprintf(hashes[count], sizeof hashes[count], "%s", ev->ws_session.hash);
    }
    CHECK_STR(text_chars(&words), want);
    text_fini(&words);
    trace_free(trace);
    duct_fini(&talk->duct);
    streams_fini(&talk->streams);
}

static void each_message_is_what_its_pattern_says(void)
{
    struct talk talk;
    char hashes[2][20] = {"", ""};
    talk_init(&talk);
    say(&talk, SIDE_CLIENT, "hello");
    say(&talk, SIDE_CLIENT, "resume");
    say(&talk, SIDE_CLIENT, "sub a last=5");
    say(&talk, SIDE_SERVER, "welcome sid=7");
    check_marks(&talk, "resume subscribe resume state", hashes);
    CHECK_STR(hashes[0], ""); /* without a group */
    CHECK_INT(strlen(hashes[1]), 16);
}

static void a_side_is_not_looked_at_for_what_the_other_says(void)
{
    struct talk talk;
    char hashes[2][20];
    talk_init(&talk);
    say(&talk, SIDE_SERVER, "sub a");
    say(&talk, SIDE_SERVER, "resume");
    say(&talk, SIDE_CLIENT, "my sid=7");
    check_marks(&talk, "", hashes);
}

static void what_the_group_matches_is_told_apart_and_nothing_else(void)
{
    struct talk talk;
    char hashes[2][20];
    talk_init(&talk);
    say(&talk, SIDE_CLIENT, "sub prices at 17:01");
    say(&talk, SIDE_CLIENT, "sub prices at 17:02");
    check_marks(&talk, "subscribe subscribe", hashes);
    CHECK_STR(hashes[0], hashes[1]);
    talk_init(&talk);
    say(&talk, SIDE_CLIENT, "sub prices");
    say(&talk, SIDE_CLIENT, "sub news");
    check_marks(&talk, "subscribe subscribe", hashes);
    CHECK(strcmp(hashes[0], hashes[1]) != 0);
}

SUITE(session_patterns, TEST(each_message_is_what_its_pattern_says),
      TEST(a_side_is_not_looked_at_for_what_the_other_says),
      TEST(what_the_group_matches_is_told_apart_and_nothing_else))
