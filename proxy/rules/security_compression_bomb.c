/* security.compression_bomb: what a message inflates to is limited while it is inflated. */
#include <assert.h>

#include "base/units.h"
#include "rules/lib/deflated.h"
#include "rules/lib/offence.h"
#include "ws/close.h"
#include "ws/frame.h"

#define FOLLOWS      1.0 /* of the inflated size: memory that rose so far holds it */
#define BASELINE     (10 * NSEC_PER_SEC) /* before it, wall time */
#define MEMORY_KEEPS (2 * NSEC_PER_SEC)  /* after the client closed, wall time */

enum fate { REFUSED, REFUSED_OTHERWISE, DIED, UNSEEN, UNREAD, HELD_IT, TAKEN, FATES };

static const enum verdict verdicts[FATES] = {
    [REFUSED] = PASS,        [REFUSED_OTHERWISE] = PASS, [DIED] = WARN,  [UNSEEN] = INCONCLUSIVE,
    [UNREAD] = INCONCLUSIVE, [HELD_IT] = FAIL,           [TAKEN] = FAIL,
};

struct bomb {
    const struct offence *offence;
    double rise;    /* of the client's memory, bytes; below 0: not measured */
    bool went_on;   /* it answered a ping that came after, before it closed */
    bool disturbed; /* the server's own messages came in between, whose context the bomb spoils */
};

/* --- What it made of it --- */

static double memory_rise(const struct trace *trace, const struct offence *offence)
{
    nsec from = offence->at - offence_wall(trace, BASELINE);
    nsec over = nsec_min(offence->closed, offence->watched);
    nsec to = nsec_add(over, offence_wall(trace, MEMORY_KEEPS));
    double before = -1, after = -1;
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_PROCESS_MEMORY));) {
        double bytes = (double)ev->process_memory.bytes;
        if (ev->client != offence->client || ev->at < from || ev->at > to)
            continue;
        if (ev->at <= offence->at)
            before = bytes > before ? bytes : before;
        else
            after = bytes > after ? bytes : after;
    }
    return before < 0 || after < 0 ? -1 : after - before;
}

static bool is_ping(const struct event *ev)
{
    if (ev->kind == EV_WS_INJECTED)
        return ev->ws_injected.opcode == OPCODE_PING && ev->side == SIDE_SERVER;
    return ev->kind == EV_WS_FRAME && ev->ws_frame.opcode == OPCODE_PING && ev->side == SIDE_SERVER;
}

static bool is_data_of_server(const struct trace *trace, const struct event *ev)
{
    if (ev->kind == EV_WS_DELIVERED && ev->side == SIDE_CLIENT)
        ev = trace_at_seq(trace, ev->ws_delivered.frame);
    else if (ev->kind == EV_WS_FRAME && !ev->ws_frame.passed)
        return false;
    return ev && ev->kind == EV_WS_FRAME && ev->side == SIDE_SERVER &&
           !frame_is_control((uint8_t)ev->ws_frame.opcode);
}

/* A pong shows that it is done with what came before the ping. */
static void look_behind(const struct trace *trace, struct bomb *bomb)
{
    const struct offence *offence = bomb->offence;
    bool asked = false;
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++) {
        if (ev->conn != offence->conn || ev->at < offence->at || ev->at > offence->closed)
            continue;
        asked = asked || (ev->at > offence->at && is_ping(ev));
        bomb->disturbed = bomb->disturbed || is_data_of_server(trace, ev);
        bomb->went_on =
            bomb->went_on || (asked && ev->kind == EV_WS_FRAME && ev->side == SIDE_CLIENT &&
                              ev->by == BY_ENDPOINT && ev->ws_frame.opcode == OPCODE_PONG);
    }
}

static bool is_crash(const char *how)
{
    return how[0] == 's'; /* "signal 6", as when memory has run out */
}

/* Inflating takes its time: who closes in the end has refused it, unless it closed over a message
 * of the server that could no longer be inflated. */
static enum fate fate_of(const struct bomb *bomb)
{
    const struct offence *offence = bomb->offence;
    if (bomb->rise >= FOLLOWS * (double)offence->size)
        return HELD_IT;
    if (offence->exit)
        return is_crash(offence->exit) ? HELD_IT : DIED;
    if (offence->closed != NEVER && offence->close_code == CLOSE_TOO_BIG)
        return REFUSED;
    if (offence->closed != NEVER && !bomb->disturbed)
        return REFUSED_OTHERWISE;
    if (bomb->went_on)
        return TAKEN;
    return offence->reads ? UNSEEN : UNREAD;
}

/* --- Sentences --- */

