/* All faults, in any combination, with any parameters their bounds allow, on connections whose
 * bytes come in any pieces at any time and which end at any moment. What only delays must deliver
 * every byte in order; everything must be free of crashes, of spinning and of queues without limit.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "ws/frame.h"
#include "tests/check.h"
#include "tests/unit/session_bench.h"

#define ROUNDS     30
#define BYTES      6000 /* of each side, in frames of all kinds */
#define BIG        1500 /* the largest frame's payload */
#define CHUNK_MOST 900
#define TURNS_MOST 2000 /* deadlines within one step of time */

struct sender {
    enum side from;
    uint8_t bytes[BYTES];
    size_t len, sent;
};

static void add_frame(struct sender *sender, uint8_t opcode, size_t most, struct rng *rng)
{
    uint8_t payload[BIG], key[4] = {'m', 'a', 's', 'k'};
    size_t len = (size_t)rng_between(rng, 0, (int64_t)most);
    for (size_t i = 0; i < len; i++)
        payload[i] = (uint8_t)rng_between(rng, 'a', 'z');
    sender->len += frame_build(sender->bytes + sender->len, sizeof sender->bytes - sender->len,
                               opcode, payload, len, sender->from == SIDE_CLIENT ? key : NULL);
}

static void fill(struct sender *sender, enum side from, struct rng *rng)
{
    sender->from = from;
    sender->len = sender->sent = 0;
    while (sender->len + BIG + FRAME_HEAD_MAX <= sizeof sender->bytes) {
        static const uint8_t opcodes[] = {OPCODE_TEXT, OPCODE_BINARY, OPCODE_PING, OPCODE_PONG};
        uint8_t opcode = opcodes[rng_between(rng, 0, 3)];
        bool big = !frame_is_control(opcode) && rng_between(rng, 0, 9) == 0;
        add_frame(sender, opcode, big ? BIG : FRAME_CONTROL_MAX, rng);
    }
}

static void send_some(struct session_bench *b, struct sender *sender, struct rng *rng)
{
    size_t left = sender->len - sender->sent;
    size_t len = (size_t)rng_between(rng, 1, CHUNK_MOST);
    len = len < left ? len : left;
    if (len == 0 || !session_bench_is_read(b, 0, sender->from))
        return;
    session_bench_send_len(b, 0, sender->from, sender->bytes + sender->sent, len);
    sender->sent += len;
}

static const char *pick(struct rng *rng, const char *const *words, size_t count)
{
    return words[rng_between(rng, 0, (int64_t)count - 1)];
}

#define PICK(rng, words) pick(rng, words, sizeof(words) / sizeof *(words))

/* --- What only delays --- */

static char *delaying(struct rng *rng)
{
    static const char *const faults[] = {
        "latency: {delay: 0s, jitter: 300ms}",
        "latency: {delay: 1s, jitter: 1s, distribution: pareto, correlation: 90%}",
        "latency: {delay: 3s, shape: saw, period: 2s, jitter: 1s, distribution: normal}",
        "bandwidth: {rate: 3kB/s, burst: 500B}",
        "bandwidth: {rate: 100kB/s}",
        "slice: {size: 1B, delay: 0s}",
        "slice: {size: 700B, variation: 1000B, delay: 10ms}",
        "flap: {down: 700ms, up: 900ms}",
        "flap: {down: 1ms, up: 1ms, begins: up}",
        "slow_close: {delay: 3s}",
    };
    struct text steps;
    int64_t count = rng_between(rng, 1, 4);
    text_init(&steps);
    for (int64_t i = 0; i < count; i++)
        text_addf(&steps, "- %s\n    as: f%d\n  ", PICK(rng, faults), (int)i);
    text_add(&steps, "- wait: 20s\n");
    for (int64_t i = 0; i < count; i++)
        text_addf(&steps, "  - clear: f%d\n  - wait: %dms\n", (int)i,
                  (int)rng_between(rng, 0, 900));
    return text_take(&steps);
}

/* Sends all there is, at random; a direction ends when it is through. */
static void send_all(struct session_bench *b, struct sender *senders, struct rng *rng)
{
    bool ended[2] = {false, false};
    while (!ended[0] || !ended[1]) {
        int i = (int)rng_between(rng, 0, 1);
        session_bench_until(b, b->now + rng_between(rng, 0, 400 * NSEC_PER_MSEC));
        send_some(b, &senders[i], rng);
        if (ended[i] || senders[i].sent < senders[i].len)
            continue;
        session_bench_end(b, 0, senders[i].from, CUT_FIN);
        ended[i] = true;
    }
    session_bench_until(b, b->now + 600 * NSEC_PER_SEC);
}

