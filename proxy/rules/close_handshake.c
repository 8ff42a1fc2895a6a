/* close.handshake: a Close is answered at once, and an unanswered one does not hang. */
#include "rules/lib/connection.h"
#include "rules/lib/offence.h"
#include "rules/lib/words.h"

#define ANSWER_PATIENT (5 * NSEC_PER_SEC) /* wall time */

struct config {
    nsec within;
};

static const struct param params[] = {
    P_DURATION(config, within, .def = "10s", .min = "10ms", .max = "1h",
               .doc =
                   "TCP is to be gone so long after a Close that nobody answered; three times that "
                   "is a warning, six times a failure"),
    P_END,
};

enum fate {
    ANSWERED,
    LET_GO,
    ANSWERED_LATE,
    LET_GO_LATE,
    UNSEEN,
    UNREAD,
    LINGERS_UNSEEN,
    LINGERS,
    UNANSWERED,
    FATES
};

static const enum verdict verdicts[FATES] = {
    [ANSWERED] = PASS,
    [LET_GO] = PASS,
    [ANSWERED_LATE] = WARN,
    [LET_GO_LATE] = WARN,
    [UNSEEN] = INCONCLUSIVE,
    [UNREAD] = INCONCLUSIVE,
    [LINGERS_UNSEEN] = INCONCLUSIVE,
    [LINGERS] = FAIL,
    [UNANSWERED] = FAIL,
};

/* --- The server closes --- */

static enum fate fate_of_answer(const struct trace *trace, const struct offence *offence)
{
    nsec took = offence->closed - offence->at;
    if (offence->closed != NEVER && offence->close_code == 0)
        return offence->exit ? UNSEEN : UNANSWERED;
    if (offence->closed != NEVER && took <= offence_wall(trace, OFFENCE_PROMPT))
        return ANSWERED;
    if (offence->closed != NEVER)
        return took <= offence_wall(trace, ANSWER_PATIENT) ? ANSWERED_LATE : UNANSWERED;
    if (offence->watched - offence->at < offence_wall(trace, ANSWER_PATIENT))
        return UNSEEN;
    return offence->reads ? UNANSWERED : UNREAD;
}

static void look_at_answers(const struct trace *trace, const struct offences *all,
                            struct tally tallies[FATES])
{
    for (size_t i = 0; i < all->count; i++) {
        const struct offence *offence = &all->list[i];
        if (offence->fault != OFFENCE_CLOSE)
            continue;
        nsec until = offence->closed != NEVER ? offence->closed : offence->watched;
        tally_add(&tallies[fate_of_answer(trace, offence)], until - offence->at, offence->from,
                  offence->to);
    }
}

/* --- The client has sent its Close, and its server does not end TCP --- */

/* Somebody ended TCP towards the client or the client did, or it could no longer be seen. */
static bool ends_waiting(const struct event *ev, const struct event *close)
{
    if (ev->kind == EV_PROCESS_EXIT)
        return ev->client == close->client;
    if (ev->conn != close->conn)
        return false;
    return ev->kind == EV_CONN_END || ev->kind == EV_TCP_PAUSE ||
           ((ev->kind == EV_TCP_SHUT || ev->kind == EV_TCP_CLOSE) && ev->side == SIDE_CLIENT);
}

static enum fate fate_of_wait(nsec took, bool gone, const struct config *cfg, nsec noise)
{
    if (gone && took <= nsec_add(cfg->within, noise))
        return LET_GO;
    if (took > nsec_add(6 * cfg->within, noise))
        return LINGERS;
    return gone ? LET_GO_LATE : LINGERS_UNSEEN;
}

/* The client has said it before on that connection, or its server had already ended TCP. */
static bool is_late(const struct trace *trace, const struct event *close)
{
    for (const struct event *ev = trace->events; ev < close; ev++)
        if (ev->conn == close->conn && ev->side == SIDE_CLIENT &&
            ((ev->kind == EV_WS_CLOSE && ev->by == BY_ENDPOINT) || ev->kind == EV_TCP_SHUT))
            return true;
    return false;
}

static void look_at_wait(const struct trace *trace, const struct event *close,
                         const struct event *last, const struct config *cfg,
                         struct tally tallies[FATES])
{
    const struct event *ev = close + 1;
    if (close->kind != EV_WS_CLOSE || close->side != SIDE_CLIENT || close->by != BY_ENDPOINT ||
        is_late(trace, close))
        return;
    while (ev < last && ev->kind != EV_TRACE_FULL && !ends_waiting(ev, close))
        ev++;
    bool gone =
        ev->conn == close->conn && ev->side == SIDE_CLIENT && connection_ended_by_endpoint(ev);
    if (!gone && ends_waiting(ev, close))
        return;
    enum fate fate = fate_of_wait(ev->at - close->at, gone, cfg, trace->noise);
    tally_add(&tallies[fate], ev->at - close->at, close->seq, ev->seq);
}

