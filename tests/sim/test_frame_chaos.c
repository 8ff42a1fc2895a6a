/* The faults on frames in any combination, with any parameters, on streams that are cut anywhere,
 * against a clock that jumps: what comes out is still what a good endpoint can read, nothing waits
 * for ever, and the same seed leaves the same trace. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "fault/fault.h"
#include "tests/check.h"
#include "tests/unit/frame_run.h"

#define ROUNDS 25
#define MOVES  60

/* Those whose output an endpoint can still read; the others break it on purpose. */
static const char *const gentle[] = {
    "delay_message", "drop_message",       "duplicate_message", "reorder_message", "text_as_binary",
    "fragment",      "interleave_control", "coalesce",          "delay_pong",      "drop_pong",
    "drop_ping",     "corrupt_pong",       "forge_pong",        "ping_flood",      "swallow_close"};
static const char *const rough[] = {"close_with", "truncate_frame", "bad_frame",
                                    "oversize_message"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static size_t pick(struct rng *rng, size_t count)
{
    return (size_t)rng_between(rng, 0, (int64_t)count - 1);
}

/* --- Any parameters --- */

/* Small values are tried more often: they are where things are tight. */
static void add_value(struct rng *rng, const struct param *param, struct text *out)
{
    static const char *const durations[] = {"1ms", "10ms", "300ms", "2s", "1m"};
    static const char *const sizes[] = {"1B", "2B", "7B", "125B"};
    switch (param->type) {
    case PARAM_DURATION:
        text_add(out, durations[pick(rng, COUNT(durations))]);
        break;
    case PARAM_SIZE:
        text_add(out, sizes[pick(rng, COUNT(sizes))]);
        break;
    case PARAM_COUNT:
        text_addf(out, "%d", (int)rng_between(rng, 2, 40));
        break;
    case PARAM_RATIO:
        text_addf(out, "%d%%", (int)rng_between(rng, 0, 100));
        break;
    case PARAM_RATE:
        text_add(out, "1MiB/s");
        break;
    case PARAM_BOOL:
        text_add(out, pick(rng, 2) ? "true" : "false");
        break;
    case PARAM_CHOICE: {
        size_t choices = 0;
        while (param->choices[choices])
            choices++;
        text_add(out, param->choices[pick(rng, choices)]);
        break;
    }
    case PARAM_TEXT:
        text_add(out, "words");
        break;
    case PARAM_PATTERN:
        text_add(out, "'[a-m]'");
        break;
    }
}

/* Sizes that must be the right way round are left alone, and what is at least 32B. */
static bool may_vary(const struct param *param)
{
    return strcmp(param->name, "max_size") != 0 && strcmp(param->name, "min_size") != 0 &&
           !(param->type == PARAM_SIZE && param->min && strcmp(param->min, "32B") == 0);
}

static void add_fault(struct rng *rng, const char *name, int number, struct text *out)
{
    static const char *const directions[] = {"both", "to_client", "to_server"};
    const struct fault_desc *fault = fault_find(name);
    text_addf(out, "  - %s: {direction: %s, as: f%d", name, directions[pick(rng, 3)], number);
    if (strcmp(name, "oversize_message") == 0)
        text_add(out, ", size: 5000B");
    for (const struct param *param = fault->params; param && param->name; param++) {
        if (!may_vary(param) || pick(rng, 2))
            continue;
        text_addf(out, ", %s: ", param->name);
        add_value(rng, param, out);
    }
    if (pick(rng, 2))
        text_addf(out, ", for: %ds", (int)rng_between(rng, 1, 20));
    text_add(out, "}\n");
    if (pick(rng, 3) == 0)
        text_add(out, "  - wait: 1s\n");
}

static void add_steps(struct rng *rng, bool may_be_rough, struct text *out)
{
    int count = (int)rng_between(rng, 1, 5);
    for (int i = 0; i < count; i++) {
        bool break_it = may_be_rough && pick(rng, 3) == 0;
        add_fault(rng, break_it ? rough[pick(rng, COUNT(rough))] : gentle[pick(rng, COUNT(gentle))],
                  i, out);
    }
}

/* --- Any stream --- */

struct sender {
    bool in_message, closed, ended;
};

static void send_data(struct rng *rng, struct frame_run *r, enum side from, struct sender *sender)
{
    static const char *const words[] = {
        "", "a", "ping", "pong", "word", "aé€z", "a longer message, in words"};
    const char *word = words[pick(rng, COUNT(words))];
    uint8_t opcode = sender->in_message ? OPCODE_CONTINUATION
                     : pick(rng, 2)     ? OPCODE_TEXT
                                        : OPCODE_BINARY;
    if (pick(rng, 12) == 0 && !sender->in_message) {
        frame_send_len(r, from, opcode, (size_t)rng_between(rng, 60000, 300000));
    } else if (pick(rng, 3) == 0) {
        frame_send_part(r, from, opcode, word);
        sender->in_message = true;
    } else {
        frame_send(r, from, opcode, word);
        sender->in_message = false;
    }
}

static void move(struct rng *rng, struct frame_run *r, struct sender senders[3])
{
    enum side from = pick(rng, 2) ? SIDE_CLIENT : SIDE_SERVER;
    struct sender *sender = &senders[from];
    size_t what = pick(rng, 20);
    if (sender->ended)
        return;
    if (what == 0 && pick(rng, 4) == 0) {
        frame_end(r, from, CUT_FIN);
        sender->ended = true;
    } else if (what == 1 && pick(rng, 3) == 0 && !sender->closed) {
        frame_send(r, from, OPCODE_CLOSE, "\x03\xe8");
        sender->closed = true;
    } else if (what < 6 && !sender->closed) {
        frame_send(r, from, pick(rng, 2) ? OPCODE_PING : OPCODE_PONG, "beat");
    } else if (!sender->closed) {
        send_data(rng, r, from, sender);
    }
}

struct outcome {
    char *trace, *client, *server;
};

static struct outcome play(uint64_t seed, const char *steps)
{
    struct rng rng;
    struct outcome out = {0};
    struct sender senders[3] = {{0}};
    rng_init(&rng, seed, "moves", 0);
    struct frame_run *r = frame_run_new(steps);
    nsec now = 0;
    for (int i = 0; i < MOVES; i++) {
        if (pick(&rng, 2))
            frame_run_until(r, now += rng_between(&rng, 0, NSEC_PER_SEC / 2));
        if (pick(&rng, 16) == 0)
            frame_slice(r);
        move(&rng, r, senders);
    }
    frame_run_until(r, now + 200 * NSEC_PER_SEC);
    out.client = xstrdup(frame_got(r, SIDE_CLIENT));
    out.server = xstrdup(frame_got(r, SIDE_SERVER));
    out.trace = xstrdup(frame_trace(r));
    frame_run_free(r);
    return out;
}

static void forget(struct outcome *out)
{
    free(out->trace);
    free(out->client);
    free(out->server);
}

/* --- What a good endpoint can read --- */

/* From frame_got's words: masks, and RFC 6455 5.4. NULL: all is well. */
static const char *trouble_in(const char *words)
{
    bool in_message = false;
    if (strstr(words, "!mask"))
        return "masked the wrong way";
    if (strstr(words, "!key"))
        return "two frames with one key";
    for (const char *at = words; *at;) {
        bool more = strncmp(at, "more", 4) == 0;
        bool data = more || strncmp(at, "text", 4) == 0 || strncmp(at, "binary", 6) == 0;
        size_t word = strcspn(at, " +;");
        if (data && more != in_message)
            return more ? "a continuation of nothing" : "a message inside another";
        if (data)
            in_message = at[word] == '+';
        at += strcspn(at, ";");
        at += strspn(at, "; ");
    }
    return strstr(words, "cut after") ? "half a frame" : NULL;
}

static void check_side(const char *steps, uint64_t seed, const char *words)
{
    const char *trouble = trouble_in(words);
    if (trouble)
        fprintf(stderr, "seed %d: %s\n%s%s\n", (int)seed, trouble, steps, words);
    CHECK(!trouble);
}

static void what_comes_out_can_be_read(void)
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct rng rng;
        struct text steps;
        rng_init(&rng, seed, "steps", 0);
        text_init(&steps);
        add_steps(&rng, false, &steps);
        struct outcome out = play(seed, text_chars(&steps));
        check_side(text_chars(&steps), seed, out.client);
        check_side(text_chars(&steps), seed, out.server);
        forget(&out);
        text_fini(&steps);
    }
}

static void the_same_seed_leaves_the_same_trace(void)
{
    for (uint64_t seed = 1000; seed < 1000 + ROUNDS; seed++) {
        struct rng rng;
        struct text steps;
        rng_init(&rng, seed, "steps", 0);
        text_init(&steps);
        add_steps(&rng, true, &steps);
        struct outcome one = play(seed, text_chars(&steps)), other = play(seed, text_chars(&steps));
        CHECK(strcmp(one.trace, other.trace) == 0);
        CHECK_STR(one.client, other.client);
        CHECK_STR(one.server, other.server);
        forget(&one);
        forget(&other);
        text_fini(&steps);
    }
}

SUITE(frame_chaos, TEST(what_comes_out_can_be_read), TEST(the_same_seed_leaves_the_same_trace))