static void add_how(struct text *out, const struct offence *offence)
{
    if (offence->close_code == 0)
        text_add(out, "without a Close");
    else if (offence->close_code == CLOSE_NO_STATUS)
        text_add(out, "with a Close without a code");
    else
        text_addf(out, "with %llu", (unsigned long long)offence->close_code);
}

static void add_held(struct text *out, const struct bomb *bomb)
{
    if (bomb->offence->exit && is_crash(bomb->offence->exit)) {
        text_addf(out, " ended the client's process (%s)", bomb->offence->exit);
        return;
    }
    text_add(out, " was inflated whole: the client's memory rose by ");
    units_add_size(out, (uint64_t)bomb->rise);
    text_add(out, bomb->offence->closed != NEVER ? " before it closed" : "");
}

static void add_sentence(struct text *out, enum fate fate, const struct bomb *bomb)
{
    text_add(out, "a message that inflates to ");
    units_add_size(out, bomb->offence->size);
    switch (fate) {
    case REFUSED:
    case REFUSED_OTHERWISE:
        text_add(out, " was refused ");
        add_how(out, bomb->offence);
        break;
    case DIED:
        text_addf(out, " ended the client's process (%s)", bomb->offence->exit);
        break;
    case UNSEEN:
        text_add(out, " had no answer that tells, before the connection ended or the run did");
        break;
    case UNREAD:
        text_add(out, " had no answer, and no ping had one: nothing shows that the client reads");
        break;
    case HELD_IT:
        add_held(out, bomb);
        break;
    case TAKEN:
        text_add(out, " was taken, and the client went on");
        break;
    case FATES:
        break;
    }
}

static void report(const struct bomb *bomb, struct findings *out)
{
    enum fate fate = fate_of(bomb);
    struct text text;
    assert(fate < FATES);
    text_init(&text);
    add_sentence(&text, fate, bomb);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "inflated_bytes", (double)bomb->offence->size);
    if (bomb->rise >= 0) {
        finding_measured(finding, "memory_rise_bytes", bomb->rise);
        finding_allowed(finding, "memory_rise_bytes", FOLLOWS * (double)bomb->offence->size);
    }
    finding_evidence(finding, bomb->offence->from, bomb->offence->to);
    if (verdicts[fate] == FAIL)
        finding_fix(
            finding,
            "set the library's limit for received messages (maxPayload, max_size, ReadLimit), "
            "and see that it counts what is inflated, while it is; or do without compression");
    else if (fate == DIED)
        finding_fix(finding,
                    "handle the library's error event: a message that is too large must not "
                    "end the process");
}

static void say_none(const struct trace *trace, struct findings *out)
{
    struct deflated_list all;
    deflated_of(trace, &all);
    if (all.count == 0 && all.builtin)
        (void)finding_add(out, NOT_APPLICABLE, "the client is halfopen's own and not under test");
    else if (all.agreed == 0)
        (void)finding_add(out, NOT_APPLICABLE,
                          all.offered == 0 ? "the client offers no permessage-deflate"
                                           : "the server agreed to no permessage-deflate");
    else
        (void)finding_add(
            out, INCONCLUSIVE,
            "no compressed giant reached a connection with permessage-deflate; it takes "
            "the fault oversize_message with form: deflated");
    deflated_fini(&all);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct offences offences;
    (void)config;
    offences_of(trace, &offences);
    for (size_t i = 0; i < offences.count; i++) {
        const struct offence *offence = &offences.list[i];
        if (offence->fault != OFFENCE_BOMB || !offence->deflate)
            continue;
        struct bomb bomb = {.offence = offence, .rise = memory_rise(trace, offence)};
        look_behind(trace, &bomb);
        report(&bomb, out);
    }
    if (!out->first)
        say_none(trace, out);
    offences_fini(&offences);
}

const struct rule_desc security_compression_bomb_rule = {
    .name = "security.compression_bomb",
    .id = "SEC-10",
    .title = "Compression bomb",
    .brief = "what a message inflates to is limited while it is inflated",
    .doc =
        "Applies to a client that offers permessage-deflate, where the server agrees. Provoked by the fault "
        "oversize_message with form: deflated: a message of a quarter of a megabyte that inflates to 256 MiB, "
        "more than any library takes by default. Observed is whether the client refuses it (1009 is the code, "
        "another will do) and, where halfopen started it, how far its memory rises. Going on afterwards is a "
        "failure, as is memory that rose by all of the inflated size, or a process killed over it: a limit "
        "that is asked when all is inflated is none. A process that ends by itself is a warning. The remedy is the library's limit for messages, in a version that counts while it "
        "inflates.",
    .source = "RFC 6455 10.4",
    .example = "security.compression_bomb",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .wants = NEEDS(PROCESS_MEMORY),
    .check = check,
};
