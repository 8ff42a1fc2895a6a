/* With no fault on, what one endpoint says is what the other hears, byte for byte, whatever it is
 * and however it is cut; and what is recorded of it does not depend on the cuts. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/sim/duct.h"
#include "tests/sim/streams.h"
#include "ws/frame.h"

enum talk { NOISE, PLAIN_HTTP, WEBSOCKET, WILD_WEBSOCKET, COMPRESSED, BROKEN_UPGRADE, TALKS };

/* What is said in turn: the opening, whose request comes before its answer, then the rest. */
struct script {
    struct streams opening, rest;
};

static void add_rest(struct script *script, enum talk talk, size_t longest, struct rng *rng)
{
    enum manners manners = talk == WILD_WEBSOCKET ? WILD : SOUND;
    size_t count = (size_t)rng_between(rng, 1, 12);
    streams_add_frames(&script->rest, SIDE_CLIENT, manners, talk == COMPRESSED, count, longest,
                       rng);
    streams_add_frames(&script->rest, SIDE_SERVER, manners, talk == COMPRESSED, count, longest,
                       rng);
    if (talk == WILD_WEBSOCKET)
        streams_add_noise(&script->rest, SIDE_CLIENT, 50, rng);
}

static void script_init(struct script *script, enum talk talk, size_t longest, struct rng *rng)
{
    streams_init(&script->opening);
    streams_init(&script->rest);
    switch (talk) {
    case NOISE:
        streams_add_noise(&script->rest, SIDE_CLIENT, longest, rng);
        streams_add_noise(&script->rest, SIDE_SERVER, longest / 2, rng);
        return;
    case PLAIN_HTTP:
        for (int i = 0; i < 5; i++)
            streams_add_http(&script->rest, rng);
        return;
    case BROKEN_UPGRADE:
        streams_add_upgrade(&script->opening, false);
        streams_add_noise(&script->opening, SIDE_SERVER, 300, rng);
        break;
    case WEBSOCKET:
    case WILD_WEBSOCKET:
    case COMPRESSED:
    case TALKS:
        if (rng_unit(rng) < 0.5)
            streams_add_http(&script->opening, rng);
        streams_add_upgrade(&script->opening, talk == COMPRESSED);
        break;
    }
    add_rest(script, talk, longest, rng);
}

static void script_fini(struct script *script)
{
    streams_fini(&script->opening);
    streams_fini(&script->rest);
}

/* --- Carrying it through --- */

struct cuts {
    size_t slice;        /* pieces of at most this, 0: whole */
    bool random, narrow; /* narrow: the sinks take little at a time */
};

static size_t send_some(struct duct *duct, enum side from, const struct buf *bytes, size_t done,
                        const struct cuts *cuts, struct rng *rng)
{
    size_t left = buf_len(bytes) - done;
    size_t most = cuts->slice > 0 && cuts->slice < left ? cuts->slice : left;
    size_t len = cuts->random && most > 1 ? (size_t)rng_between(rng, 1, (int64_t)most) : most;
    if (left == 0)
        return 0;
    if (duct_send(duct, from, buf_bytes(bytes) + done, len))
        return len;
    duct_give_room(duct, side_other(from), (size_t)rng_between(rng, 1, 100000));
    return 0;
}

/* Both sides at once, in pieces that alternate at random. */
static void exchange(struct duct *duct, const struct streams *streams, const struct cuts *cuts,
                     struct rng *rng)
{
    size_t up = 0, down = 0;
    while (up < buf_len(&streams->from_client) || down < buf_len(&streams->from_server)) {
        bool turn = rng_unit(rng) < 0.5;
        if (turn)
            up += send_some(duct, SIDE_CLIENT, &streams->from_client, up, cuts, rng);
        else
            down += send_some(duct, SIDE_SERVER, &streams->from_server, down, cuts, rng);
    }
}

static void drain(struct duct *duct)
{
    duct_give_room(duct, SIDE_CLIENT, (size_t)64 << 20);
    duct_give_room(duct, SIDE_SERVER, (size_t)64 << 20);
}

static void check_heard(const struct duct *duct, enum side by, const struct buf *first,
                        const struct buf *second)
{
    struct buf all;
    buf_init(&all, (size_t)256 << 20);
    (void)buf_append_all(&all, buf_bytes(first), buf_len(first));
    (void)buf_append_all(&all, buf_bytes(second), buf_len(second));
    CHECK_BYTES(buf_bytes(&duct->got[by]), buf_len(&duct->got[by]), buf_bytes(&all), buf_len(&all));
    buf_fini(&all);
}

