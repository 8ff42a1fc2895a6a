#include "tests/unit/session_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "scenario/load.h"

#define BENCH_SEED       1
#define MUTE_TRACE_BYTES ((size_t)1 << 20)
#define AT_ONCE_MOST     1000 /* deadlines in one instant; more is spinning */

/* --- Words --- */

static void begin_word(struct session_bench_link *link, const char *word)
{
    struct session_bench *b = link->bench;
    if (b->mute)
        text_clear(&b->saw);
    if (b->saw.len > 0)
        text_add(&b->saw, "; ");
    units_add_duration_yaml(&b->saw, b->now);
    text_addf(&b->saw, " %s%zu", word, (size_t)(link - b->links));
}

const char *session_bench_saw(struct session_bench *b)
{
    text_clear(&b->told);
    text_add(&b->told, text_chars(&b->saw));
    text_clear(&b->saw);
    return text_chars(&b->told);
}

static bool line_has(const char *line, size_t len, const char *words)
{
    char *copy = xstrndup(line, len);
    bool has = strstr(copy, words) != NULL;
    free(copy);
    return has;
}

bool session_bench_told(struct session_bench *b, const char *event, const char *words)
{
    char *kind = xprintf("\"ev\":\"%s\"", event);
    bool found = false;
    recorder_flush(b->recorder);
    for (const char *line = text_chars(&b->trace); *line && !found;) {
        size_t len = strcspn(line, "\n");
        found = line_has(line, len, kind) && line_has(line, len, words);
        line += len + (line[len] == '\n');
    }
    free(kind);
    return found;
}

/* --- The driver --- */

static size_t on_output(void *driver, enum side to, const uint8_t *bytes, size_t len)
{
    struct session_bench_link *link = driver;
    struct text *saw = &link->bench->saw;
    size_t taken = len < link->room[to] ? len : link->room[to];
    link->room[to] -= taken;
    link->seen[to] += taken;
    if (link->copies[to]) {
        memcpy(link->copies[to], bytes, taken);
        link->copies[to] += taken;
        return taken;
    }
    if (link->quiet || link->bench->mute || taken == 0)
        return taken;
    begin_word(link, side_name(to));
    text_add(saw, " '");
    for (size_t i = 0; i < taken; i++)
        text_addf(saw, bytes[i] >= ' ' && bytes[i] < 127 ? "%c" : "\\x%02x", bytes[i]);
    text_add(saw, "'");
    return taken;
}

static void on_action(void *driver, struct action action)
{
    struct session_bench_link *link = driver;
    switch (action.kind) {
    case ACTION_CONNECT:
        link->connecting = true;
        return;
    case ACTION_CUT:
        begin_word(link, side_name(action.side));
        text_addf(&link->bench->saw, " %s", cut_name(action.how));
        return;
    case ACTION_CLOSE_WINDOW:
    case ACTION_OPEN_WINDOW:
    case ACTION_DEAFEN:
        return;
    }
}

static void on_over(void *driver)
{
    struct session_bench_link *link = driver;
    begin_word(link, "over");
    link->session = NULL;
}

static const struct session_ops ops = {
    .on_output = on_output, .on_action = on_action, .on_over = on_over};

static bool connect_servers(struct session_bench *b)
{
    bool any = false;
    for (size_t i = 0; i < SESSION_BENCH_LINKS; i++) {
        struct session_bench_link *link = &b->links[i];
        if (!link->connecting || !link->session)
            continue;
        link->connecting = false;
        begin_word(link, "connect");
        session_connected(link->session, b->now);
        any = true;
    }
    return any;
}

static void settle(struct session_bench *b)
{
    do {
        (void)connect_servers(b);
        run_settle(b->run, b->now);
    } while (connect_servers(b));
}

/* --- Life --- */

static struct plan *load(const char *steps, struct text *problems)
{
    struct text scenario;
    struct diag *diag = diag_new();
    text_init(&scenario);
    text_addf(&scenario, "scenario: bench\nstory: Faults.\ntests: client\nsteps:\n  %s\n", steps);
    struct plan *plan = scenario_parse("bench.yaml", text_chars(&scenario), scenario.len, diag);
    diag_add_text(diag, problems);
    diag_free(diag);
    text_fini(&scenario);
    return plan;
}

