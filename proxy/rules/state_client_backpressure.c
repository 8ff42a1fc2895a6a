/* state.client_backpressure: what a client keeps for a path that does not take it has a bound. */
#include <math.h>

#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/slope.h"
#include "rules/lib/stalls.h"
#include "rules/lib/student.h"
#include "rules/lib/words.h"
#include "rules/rule.h"

/* RULES 5.4 */
#define RATE_LEAST     (64.0 * 1024)       /* bytes per second: less does not press */
#define PRESSURE       8.0                 /* sent during the stall, in what the kernel holds */
#define CONTROL_LEAST  (5 * NSEC_PER_SEC)  /* long enough to know the usual rate */
#define DOUBLED        1.6                 /* stalls: the second at least that much longer */
#define GROWS          1.6                 /* what was kept: grows with the stall */
#define STAYS          1.2                 /* what was kept: does not */
#define LARGE          4.0                 /* and is more than that often what the kernel holds */
#define NEARLY_NOTHING 0.1                 /* share of what would have been sent */
#define EVICTS         (10 * NSEC_PER_SEC) /* closing later than that after P + W bounds nothing */
#define RISE_LEAST     (8.0 * 1024 * 1024)

struct config {
    uint64_t limit;
};

static const struct param params[] = {
    P_SIZE(config, limit, .def = "", .min = "1KiB", .max = "1GiB",
           .doc = "a bound above this is a warning; left out: the policy's buffer_limit"),
    P_END,
};

/* What a stall left behind in the application. */
struct backlog {
    nsec lasted;
    double would, held, kept, bytes; /* would: sent meanwhile at the usual rate */
    bool whole;
};

struct client {
    const struct trace *trace;
    const struct stalls *stalls;
    int number;
    const struct stall *first, *shorter, *longer; /* of this client; shorter, longer: released */
    nsec control_from;
    double rate;
    uint64_t limit;
};

/* --- Sentences --- */

static void add_size(struct text *out, const char *before, double bytes)
{
    text_add(out, before);
    units_add_size(out, (uint64_t)(bytes > 0 ? bytes : 0));
}

static struct finding *say(struct findings *out, const struct client *client, enum verdict verdict,
                           struct text *text)
{
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(text));
    text_fini(text);
    finding_evidence(finding, client->first->from,
                     client->longer ? client->longer->to : client->first->to);
    if (verdict == FAIL || verdict == WARN)
        finding_fix(
            finding,
            "look at bufferedAmount, or at what the send call returns, before sending; above a "
            "bound pause the producer, drop or merge what is old, or close the connection");
    return finding;
}

static void measure(struct finding *finding, const struct client *client,
                    const struct backlog *shorter, const struct backlog *longer)
{
    finding_measured(finding, "rate", client->rate);
    finding_measured(finding, "kept_shorter_bytes", shorter->kept);
    finding_measured(finding, "kept_longer_bytes", longer->kept);
    finding_measured(finding, "kernel_bytes", longer->held);
    if (shorter->kept > 0)
        finding_measured(finding, "ratio", longer->kept / shorter->kept);
    finding_allowed(finding, "ratio", STAYS);
    finding_allowed(finding, "kept_bytes", (double)client->limit);
}

/* --- Doubling: is twice as much kept in twice the time? --- */

static struct backlog backlog_of(const struct client *client, const struct stall *stall)
{
    struct backlog backlog = {.lasted = stall->ended - stall->began, .held = (double)stall->held};
    backlog.would = client->rate * nsec_to_seconds(backlog.lasted);
    backlog.whole = stalls_backlog(client->trace, stall, SIDE_CLIENT, client->rate, &backlog.bytes);
    backlog.kept = fmax(0, backlog.bytes - backlog.held);
    return backlog;
}

static bool is_unbounded(const struct backlog *shorter, const struct backlog *longer)
{
    return shorter->whole && shorter->kept > 0 && longer->kept >= GROWS * shorter->kept &&
           longer->bytes > LARGE * longer->held && longer->kept > NEARLY_NOTHING * longer->would;
}

/* What was seen to arrive grows with the stall, however little of it was seen: memory that stays
 * does not acquit then, for messages may be made when they are sent. */
static bool grows(const struct backlog *shorter, const struct backlog *longer)
{
    return longer->kept >= GROWS * shorter->kept && longer->bytes > LARGE * longer->held;
}

static bool is_bounded(const struct backlog *shorter, const struct backlog *longer)
{
    if (!longer->whole)
        return false;
    return longer->kept <= NEARLY_NOTHING * longer->would ||
           (shorter->whole && longer->kept <= STAYS * shorter->kept);
}

static void say_unbounded(const struct client *client, const struct backlog *shorter,
                          const struct backlog *longer, struct findings *out)
{
    struct text text;
    text_init(&text);
    add_size(&text, "the client kept ", shorter->kept);
    words_add_time(&text, " of unsent messages when the path had been stalled for ",
                   shorter->lasted, "");
    add_size(&text, ", and ", longer->kept);
    words_add_time(&text, " after ", longer->lasted, "");
    text_add(&text, ": what it keeps grows with the stall and has no bound");
    measure(say(out, client, FAIL, &text), client, shorter, longer);
}