/* --- Sentences --- */

static void add_answer(struct text *out, enum fate fate, const struct tally *tally, double speed)
{
    nsec wall = (nsec)((double)tally->most / speed);
    const char *of_wall = speed > 1 ? " of wall time" : "";
    text_addf(out,
              tally->count == 1 ? "%zu Close of the server was " : "%zu Closes of the server were ",
              tally->count);
    if (fate == ANSWERED || fate == ANSWERED_LATE) {
        words_add_time(out, fate == ANSWERED ? "answered within " : "answered only within ", wall,
                       of_wall);
    } else if (fate == UNANSWERED) {
        words_add_time(out, "not answered with a Close, for ", wall, of_wall);
        text_add(out, " or until the client ended the connection");
    } else if (fate == UNREAD) {
        text_add(out, "not answered, and no ping either: nothing shows that the client reads");
    } else {
        words_add_time(out, "not answered, but watched for only ", wall, of_wall);
        text_add(out, "; 5 s would have been needed");
    }
}

static void add_wait(struct text *out, enum fate fate, const struct tally *tally,
                     const struct config *cfg)
{
    text_addf(out, "%zu time%s the client's Close was followed by no end of TCP; ", tally->count,
              tally->count == 1 ? "" : "s");
    if (fate == LET_GO || fate == LET_GO_LATE) {
        words_add_time(out,
                       fate == LET_GO ? "it ended TCP itself after " : "it ended TCP only after ",
                       tally->most, "");
        words_add_time(out, ", allowed ", cfg->within, "");
    } else if (fate == LINGERS) {
        words_add_time(out, "it held on to the connection for ", tally->most, "");
        words_add_time(out, ", allowed ", cfg->within, "");
    } else {
        words_add_time(out, "it still held on to the connection ", tally->most, " later");
        words_add_time(out, ", when the run ended; ", 6 * cfg->within, " would have been needed");
    }
}

static bool is_wait(enum fate fate)
{
    return fate == LET_GO || fate == LET_GO_LATE || fate == LINGERS || fate == LINGERS_UNSEEN;
}

static void report(const struct trace *trace, struct findings *out, enum fate fate,
                   const struct tally *tally, const struct config *cfg)
{
    double speed = trace->start->speed > 1 ? trace->start->speed : 1;
    struct text text;
    text_init(&text);
    if (is_wait(fate))
        add_wait(&text, fate, tally, cfg);
    else
        add_answer(&text, fate, tally, speed);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_evidence(finding, tally->from, tally->to);
    finding_measured(finding, "closes", (double)tally->count);
    if (is_wait(fate)) {
        finding_measured(finding, "tcp_gone_after_s", nsec_to_seconds(tally->most));
        finding_allowed(finding, "tcp_gone_after_s", nsec_to_seconds(cfg->within));
        if (verdicts[fate] == WARN || verdicts[fate] == FAIL)
            finding_fix(finding, "give closing a time limit, then end TCP (terminate, not close)");
    } else {
        finding_measured(finding, "answered_after_wall_s", nsec_to_seconds(tally->most) / speed);
        finding_allowed(finding, "answered_after_wall_s", nsec_to_seconds(OFFENCE_PROMPT));
        if (verdicts[fate] == WARN || verdicts[fate] == FAIL)
            finding_fix(finding,
                        "answer a Close with a Close of the same code at once, then wait for "
                        "the server to end TCP");
    }
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct event *last = offences_last_counting(trace);
    struct tally tallies[FATES] = {{0}};
    struct offences all;
    offences_of(trace, &all);
    look_at_answers(trace, &all, tallies);
    for (const struct event *ev = trace->events; last && ev < last; ev++)
        look_at_wait(trace, ev, last, config, tallies);
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (tallies[fate].count > 0)
            report(trace, out, (enum fate)fate, &tallies[fate], config);
    if (!out->first)
        offences_say_none(&all, "the fault close_with, or swallow_close and a client that closes",
                          out);
    offences_fini(&all);
}

const struct rule_desc close_handshake_rule = {
    .name = "close.handshake",
    .id = "CLOSE-06",
    .title = "Closing handshake completes in bounded time",
    .brief = "a Close is answered, and an unanswered one does not hang",
    .doc =
        "Provoked by the fault close_with, a Close in the name of the server: the client has to answer with "
        "a Close within a second of wall time (to five is a warning; no answer, or an end without one, "
        "is a failure). Provoked by swallow_close besides: the server never learns of the client's "
        "Close, and does not end TCP. It has to be gone within 10 s of the client's own time, or "
        "what `within` says; up to six times that is a warning, longer a failure, since each such "
        "connection holds a socket and may hold up the reconnect. The remedy is a close timeout after "
        "which the socket is ended without ceremony.",
    .source = "RFC 6455 5.5.1, 7.1.1",
    .example = "close.handshake: {within: 10s}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};
