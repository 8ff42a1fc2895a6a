/* scale.other_backend: a session goes on at another backend of the server. */
#include <string.h>

#include "rules/lib/eras.h"
#include "rules/rule.h"

#define NO_BACKEND UINT64_MAX

/* What makes up a session, each by the rule that judges it after any loss. */
static const struct part {
    const char *rule;
    const char *words; /* of a client that did */
} parts[] = {
    {"auth.reauthenticate", "said who it is"},
    {"reconnect.resubscribe", "took up its subscriptions"},
    {"state.survives", "had its state"},
};
enum { PARTS = sizeof parts / sizeof *parts };

struct moves {
    size_t elsewhere, same, clients; /* losses after which a client came to another, the same */
    size_t refused;                  /* attempts that another backend did not take */
    uint64_t from, to, refused_at;
};

/* --- Where clients came --- */

static uint64_t backend_of(const struct trace *trace, uint32_t conn)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_TCP_ROUTE));)
        if (ev->conn == conn)
            return ev->tcp_route.backend;
    return NO_BACKEND;
}

static uint64_t backend_of_era(const struct trace *trace, const struct eras *eras,
                               const struct era *era)
{
    for (size_t i = era->first; i < era->end; i++)
        if (eras->endings.list[i].attempt.opened != NEVER)
            return backend_of(trace, eras->endings.list[i].attempt.conn);
    return NO_BACKEND;
}

static void note_move(const struct trace *trace, const struct eras *eras, size_t of,
                      struct moves *moves)
{
    const struct era *before = &eras->list[of - 1], *after = &eras->list[of];
    uint64_t was = backend_of_era(trace, eras, before), is = backend_of_era(trace, eras, after);
    if (was == NO_BACKEND || is == NO_BACKEND || before->left)
        return;
    if (was == is) {
        moves->same++;
        return;
    }
    if (moves->elsewhere++ == 0)
        moves->from = before->from_seq;
    moves->to = after->to_seq;
}

/* The backend itself did not take it: no fault of ours did that, and no client. */
static bool is_refusal(const struct event *ev)
{
    if (ev->kind == EV_TCP_CONNECT)
        return strcmp(ev->tcp_connect.how, "connected") != 0;
    return ev->kind == EV_HTTP_RESPONSE && ev->by == BY_ENDPOINT && ev->http_response.status >= 400;
}

static void count_refused(const struct trace *trace, struct moves *moves)
{
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++) {
        uint64_t backend = is_refusal(ev) ? backend_of(trace, ev->conn) : NO_BACKEND;
        if (backend == NO_BACKEND || backend == 0)
            continue;
        moves->refused++;
        moves->refused_at = ev->seq;
    }
}

static struct moves moves_of(const struct trace *trace, const struct eras *eras)
{
    struct moves moves = {0};
    for (size_t first = 0, end; first < eras->count; first = end) {
        end = eras_of_client_end(eras, first);
        moves.clients++;
        for (size_t i = first + 1; i < end; i++)
            note_move(trace, eras, i, &moves);
    }
    count_refused(trace, &moves);
    return moves;
}

/* --- What went on --- */

static void judge_parts(const struct trace *trace, struct findings judged[PARTS])
{
    for (int i = 0; i < PARTS; i++) {
        findings_init(&judged[i]);
        rule_judge(rule_find(parts[i].rule), trace, NULL, &judged[i]);
    }
}

/* What does not apply, or lacks a declaration, decides nothing here. */
static enum verdict verdict_of(const struct findings judged[PARTS], int *worst)
{
    enum verdict all = NOT_TESTED;
    *worst = -1;
    for (int i = 0; i < PARTS; i++) {
        enum verdict one = findings_verdict(&judged[i]);
        if (one < PASS || (all >= PASS && verdict_worst(all, one) == all))
            continue;
        all = one;
        *worst = i;
    }
    return all;
}

static void add_passed(const struct findings judged[PARTS], struct text *out)
{
    const char *between = "";
    for (int i = 0; i < PARTS; i++) {
        if (findings_verdict(&judged[i]) != PASS)
            continue;
        text_addf(out, "%s%s", between, parts[i].words);
        between = ", ";
    }
}