static void say_bounded(const struct client *client, const struct backlog *shorter,
                        const struct backlog *longer, struct findings *out)
{
    bool large = longer->kept > (double)client->limit;
    struct text text;
    text_init(&text);
    add_size(&text, "the client kept ", longer->kept);
    add_size(&text, " of the ", longer->would);
    words_add_time(&text, " it would have sent while the path was stalled for ", longer->lasted,
                   "");
    add_size(&text, large ? ": bounded, but above " : ": bounded; up to ", (double)client->limit);
    text_add(&text, large ? "" : " is asked");
    measure(say(out, client, large ? WARN : PASS, &text), client, shorter, longer);
}

/* --- Memory: does the process grow while the path is stalled? --- */

static enum verdict judge_memory(const struct client *client, struct slope *control,
                                 struct slope *stalled)
{
    const struct stall *longer = client->longer;
    if (!longer ||
        !slope_of_memory(client->trace, client->number, client->control_from, client->first->began,
                         control) ||
        !slope_of_memory(client->trace, client->number, longer->began, longer->ended, stalled))
        return INCONCLUSIVE;
    size_t blocks = control->blocks < stalled->blocks ? control->blocks : stalled->blocks;
    double t = student_quantile(0.99, (double)(blocks - 2)), limit = NEARLY_NOTHING * client->rate;
    double growth = stalled->per_second - control->per_second;
    double error = t * hypot(stalled->error, control->error);
    if (growth + error < limit)
        return PASS;
    /* A buffer that fills up to its bound grows too, and is flat by the end. */
    bool to_the_end = stalled->late_rise > limit * stalled->late_seconds;
    return growth - error > limit && stalled->rise > RISE_LEAST && to_the_end ? FAIL : INCONCLUSIVE;
}

static bool say_memory(const struct client *client, bool may_acquit, struct findings *out)
{
    struct slope control = {0}, stalled = {0};
    struct text text;
    enum verdict verdict = judge_memory(client, &control, &stalled);
    if (verdict == INCONCLUSIVE || (verdict == PASS && !may_acquit))
        return false;
    text_init(&text);
    text_add(&text, verdict == FAIL ? "the client's memory grew by "
                                    : "the client's memory grew by only ");
    units_add_rate(&text, fmax(0, stalled.per_second - control.per_second));
    text_add(&text, " while the path was stalled and ");
    units_add_rate(&text, client->rate);
    text_add(&text, " were to be sent");
    struct finding *finding = say(out, client, verdict, &text);
    finding_measured(finding, "growth", stalled.per_second - control.per_second);
    finding_allowed(finding, "growth", NEARLY_NOTHING * client->rate);
    finding_evidence(finding, stalled.from, stalled.to);
    return true;
}

/* --- One client --- */

static void say_undecided(const struct client *client, const char *why, struct findings *out)
{
    struct text text;
    text_init(&text);
    text_add(&text, why);
    (void)say(out, client, INCONCLUSIVE, &text);
}

static void say_too_little(const struct client *client, struct findings *out)
{
    bool asked = trace_declares(client->trace, DECLARES_SEND);
    struct text text;
    text_init(&text);
    text_add(&text, "the client sends ");
    units_add_rate(&text, client->rate);
    text_add(&text, ", which does not fill the kernel's buffers");
    text_add(&text, asked ? ": let hooks.send make messages of 16 KiB"
                          : "; give hooks.send, for messages of some KiB");
    struct finding *finding = say(out, client, NOT_TESTED, &text);
    if (!asked)
        finding_fix_line(finding, DECLARES_SEND);
    finding_measured(finding, "rate", client->rate);
    finding_allowed(finding, "least_rate", RATE_LEAST);
}

/* The first stall during which the client ended the connection by itself; NULL: none. */
static const struct stall *closed_stall(const struct client *client)
{
    for (size_t i = 0; i < client->stalls->count; i++) {
        const struct stall *stall = &client->stalls->list[i];
        if (stall->client == client->number && (stall->closed != NEVER || stall->exit))
            return stall;
    }
    return NULL;
}

static void judge_close(const struct client *client, const struct stall *stall,
                        struct findings *out)
{
    const struct policy *policy = &client->trace->policy;
    nsec soon = nsec_add(nsec_add(policy->ping, policy->pong), EVICTS);
    nsec took = stall->closed - stall->began;
    struct text text;
    text_init(&text);
    if (stall->exit) {
        text_addf(&text, "the client's process ended (%s) while the path was stalled", stall->exit);
        (void)say(out, client, INCONCLUSIVE, &text);
    } else if (took <= nsec_add(soon, client->trace->noise)) {
        words_add_time(&text, "the client closed the connection after ", took, "");
        words_add_time(&text, " of a stalled path instead of keeping ever more; up to ", soon, "");
        text_add(&text, " is soon enough");
        finding_measured(say(out, client, PASS, &text), "closed_after_s", nsec_to_seconds(took));
    } else {
        words_add_time(&text, "the client closed the connection only after ", took, "");
        text_add(&text, " of a stalled path, so that what it would have kept is not seen");
        (void)say(out, client, INCONCLUSIVE, &text);
    }
}