struct session_bench *session_bench_new(const char *steps)
{
    struct text problems;
    struct session_bench *b = session_bench_try(steps);
    if (!b) {
        text_init(&problems);
        (void)load(steps, &problems);
        fprintf(stderr, "no scenario: %s\n%s", steps, text_chars(&problems));
        abort();
    }
    return b;
}

struct session_bench *session_bench_try(const char *steps)
{
    struct text problems;
    text_init(&problems);
    struct plan *plan = load(steps, &problems);
    text_fini(&problems);
    if (!plan)
        return NULL;
    struct session_bench *b = xcalloc(1, sizeof *b);
    struct run_options options = {.seed = BENCH_SEED, .observe = true};
    b->plan = plan;
    b->recorder = recorder_new(NULL);
    recorder_copy_to(b->recorder, &b->trace);
    b->run = run_new(b->plan, b->recorder, &options);
    return b;
}

void session_bench_free(struct session_bench *b)
{
    run_end(b->run, "finished", b->now);
    run_free(b->run);
    recorder_free(b->recorder);
    plan_free(b->plan);
    text_fini(&b->saw);
    text_fini(&b->told);
    text_fini(&b->trace);
    free(b);
}

void session_bench_start(struct session_bench *b)
{
    run_start(b->run, b->now);
    settle(b);
}

void session_bench_accept(struct session_bench *b, size_t at)
{
    struct session_bench_link *link = &b->links[at];
    *link = (struct session_bench_link){.bench = b, .room = {SIZE_MAX, SIZE_MAX, SIZE_MAX}};
    struct session *s = run_accept(b->run, 0, "127.0.0.1:1", "ipv4", &ops, link, b->now);
    if (session_admission(s) == REFUSE) {
        begin_word(link, side_name(SIDE_CLIENT));
        text_addf(&b->saw, " %s", cut_name(session_refusal(s)));
    } else {
        link->session = s;
    }
    settle(b);
}

void session_bench_open(struct session_bench *b, size_t at)
{
    b->links[at].quiet = true;
    session_bench_send(b, at, SIDE_CLIENT,
                       "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    session_bench_send(b, at, SIDE_SERVER,
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    b->links[at].quiet = false;
    b->links[at].seen[SIDE_CLIENT] = b->links[at].seen[SIDE_SERVER] = 0;
}

void session_bench_send_len(struct session_bench *b, size_t at, enum side from, const void *bytes,
                            size_t len)
{
    if (b->links[at].session)
        session_input(b->links[at].session, from, bytes, len, b->now);
    settle(b);
}

void session_bench_send(struct session_bench *b, size_t at, enum side from, const char *text)
{
    session_bench_send_len(b, at, from, text, strlen(text));
}

void session_bench_end(struct session_bench *b, size_t at, enum side from, enum cut how)
{
    if (b->links[at].session)
        session_end(b->links[at].session, from, how, cut_name(how), b->now);
    settle(b);
}

void session_bench_take(struct session_bench *b, size_t at, enum side side, size_t room)
{
    b->links[at].room[side] = room;
    if (b->links[at].session)
        session_writable(b->links[at].session, side, b->now);
    settle(b);
}

bool session_bench_is_read(struct session_bench *b, size_t at, enum side from)
{
    return b->links[at].session && session_wants_input(b->links[at].session, from);
}

bool session_bench_try_until(struct session_bench *b, nsec now, size_t deadlines)
{
    nsec due;
    size_t at_once = 0;
    while ((due = run_deadline(b->run)) <= now) {
        at_once = due > b->now ? 0 : at_once + 1;
        if (at_once > AT_ONCE_MOST)
            return false;
        if (deadlines-- == 0)
            return true;
        b->now = nsec_max(b->now, due);
        run_expire(b->run, b->now);
        settle(b);
        if (b->mute && b->trace.len > MUTE_TRACE_BYTES)
            text_clear(&b->trace);
    }
    b->now = now;
    return true;
}

void session_bench_until(struct session_bench *b, nsec now)
{
    (void)session_bench_try_until(b, now, SIZE_MAX);
}