static void begin(struct duct *duct, const struct script *script, const struct cuts *cuts,
                  struct rng *rng)
{
    duct_init(duct, duct_plan(""), 1);
    duct_send_all(duct, SIDE_CLIENT, &script->opening.from_client, cuts->slice,
                  cuts->random ? rng : NULL);
    duct_send_all(duct, SIDE_SERVER, &script->opening.from_server, cuts->slice,
                  cuts->random ? rng : NULL);
    if (cuts->narrow)
        duct->room[SIDE_CLIENT] = duct->room[SIDE_SERVER] = 10;
}

static void check_passes(enum talk talk, size_t longest, uint64_t seed, const struct cuts *cuts)
{
    struct script script;
    struct duct duct;
    struct rng rng;
    rng_init(&rng, seed, "transparency", talk);
    script_init(&script, talk, longest, &rng);
    begin(&duct, &script, cuts, &rng);
    exchange(&duct, &script.rest, cuts, &rng);
    drain(&duct);
    check_heard(&duct, SIDE_SERVER, &script.opening.from_client, &script.rest.from_client);
    check_heard(&duct, SIDE_CLIENT, &script.opening.from_server, &script.rest.from_server);
    duct_fini(&duct);
    script_fini(&script);
}

static void bytes_pass_unchanged_in_pieces_of_any_size(void)
{
    static const struct cuts cuts[] = {
        {0, false, false}, {1000, true, false}, {100000, true, true}, {7, true, true}};
    for (int talk = 0; talk < TALKS; talk++)
        for (uint64_t seed = 1; seed <= 4; seed++)
            for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
                check_passes((enum talk)talk, i == 3 ? 300 : 70000, seed, &cuts[i]);
}

static void bytes_pass_unchanged_one_at_a_time(void)
{
    for (int talk = 0; talk < TALKS; talk++)
        for (uint64_t seed = 1; seed <= 4; seed++)
            check_passes((enum talk)talk, 300, seed, &(struct cuts){1, false, false});
}

/* --- Half-close --- */

static void check_half_close(enum talk talk, enum side first)
{
    struct script script;
    struct duct duct;
    struct rng rng;
    enum side second = side_other(first);
    struct cuts cuts = {1000, true, false};
    rng_init(&rng, 1, "half-close", talk);
    script_init(&script, talk, 2000, &rng);
    begin(&duct, &script, &cuts, &rng);
    duct_send_all(&duct, first, streams_of(&script.rest, first), 1000, &rng);
    duct_end(&duct, first, CUT_FIN);
    CHECK(duct.finished[second]);
    CHECK(!duct.finished[first]);
    duct_send_all(&duct, second, streams_of(&script.rest, second), 1000, &rng);
    check_heard(&duct, SIDE_SERVER, &script.opening.from_client, &script.rest.from_client);
    check_heard(&duct, SIDE_CLIENT, &script.opening.from_server, &script.rest.from_server);
    duct_end(&duct, second, CUT_FIN);
    CHECK(duct.session == NULL);
    CHECK(!duct.reset[SIDE_CLIENT] && !duct.reset[SIDE_SERVER]);
    duct_fini(&duct);
    script_fini(&script);
}

static void an_end_of_one_direction_leaves_the_other_open(void)
{
    for (int talk = 0; talk < TALKS; talk++) {
        check_half_close((enum talk)talk, SIDE_CLIENT);
        check_half_close((enum talk)talk, SIDE_SERVER);
    }
}

static void an_end_waits_for_what_was_said_before_it(void)
{
    struct duct duct;
    duct_init(&duct, duct_plan(""), 1);
    duct.room[SIDE_SERVER] = 3;
    CHECK(duct_send(&duct, SIDE_CLIENT, "garbage\n", 8));
    duct_end(&duct, SIDE_CLIENT, CUT_FIN);
    CHECK(!duct.finished[SIDE_SERVER]);
    duct_give_room(&duct, SIDE_SERVER, 5);
    CHECK(duct.finished[SIDE_SERVER]);
    CHECK_BYTES(buf_bytes(&duct.got[SIDE_SERVER]), buf_len(&duct.got[SIDE_SERVER]), "garbage\n", 8);
    duct_fini(&duct);
}

static void a_reset_is_passed_on_as_a_reset(void)
{
    struct duct duct;
    duct_init(&duct, duct_plan(""), 1);
    duct_end(&duct, SIDE_SERVER, CUT_RST);
    CHECK(duct.reset[SIDE_CLIENT]);
    CHECK(duct.session == NULL);
    duct_fini(&duct);
}

