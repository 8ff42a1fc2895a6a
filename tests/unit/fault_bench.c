#include "tests/unit/fault_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "scenario/load.h"

#define BENCH_SEED 1

static struct bench *bench_of(struct fault *f)
{
    return f->host;
}

/* --- Words --- */

static void begin_word(struct bench *b, const char *word)
{
    if (b->did.len > 0)
        text_add(&b->did, "; ");
    text_add(&b->did, word);
}

static void add_until(struct bench *b, nsec until)
{
    if (until == NEVER) {
        text_add(&b->did, " for ever");
        return;
    }
    text_add(&b->did, " until ");
    units_add_duration_yaml(&b->did, until);
}

static void add_quoted(struct bench *b, const uint8_t *bytes, size_t len)
{
    text_add(&b->did, " '");
    for (size_t i = 0; i < len; i++)
        text_addf(&b->did, bytes[i] >= ' ' && bytes[i] < 127 ? "%c" : "\\x%02x", bytes[i]);
    text_add(&b->did, "'");
}

static const char *dir_word(enum dir d)
{
    return d == TO_SERVER ? "to_server" : "to_client";
}

const char *bench_did(struct bench *b)
{
    text_clear(&b->told);
    text_add(&b->told, text_chars(&b->did));
    text_clear(&b->did);
    return text_chars(&b->told);
}

/* --- The port --- */

static void port_pass(struct fault *f, struct unit *u)
{
    (void)u;
    begin_word(bench_of(f), "pass");
}

static void port_hold(struct fault *f, struct unit *u, nsec until)
{
    (void)u;
    begin_word(bench_of(f), "hold");
    add_until(bench_of(f), until);
}

static void port_ask_later(struct fault *f, struct unit *u, nsec until)
{
    struct bench *b = bench_of(f);
    b->ask_at[u->dir] = until;
    b->asked_later = true;
    begin_word(b, "wait");
    add_until(b, until);
}

static void port_set_aside(struct fault *f, struct unit *u, nsec until)
{
    (void)u;
    begin_word(bench_of(f), "set_aside");
    add_until(bench_of(f), until);
}

static void port_drop(struct fault *f, struct unit *u)
{
    (void)u;
    begin_word(bench_of(f), "drop");
}

static void port_replace(struct fault *f, struct unit *u, const void *bytes, size_t len)
{
    (void)u;
    begin_word(bench_of(f), "replace");
    add_quoted(bench_of(f), bytes, len);
}

static void port_respond(struct fault *f, struct unit *u, const void *bytes, size_t len)
{
    (void)u;
    begin_word(bench_of(f), "respond");
    add_quoted(bench_of(f), bytes, len);
}

static bool port_inject(struct fault *f, enum dir d, const void *bytes, size_t len)
{
    if (bench_of(f)->no_room) {
        begin_word(bench_of(f), "inject refused");
        return false;
    }
    begin_word(bench_of(f), "inject ");
    text_add(&bench_of(f)->did, dir_word(d));
    add_quoted(bench_of(f), bytes, len);
    return true;
}

static bool port_inject_at(struct fault *f, enum dir d, const void *bytes, size_t len, nsec at)
{
    bool took = port_inject(f, d, bytes, len);
    if (took)
        text_add(&bench_of(f)->did, " at ");
    if (took)
        units_add_duration_yaml(&bench_of(f)->did, at);
    return took;
}

static bool port_between(struct fault *f, enum dir d)
{
    (void)d;
    return !bench_of(f)->amid;
}

static void port_let_go(struct fault *f, enum dir d)
{
    begin_word(bench_of(f), "let_go ");
    text_add(&bench_of(f)->did, dir_word(d));
}

static void port_put_back(struct fault *f, enum dir d)
{
    begin_word(bench_of(f), "put_back ");
    text_add(&bench_of(f)->did, dir_word(d));
}

static void port_end(struct fault *f, enum dir d, enum cut how)
{
    begin_word(bench_of(f), "end ");
    text_addf(&bench_of(f)->did, "%s %s", dir_word(d), cut_name(how));
}