static bool has_pair(const struct client *client)
{
    if (!client->shorter || client->shorter == client->longer)
        return false;
    double shorter = (double)(client->shorter->ended - client->shorter->began);
    double longer = (double)(client->longer->ended - client->longer->began);
    return longer >= DOUBLED * shorter;
}

static void judge_backlogs(const struct client *client, struct findings *out)
{
    struct backlog shorter = backlog_of(client, client->shorter);
    struct backlog longer = backlog_of(client, client->longer);
    if (longer.would < PRESSURE * longer.held)
        say_too_little(client, out);
    else if (is_unbounded(&shorter, &longer))
        say_unbounded(client, &shorter, &longer, out);
    else if (is_bounded(&shorter, &longer))
        say_bounded(client, &shorter, &longer, out);
    else if (!say_memory(client, !grows(&shorter, &longer), out))
        say_undecided(
            client,
            shorter.whole && longer.whole
                ? "what the client keeps grows with the stall, but not in proportion: longer "
                  "stalls would show whether there is a bound"
                : "the backlog was still draining when the next stall began or the run "
                  "ended; a longer pause would have been needed",
            out);
}

static void judge_client(const struct client *client, struct findings *out)
{
    const struct stall *closed = closed_stall(client);
    if (client->first->began - client->control_from < CONTROL_LEAST)
        say_undecided(
            client, "the client's usual rate is unknown: it needs 5 s before the first stall", out);
    else if (client->rate < RATE_LEAST)
        say_too_little(client, out);
    else if (closed)
        judge_close(client, closed, out);
    else if (has_pair(client) && client->shorter->measured && client->longer->measured)
        judge_backlogs(client, out);
    else if (!say_memory(client, true, out))
        say_undecided(client,
                      "two stalls that end, one twice as long as the other, would have been needed",
                      out);
}

/* --- The rule --- */

static void choose_stalls(struct client *client)
{
    for (size_t i = 0; i < client->stalls->count; i++) {
        const struct stall *stall = &client->stalls->list[i];
        if (stall->client != client->number)
            continue;
        nsec lasted = stall->ended - stall->began;
        if (!client->first)
            client->first = stall;
        if (!stall->released || lasted <= 0)
            continue;
        if (!client->shorter || lasted < client->shorter->ended - client->shorter->began)
            client->shorter = stall;
        if (!client->longer || lasted > client->longer->ended - client->longer->began)
            client->longer = stall;
    }
}

static void look_at_control(struct client *client, const struct connections *all)
{
    client->control_from = client->first->began;
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].conn == client->first->conn)
            client->control_from = nsec_min(all->list[i].from, client->first->began);
    client->rate = stalls_rate(client->trace, client->first->conn, SIDE_CLIENT,
                               client->control_from, client->first->began);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct connections all;
    struct stalls stalls;
    stalls_of(trace, SIDE_CLIENT, &stalls);
    connections_of(trace, &all);
    for (size_t i = 0; i < stalls.count && !trace->full; i++) {
        struct client client = {.trace = trace, .stalls = &stalls, .number = stalls.list[i].client};
        client.limit = cfg->limit > 0 ? cfg->limit : trace->policy.buffer_limit;
        choose_stalls(&client);
        if (client.first != &stalls.list[i])
            continue; /* judged with its first stall */
        look_at_control(&client, &all);
        judge_client(&client, out);
    }
    if (trace->full)
        (void)finding_add(
            out, INCONCLUSIVE,
            "the trace is full: not every frame was recorded, so that a backlog cannot "
            "be measured");
    else if (stalls.count == 0 && stalls.builtin)
        finding_own_client(out);
    else if (stalls.count == 0)
        (void)finding_add(out, INCONCLUSIVE, "no fault stalled what a client sends");
    connections_fini(&all);
    stalls_fini(&stalls);
}

const struct rule_desc state_client_backpressure_rule = {
    .name = "state.client_backpressure",
    .id = "STATE-03",
    .title = "Client backpressure",
    .brief = "a client does not buffer without bound for a slow path",
    .doc =
        "Provoked by two stalls of what the client sends, the second twice as long as the first, "
        "while the client produces at its usual rate. Observed is what arrives after each release "
        "beyond that rate, without what the kernel's buffers held; where process.memory was "
        "recorded, also how fast the process grows. Kept must be no more after the long stall than "
        "after the short one; 1.6 times as much and more than four times the kernel's share is a "
        "failure, and a bound above the policy's buffer_limit a warning. Closing the connection "
        "within the ping interval plus the pong timeout plus 10 s is a bound too. A client that "
        "sends less than 64 KiB/s, or too little to fill the kernel's buffers eight times over, is "
        "not tested; hooks.send is asked for messages all the time. No clause of a standard asks for it: the network takes what it takes, and "
        "memory that grows for as long as the network is slow ends the process. The remedy is to "
        "look at bufferedAmount before sending.",
    .source = "WHATWG WebSockets, bufferedAmount",
    .example = "state.client_backpressure: {limit: 64MiB}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .wants = NEEDS(PROCESS_MEMORY),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};