static uint8_t got[2][BYTES];

/* Each end gets its copy by the side it stands for. */
static void watch(struct session_bench *b)
{
    b->links[0].copies[SIDE_SERVER] = got[0];
    b->links[0].copies[SIDE_CLIENT] = got[1];
}

static void what_only_delays_delivers_every_byte_in_order(void)
{
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct rng rng;
        struct sender senders[2];
        rng_init(&rng, 1, "delaying", round);
        fill(&senders[0], SIDE_CLIENT, &rng);
        fill(&senders[1], SIDE_SERVER, &rng);
        char *steps = delaying(&rng);
        struct session_bench *b = session_bench_new(steps);
        memset(got, 0, sizeof got);
        session_bench_accept(b, 0);
        session_bench_open(b, 0);
        watch(b);
        session_bench_start(b);
        send_all(b, senders, &rng);
        CHECK_STR(b->links[0].session ? steps : "over", "over");
        CHECK_BYTES(got[0], senders[0].len, senders[0].bytes, senders[0].len);
        CHECK_BYTES(got[1], senders[1].len, senders[1].bytes, senders[1].len);
        session_bench_free(b);
        free(steps);
    }
}

/* --- Anything --- */

#define WORDS_MOST 6
#define DRAWS_MOST 300 /* until the parameters of a fault go together */

/* Between the bounds, where the bounds allow it: not every draw loads. */
static const char *between(enum param_type type, struct rng *rng)
{
    static const char *const words[][WORDS_MOST] = {
        [PARAM_DURATION] = {"1ms", "37ms", "1s", "45s", "10m", "2h"},
        [PARAM_SIZE] = {"1B", "3B", "200B", "5000B", "9KiB", "3MiB"},
        [PARAM_RATE] = {"1B/s", "30B/s", "700B/s", "9kB/s", "1MiB/s", "1GiB/s"},
        [PARAM_COUNT] = {"1", "2", "3", "17", "400", "1001"},
        [PARAM_RATIO] = {"0.1%", "1%", "33%", "50%", "95%", "100%"},
        [PARAM_TEXT] = {"words", "nginx", "linux-nat", "aws-nlb", "caddy", "x-words"},
        [PARAM_PATTERN] = {"a", "[^a]", "b+", ".", "\\x81", "z$"},
    };
    return words[type][rng_between(rng, 0, WORDS_MOST - 1)];
}

static void add_param(struct text *yaml, const struct param *param, struct rng *rng)
{
    const char *values[] = {param->def, param->min, param->max};
    size_t which = (size_t)rng_between(rng, 0, 5);
    const char *value = which < 3 ? values[which] : NULL;
    static const char *const documents[] = {
        "{\"opcode\": 15, \"rsv\": 7, \"mask\": true, \"payload\": \"x\"}",
        "[{\"fin\": false, \"binary\": \"00ff\"}, {\"opcode\": \"ping\"}, {\"opcode\": 0}]",
        "[{\"payload\": \"x\", \"length\": 90000}, {\"opcode\": 2, \"length_bits\": 64}]",
        "{\"opcode\": \"close\", \"code\": 4000, \"reason\": \"bye\"}"};
    if (param->json) {
        value = PICK(rng, documents);
    } else if (param->choices) {
        size_t count = 0;
        while (param->choices[count])
            count++;
        value = pick(rng, param->choices, count);
    } else if (param->type == PARAM_BOOL) {
        value = rng_between(rng, 0, 1) ? "true" : "false";
    } else if (which >= 3) {
        value = between(param->type, rng);
    }
    if (value && *value)
        text_addf(yaml, "%s: '%s', ", param->name, value);
}

static size_t count_faults(void)
{
    size_t count = 0;
    while (all_faults[count])
        count++;
    return count;
}

static void add_fault(struct text *yaml, const struct fault_desc *fault, struct rng *rng)
{
    static const char *const directions[] = {"to_server", "to_client", "both"};
    text_addf(yaml, "- %s: {", fault->name);
    for (const struct param *param = fault->params; param && param->name; param++)
        if (rng_between(rng, 0, 2) > 0)
            add_param(yaml, param, rng);
    if (fault->dirs == DIR_BOTH && rng_between(rng, 0, 1))
        text_addf(yaml, "direction: %s, ", PICK(rng, directions));
    if (rng_between(rng, 0, 4) == 0)
        text_add(yaml, "probability: 50%, ");
    if (!fault->instant && rng_between(rng, 0, 2) == 0)
        text_addf(yaml, "as: f%d, for: %ds", (int)rng_between(rng, 0, 1000000),
                  (int)rng_between(rng, 1, 40));
    text_add(yaml, "}\n  ");
}