static void port_cut(struct fault *f, enum side side, enum cut how)
{
    begin_word(bench_of(f), "cut ");
    text_addf(&bench_of(f)->did, "%s %s", side_name(side), cut_name(how));
}

static void port_stall(struct fault *f, enum dir d, bool on)
{
    begin_word(bench_of(f), "stall ");
    text_addf(&bench_of(f)->did, "%s %s", dir_word(d), on ? "on" : "off");
}

static void port_wake(struct fault *f, nsec at)
{
    bench_of(f)->wake = at;
}

static void port_deafen(struct fault *f, enum side side, double ratio)
{
    begin_word(bench_of(f), "deafen ");
    text_addf(&bench_of(f)->did, "%s %g", side_name(side), ratio);
}

static void port_refuse(struct fault *f, enum cut how)
{
    begin_word(bench_of(f), "refuse ");
    text_add(&bench_of(f)->did, cut_name(how));
}

static void port_tls(struct fault *f, enum tls_trouble trouble, unsigned value)
{
    static const char *const names[] = {"fine",       "stall",     "alert",    "expired",
                                        "wrong name", "untrusted", "downgrade"};
    begin_word(bench_of(f), "tls ");
    text_addf(&bench_of(f)->did, "%s %u", names[trouble], value);
}

static unsigned port_connections(struct fault *f)
{
    return bench_of(f)->connections;
}

static void port_hang(struct fault *f, nsec until)
{
    begin_word(bench_of(f), "hang");
    add_until(bench_of(f), until);
}

static bool port_is_open(struct fault *f)
{
    return bench_of(f)->open;
}

static const struct fault_port port = {.pass = port_pass,
                                       .hold = port_hold,
                                       .ask_later = port_ask_later,
                                       .set_aside = port_set_aside,
                                       .drop = port_drop,
                                       .replace = port_replace,
                                       .respond = port_respond,
                                       .inject = port_inject,
                                       .inject_at = port_inject_at,
                                       .between = port_between,
                                       .let_go = port_let_go,
                                       .put_back = port_put_back,
                                       .end = port_end,
                                       .deafen = port_deafen,
                                       .tls = port_tls,
                                       .connections = port_connections,
                                       .is_open = port_is_open,
                                       .cut = port_cut,
                                       .stall = port_stall,
                                       .wake = port_wake,
                                       .refuse = port_refuse,
                                       .hang = port_hang};

/* --- Life --- */

static struct plan *load(const char *yaml)
{
    struct text scenario, problems;
    struct diag *diag = diag_new();
    text_init(&scenario);
    text_init(&problems);
    text_addf(&scenario,
              "scenario: bench\nstory: One fault.\ntests: client\nsteps:\n  - %s\n  - wait: 1s\n",
              yaml);
    struct plan *plan = scenario_parse("bench.yaml", text_chars(&scenario), scenario.len, diag);
    if (!plan || plan->steps[0].kind != STEP_FAULT) {
        diag_add_text(diag, &problems);
        fprintf(stderr, "not a fault: %s\n%s", yaml, text_chars(&problems));
        abort();
    }
    diag_free(diag);
    text_fini(&scenario);
    text_fini(&problems);
    return plan;
}

struct bench *bench_new(const char *yaml)
{
    struct bench *b = xcalloc(1, sizeof *b);
    b->plan = load(yaml);
    b->step = &b->plan->steps[0].fault;
    b->wake = b->ask_at[TO_SERVER] = b->ask_at[TO_CLIENT] = NEVER;
    b->fault = (struct fault){.desc = b->step->desc,
                              .config = b->step->config,
                              .state = xcalloc(1, b->step->desc->state_size + 1),
                              .dirs = b->step->dirs,
                              .port = &port,
                              .host = b};
    rng_init(&b->fault.rng, BENCH_SEED, b->step->label, 0);
    return b;
}

static struct bench_unit *take_first(struct bench *b, enum dir d)
{
    struct bench_unit *first = b->waiting[d];
    b->waiting[d] = first->next;
    return first;
}

static void discard(struct bench_unit *item)
{
    free((void *)item->unit.bytes);
    free(item);
}