static void say_passed(const struct moves *moves, const struct findings judged[PARTS],
                       struct findings *out)
{
    struct text did;
    text_init(&did);
    add_passed(judged, &did);
    struct finding *finding =
        finding_add(out, PASS, "at another backend the client %s, after %zu loss%s",
                    text_chars(&did), moves->elsewhere, moves->elsewhere == 1 ? "" : "es");
    text_fini(&did);
    finding_measured(finding, "losses", (double)moves->elsewhere);
    finding_evidence(finding, moves->from, moves->to);
}

static void say_worse(enum verdict verdict, const struct finding *why, struct findings *out)
{
    struct finding *finding = finding_add(out, verdict, "at another backend: %s", why->text);
    finding_evidence(finding, why->from, why->to);
    if (verdict == WARN || verdict == FAIL)
        finding_fix(finding,
                    "keep nothing that a session needs in the memory of one backend: sessions and "
                    "subscriptions in a store that all share, and what the client has said said "
                    "again on every connection. %s",
                    why->fix ? why->fix : "");
}

static void judge(const struct trace *trace, const struct moves *moves, struct findings *out)
{
    struct findings judged[PARTS];
    int worst;
    judge_parts(trace, judged);
    enum verdict verdict = verdict_of(judged, &worst);
    if (worst < 0)
        (void)finding_add(out, NOT_TESTED,
                          "nothing is known that the client would have to take up at another "
                          "backend: give hooks.state, sessions.subscribe or auth.message");
    else if (verdict == PASS)
        say_passed(moves, judged, out);
    else if (verdict != INCONCLUSIVE && moves->same > 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "%zu of %zu losses ended at the same backend as before, and what was "
                          "lost may have been lost there: %s",
                          moves->same, moves->same + moves->elsewhere,
                          findings_worst(&judged[worst])->text);
    else
        say_worse(verdict, findings_worst(&judged[worst]), out);
    for (int i = 0; i < PARTS; i++)
        findings_fini(&judged[i]);
}

static void say_not_moved(const struct moves *moves, struct findings *out)
{
    if (moves->refused > 0) {
        struct finding *finding = finding_add(
            out, INCONCLUSIVE,
            "the other backend did not take %zu attempts, so that no client could go on there; that is "
            "the server's",
            moves->refused);
        finding_evidence(finding, moves->refused_at, moves->refused_at);
    } else {
        (void)finding_add(out, INCONCLUSIVE,
                          "no client lost its connection and came back at another backend");
    }
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct eras eras;
    size_t i = 0;
    (void)config;
    eras_of(trace, &eras);
    struct moves moves = moves_of(trace, &eras);
    if (eras.count == 0 && eras.endings.builtin)
        finding_own_client(out);
    else if (!trace_next(trace, &i, EV_TCP_ROUTE))
        (void)finding_add(out, NOT_TESTED,
                          "the server has one backend; give server: {urls: "
                          "[ws://10.0.0.1:8080/feed, ws://10.0.0.2:8080/feed]}");
    else if (moves.elsewhere == 0)
        say_not_moved(&moves, out);
    else
        judge(trace, &moves, out);
    eras_fini(&eras);
}

const struct rule_desc scale_other_backend_rule = {
    .name = "scale.other_backend",
    .id = "SCALE-01",
    .title = "Another backend will do",
    .brief = "a session goes on at another backend of the server",
    .doc =
        "Provoked by a session at one backend, whose connection is cut while new connections are sent to another "
        "(route). Backends are those of server.urls; halfopen's own server is as many as the scenario names. "
        "Observed is what makes up a session, as the rules judge it that are about any loss: whether the client "
        "says who it is (auth.reauthenticate), takes up what it had subscribed to (reconnect.resubscribe) and has "
        "the state that it had (state.survives). What the target file does not declare is left out; nothing at all "
        "is not tested. All of it passes; what those rules warn of is a warning, what they fail is a failure here. "
        "A backend that does not take the client decides nothing about the client, and losses after which it came "
        "to the same backend again convict nobody here. Which of the two has to keep the state is not seen: client and server are judged together. WebSocket connections are long, and no balancer can move "
        "one: each deployment sends all clients of a machine elsewhere. The remedy is to keep sessions where all "
        "backends find them, and to say again on every connection what the server has to know.",
    .source = "RFC 6455 7.2.3",
    .example = "scale.other_backend: {}",
    .level = MUST,
    .applies = APPLIES_CLIENT | APPLIES_SERVER,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};