/* The fault `first` and up to three others, in any order. NULL: it needs what no session here has.
 */
static struct session_bench *anything(struct rng *rng, size_t first, char **steps)
{
    for (int draw = 0; draw < DRAWS_MOST; draw++) {
        struct text yaml;
        int64_t count = rng_between(rng, 1, 4), place = rng_between(rng, 0, count - 1);
        size_t faults = count_faults();
        text_init(&yaml);
        for (int64_t i = 0; i < count; i++) {
            size_t any = (size_t)rng_between(rng, 0, (int64_t)faults - 1);
            add_fault(&yaml, all_faults[i == place ? first % faults : any], rng);
        }
        text_add(&yaml, "- wait: 1h\n");
        *steps = text_take(&yaml);
        struct session_bench *b = session_bench_try(*steps);
        if (b) {
            b->mute = true;
            return b;
        }
        free(*steps);
    }
    *steps = NULL;
    CHECK_STR(all_faults[first % count_faults()]->tls ? ""
                                                      : all_faults[first % count_faults()]->name,
              "");
    return NULL;
}

/* Something small or large happens to connection 0. */
static bool happen(struct session_bench *b, struct sender *senders, struct rng *rng)
{
    enum side side = rng_between(rng, 0, 1) ? SIDE_CLIENT : SIDE_SERVER;
    nsec step = rng_between(rng, 0, 20) == 0 ? 10 * 60 * NSEC_PER_SEC : NSEC_PER_SEC / 2;
    switch (rng_between(rng, 0, 12)) {
    case 0:
        session_bench_take(b, 0, side, (size_t)rng_between(rng, 0, 5000));
        break;
    case 1:
        session_bench_take(b, 0, side, SIZE_MAX);
        break;
    case 2:
        if (rng_between(rng, 0, 5) == 0)
            session_bench_end(b, 0, side, rng_between(rng, 0, 1) ? CUT_FIN : CUT_RST);
        break;
    default:
        send_some(b, &senders[side == SIDE_SERVER], rng);
        break;
    }
    return session_bench_try_until(b, b->now + rng_between(rng, 0, step), TURNS_MOST);
}

static void no_combination_crashes_or_spins(void)
{
    for (uint64_t round = 0; round < 3 * count_faults(); round++) {
        struct rng rng;
        struct sender senders[2];
        char *steps = NULL;
        rng_init(&rng, 2, "anything", round);
        fill(&senders[0], SIDE_CLIENT, &rng);
        fill(&senders[1], SIDE_SERVER, &rng);
        struct session_bench *b = anything(&rng, round, &steps);
        if (!b)
            continue;
        bool early = rng_between(&rng, 0, 1);
        if (early)
            session_bench_start(b);
        session_bench_accept(b, 0);
        session_bench_open(b, 0);
        if (!early)
            session_bench_start(b);
        bool calm = true;
        for (int i = 0; i < 100 && calm; i++)
            calm = happen(b, senders, &rng);
        CHECK_STR(calm ? "calm" : steps, "calm");
        session_bench_free(b);
        free(steps);
    }
}

/* --- The same seed, the same trace --- */

static void trace_of(uint64_t round, struct text *out)
{
    struct rng rng;
    struct sender senders[2];
    char *steps = NULL;
    rng_init(&rng, 3, "again", round);
    fill(&senders[0], SIDE_CLIENT, &rng);
    fill(&senders[1], SIDE_SERVER, &rng);
    text_init(out);
    struct session_bench *b = anything(&rng, round, &steps);
    if (!b)
        return;
    bool early = round % 2 == 0;
    if (early)
        session_bench_start(b);
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    if (!early)
        session_bench_start(b);
    for (int i = 0; i < 40; i++)
        if (!happen(b, senders, &rng))
            break;
    recorder_flush(b->recorder);
    text_add(out, text_chars(&b->trace));
    session_bench_free(b);
    free(steps);
}

static void the_same_seed_and_input_give_the_same_trace(void)
{
    for (uint64_t round = 0; round < 3 * count_faults(); round++) {
        struct text first, second;
        trace_of(round, &first);
        trace_of(round, &second);
        CHECK_STR(text_chars(&first), text_chars(&second));
        text_fini(&first);
        text_fini(&second);
    }
}

SUITE(faults_at_random, TEST(what_only_delays_delivers_every_byte_in_order),
      TEST(no_combination_crashes_or_spins), TEST(the_same_seed_and_input_give_the_same_trace))