void bench_free(struct bench *b)
{
    for (int d = 0; d < DIRS; d++)
        while (b->waiting[d])
            discard(take_first(b, (enum dir)d));
    plan_free(b->plan);
    free(b->fault.state);
    text_fini(&b->did);
    text_fini(&b->told);
    free(b);
}

static void call(struct bench *b, void (*hook)(struct fault *))
{
    b->fault.now = b->now;
    if (hook)
        hook(&b->fault);
}

void bench_start(struct bench *b)
{
    call(b, b->fault.desc->ops.on_start);
}

void bench_unreachable(struct bench *b)
{
    call(b, b->fault.desc->ops.on_unreachable);
}

void bench_open(struct bench *b)
{
    call(b, b->fault.desc->ops.on_open);
}

void bench_attempt(struct bench *b)
{
    call(b, b->fault.desc->ops.on_attempt);
}

void bench_stop(struct bench *b)
{
    call(b, b->fault.desc->ops.on_stop);
}

void bench_traffic(struct bench *b, enum dir d)
{
    b->fault.now = b->now;
    if (b->fault.desc->ops.on_traffic)
        b->fault.desc->ops.on_traffic(&b->fault, d);
}

/* --- Units --- */

typedef void (*unit_hook)(struct fault *, struct unit *);

static unit_hook hook_for(const struct fault_ops *ops, const struct unit *u)
{
    switch (u->kind) {
    case UNIT_END:
        return ops->on_end;
    case UNIT_HEAD:
        return ops->on_head ? ops->on_head : ops->on_bytes;
    case UNIT_FRAME:
        return ops->on_frame ? ops->on_frame : ops->on_bytes;
    case UNIT_PAYLOAD:
    case UNIT_BYTES:
        return ops->on_bytes;
    }
    return NULL;
}

static void present(struct bench *, struct unit *);

static void keep_waiting(struct bench *b, const struct unit *u, struct bench_unit **link)
{
    struct bench_unit *item = xcalloc(1, sizeof *item);
    uint8_t *copy = xmalloc(u->len + 1);
    memcpy(copy, u->len > 0 ? u->bytes : (const uint8_t *)"", u->len);
    item->unit = *u;
    item->unit.bytes = copy;
    item->next = *link;
    *link = item;
}

/* What the fault split off comes back to it, as the core brings it. */
static void offer_rest(struct bench *b, const struct unit *u)
{
    struct unit rest = *u;
    text_addf(&b->did, "(%zu)", u->split);
    rest.bytes += u->split;
    rest.len -= u->split;
    rest.whole = false;
    if (u->kind == UNIT_FRAME)
        rest.kind = UNIT_PAYLOAD;
    present(b, &rest);
}

static void present(struct bench *b, struct unit *u)
{
    const struct fault_ops *ops = &b->fault.desc->ops;
    unit_hook hook = hook_for(ops, u);
    size_t before = b->did.len;
    if (!fault_hears(&b->fault, u->dir) || !hook) {
        begin_word(b, "pass");
        return;
    }
    b->fault.now = b->now;
    b->asked_later = false;
    u->split = 0;
    u->decided = false;
    hook(&b->fault, u);
    if (!u->decided || b->did.len == before)
        begin_word(b, "NO VERB");
    if (b->asked_later)
        keep_waiting(b, u, &b->waiting[u->dir]);
    else if (u->split > 0)
        offer_rest(b, u);
}

static void offer(struct bench *b, struct unit *u)
{
    struct bench_unit **link = &b->waiting[u->dir];
    u->arrived = b->now;
    if (!*link) {
        present(b, u);
        return;
    }
    while (*link)
        link = &(*link)->next;
    keep_waiting(b, u, link);
}

static void ask_waiting(struct bench *b, enum dir d)
{
    b->ask_at[d] = NEVER;
    while (b->waiting[d] && b->ask_at[d] == NEVER) {
        struct bench_unit *item = take_first(b, d);
        present(b, &item->unit);
        discard(item);
    }
}