/* --- What is recorded --- */

/* The lines of heads, frames, messages and closes, without their seq. */
static void add_observed(const struct text *trace, struct text *out)
{
    for (const char *line = text_chars(trace); *line; line += strcspn(line, "\n") + 1) {
        size_t len = strcspn(line, "\n");
        char *copy = xstrndup(line, len);
        if (strstr(copy, "\"ev\":\"ws.") || strstr(copy, "\"ev\":\"http."))
            text_addf(out, "%s\n", strchr(copy, ','));
        free(copy);
    }
}

/* steps: YAML of the faults at work, or nothing. */
static void observe(const struct script *script, const char *steps, const struct cuts *cuts,
                    struct rng *rng, struct text *out)
{
    struct duct duct;
    struct rng *any = cuts->random ? rng : NULL;
    duct_init(&duct, duct_plan(steps), 1);
    duct_send_all(&duct, SIDE_CLIENT, &script->opening.from_client, cuts->slice, any);
    duct_send_all(&duct, SIDE_SERVER, &script->opening.from_server, cuts->slice, any);
    duct_send_all(&duct, SIDE_CLIENT, &script->rest.from_client, cuts->slice, any);
    duct_send_all(&duct, SIDE_SERVER, &script->rest.from_server, cuts->slice, any);
    add_observed(&duct.trace, out);
    duct_fini(&duct);
}

static void check_same_events(enum talk talk, const char *steps, size_t longest, uint64_t seed)
{
    static const struct cuts cuts[] = {{1, false, false}, {50, true, false}, {3000, true, false}};
    struct script script;
    struct text want, got;
    struct rng rng;
    rng_init(&rng, seed, "observed", talk);
    script_init(&script, talk, longest, &rng);
    text_init(&want);
    observe(&script, steps, &(struct cuts){0, false, false}, &rng, &want);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        text_init(&got);
        observe(&script, steps, &cuts[i], &rng, &got);
        CHECK_STR(text_chars(&got), text_chars(&want));
        text_fini(&got);
    }
    text_fini(&want);
    script_fini(&script);
}

static void the_same_is_recorded_however_it_is_cut(void)
{
    for (int talk = 0; talk < TALKS; talk++)
        for (uint64_t seed = 1; seed <= 4; seed++)
            check_same_events((enum talk)talk, "", seed == 4 ? 70000 : 1000, seed);
}

/* A fault that looks at frames and changes none: each walks the chain by itself. */
static void the_same_is_recorded_when_frames_walk(void)
{
    for (int talk = WEBSOCKET; talk < TALKS; talk++)
        for (uint64_t seed = 1; seed <= 4; seed++)
            check_same_events((enum talk)talk, "  - drop_pong: {kind: application}\n    as: x\n",
                              seed == 4 ? 70000 : 1000, seed);
}

/* Two pieces, for every place of the cut. */
static void the_same_is_recorded_at_every_cut(void)
{
    struct script script;
    struct text want, got;
    struct rng rng;
    rng_init(&rng, 1, "every cut", 0);
    streams_init(&script.opening);
    streams_init(&script.rest);
    streams_add_upgrade(&script.opening, false);
    streams_add_frame(&script.opening, SIDE_CLIENT, OPCODE_TEXT, "{\"id\":1}", 8);
    streams_add_frame(&script.opening, SIDE_CLIENT, OPCODE_PING, "", 0);
    text_init(&want);
    observe(&script, "", &(struct cuts){0, false, false}, &rng, &want);
    for (size_t cut = 1; cut < buf_len(&script.opening.from_client); cut++) {
        text_init(&got);
        observe(&script, "", &(struct cuts){cut, false, false}, &rng, &got);
        CHECK_STR(text_chars(&got), text_chars(&want));
        text_fini(&got);
    }
    text_fini(&want);
    script_fini(&script);
}

SUITE(transparency, TEST(bytes_pass_unchanged_in_pieces_of_any_size),
      TEST(bytes_pass_unchanged_one_at_a_time), TEST(an_end_of_one_direction_leaves_the_other_open),
      TEST(an_end_waits_for_what_was_said_before_it), TEST(a_reset_is_passed_on_as_a_reset),
      TEST(the_same_is_recorded_however_it_is_cut), TEST(the_same_is_recorded_when_frames_walk),
      TEST(the_same_is_recorded_at_every_cut))