void bench_until(struct bench *b, nsec now)
{
    nsec next;
    while ((next = nsec_min(b->wake, nsec_min(b->ask_at[0], b->ask_at[1]))) <= now) {
        b->now = nsec_max(b->now, next);
        if (b->wake <= next) {
            b->wake = NEVER;
            call(b, b->fault.desc->ops.on_timer);
        } else {
            ask_waiting(b, b->ask_at[TO_SERVER] <= next ? TO_SERVER : TO_CLIENT);
        }
    }
    b->now = now;
}

void bench_bytes_len(struct bench *b, enum dir d, const void *bytes, size_t len)
{
    offer(b, &(struct unit){.kind = UNIT_BYTES, .dir = d, .bytes = bytes, .len = len});
}

void bench_bytes(struct bench *b, enum dir d, const char *text)
{
    bench_bytes_len(b, d, text, strlen(text));
}

void bench_head(struct bench *b, enum dir d, const char *head)
{
    offer(b, &(struct unit){
                 .kind = UNIT_HEAD, .dir = d, .bytes = (const uint8_t *)head, .len = strlen(head)});
}

void bench_upgrade(struct bench *b, enum dir d, const char *head)
{
    offer(b, &(struct unit){.kind = UNIT_HEAD,
                            .dir = d,
                            .bytes = (const uint8_t *)head,
                            .len = strlen(head),
                            .upgrade = true});
}

void bench_end(struct bench *b, enum dir d, enum cut how)
{
    offer(b, &(struct unit){.kind = UNIT_END, .dir = d, .end = how});
}

static enum unit_heartbeat heartbeat_of(uint8_t opcode, const void *payload, size_t len)
{
    if (opcode == OPCODE_PING)
        return UNIT_PING;
    if (opcode == OPCODE_PONG)
        return UNIT_PONG;
    if (opcode != OPCODE_TEXT || len != 4)
        return UNIT_NO_HEARTBEAT;
    if (memcmp(payload, "ping", 4) == 0)
        return UNIT_APP_PING;
    return memcmp(payload, "pong", 4) == 0 ? UNIT_APP_PONG : UNIT_NO_HEARTBEAT;
}

/* The head, then the payload: as frames come to faults that do not want them whole. */
static void offer_in_parts(struct bench *b, struct unit u, size_t len)
{
    const struct fault_ops *ops = &b->fault.desc->ops;
    struct unit payload = u;
    u.len = u.frame.head_len;
    u.last = u.whole = len == 0;
    offer(b, &u);
    payload.kind = UNIT_PAYLOAD;
    payload.bytes += u.len;
    payload.len = len;
    payload.whole = false;
    payload.heartbeat = UNIT_NO_HEARTBEAT;
    if (len > 0 && !ops->on_frame)
        offer(b, &payload);
}

void bench_fragment(struct bench *b, enum dir d, uint8_t opcode, enum bench_place place,
                    const void *payload, size_t len)
{
    static const uint8_t key[4] = {1, 2, 3, 4};
    uint8_t *bytes = xmalloc(FRAME_HEAD_MAX + len);
    struct frame_decoder decoder;
    size_t taken = 0;
    struct unit u = {.kind = UNIT_FRAME, .dir = d, .bytes = bytes, .whole = true, .last = true};
    u.len =
        frame_build(bytes, FRAME_HEAD_MAX + len, opcode, payload, len, d == TO_SERVER ? key : NULL);
    if (place == MORE_FOLLOW)
        bytes[0] &= 0x7f;
    frame_decoder_init(&decoder);
    (void)frame_decode(&decoder, bytes, u.len, &taken);
    u.frame = decoder.head;
    u.heartbeat = place == FINAL ? heartbeat_of(opcode, payload, len) : UNIT_NO_HEARTBEAT;
    u.frame_seq = 1;
    if (len <= b->fault.desc->whole_frames)
        offer(b, &u);
    else
        offer_in_parts(b, u, len);
    free(bytes);
}

void bench_frame_len(struct bench *b, enum dir d, uint8_t opcode, const void *payload, size_t len)
{
    bench_fragment(b, d, opcode, FINAL, payload, len);
}

void bench_frame(struct bench *b, enum dir d, uint8_t opcode, const char *payload)
{
    bench_frame_len(b, d, opcode, payload, strlen(payload));
}
