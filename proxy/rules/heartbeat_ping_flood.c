/* heartbeat.ping_flood: thousands of pings neither fill memory nor keep data from being sent. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/floods.h"
#include "rules/lib/memory.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"
#include "ws/frame.h"

#define PINGS_LEAST    5000                /* fewer fill nothing */
#define KEPT_LEAST     (1024.0 * 1024)     /* bytes: a client that keeps pongs grows by as much */
#define LINGERS        (5 * NSEC_PER_SEC)  /* what a flood does may show a little later */
#define CONTROL        (20 * NSEC_PER_SEC) /* of memory and data, before the first flood */
#define MESSAGES_LEAST 20                  /* due in a flood: of fewer a share says nothing */
#define STARVED        0.1                 /* of the usual data: nearly none */
#define SLOWED         0.5
#define NEARLY_AT_ONCE 0.2 /* seconds of wall time from a connection's end to its process's */
#define GROWS          1.5 /* the second half of a flood adds half of what the first did, or more */

struct config {
    uint64_t memory;
};

static const struct param params[] = {
    P_SIZE(config, memory, .def = "16MiB", .min = "1MiB", .max = "1GiB",
           .doc = "how much the client's memory may grow during a flood"),
    P_END,
};

/* What a client shows, in ascending weight. */
enum show {
    NO_FLOOD,
    TOO_FEW,
    NO_ANSWERS,
    NO_MEMORY, /* its process is unknown */
    UNPRESSED, /* the kernels took every pong that we did not read */
    ENDED_IT,
    TOLERATED,
    SLOW_DATA,
    LARGE,
    NO_DATA,
    GREW,
    DIED,
    SHOWS
};

static const enum verdict verdicts[SHOWS] = {
    [NO_FLOOD] = INCONCLUSIVE,
    [TOO_FEW] = INCONCLUSIVE,
    [NO_ANSWERS] = INCONCLUSIVE,
    [NO_MEMORY] = NOT_TESTED,
    [UNPRESSED] = INCONCLUSIVE,
    [ENDED_IT] = PASS,
    [TOLERATED] = PASS,
    [SLOW_DATA] = WARN,
    [LARGE] = WARN,
    [NO_DATA] = FAIL,
    [GREW] = FAIL,
    [DIED] = FAIL,
};

/* Of one client, over all its floods. */
struct sight {
    enum show show;
    uint64_t pings, pongs;
    double rise, half_rise; /* bytes over the control: at most, and in the first half of a flood */
    bool has_memory;
    bool held;         /* a fault kept the pongs of one of them waiting */
    double share;      /* of the usual data in the worst flood; 1: as usual, or nothing is sent */
    const char *exit;  /* how its process ended by itself, or NULL; borrowed */
    nsec closed_after; /* from the beginning of the flood; NEVER */
    uint64_t from, to;
};

/* --- Memory --- */

static void look_at_memory(const struct trace *trace, const struct flood *flood, double usual,
                           struct sight *sight)
{
    nsec middle = flood->began + (flood->ended - flood->began) / 2;
    double half = memory_most(trace, flood->client, flood->began, middle);
    double most = memory_most(trace, flood->client, flood->began, nsec_add(flood->ended, LINGERS));
    if (usual <= 0 || most <= 0)
        return;
    sight->has_memory = true;
    if (most - usual <= sight->rise)
        return;
    sight->rise = most - usual;
    sight->half_rise = half > usual ? half - usual : 0;
}

/* --- Data --- */

static bool is_data(const struct event *ev, uint32_t conn)
{
    return ev->kind == EV_WS_FRAME && ev->conn == conn && ev->side == SIDE_CLIENT &&
           ev->ws_frame.opcode < OPCODE_CLOSE;
}

static double messages_within(const struct trace *trace, uint32_t conn, nsec from, nsec to)
{
    double messages = 0;
    for (size_t i = 0; i < trace->count; i++)
        messages += is_data(&trace->events[i], conn) && trace->events[i].at >= from &&
                    trace->events[i].at < to;
    return messages;
}

/* A fault that keeps what the client sends, or does not read it, keeps its data too. */
static bool is_held_back(const struct trace *trace, const struct flood *flood)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->conn != flood->conn || ev->at < flood->began || ev->at > flood->ended)
            continue;
        if ((ev->kind == EV_TCP_PAUSE && ev->side == SIDE_CLIENT) ||
            (ev->kind == EV_FAULT_ACT && ev->side == SIDE_SERVER))
            return true;
    }
    return false;
}

/* What the client sends beside the pings' answers, as a share of what it sent before. */
static void look_at_data(const struct trace *trace, const struct flood *flood, nsec control,
                         struct sight *sight)
{
    nsec lasted = flood->ended - flood->began, from = nsec_max(0, control - CONTROL);
    double before = messages_within(trace, flood->conn, from, control);
    double due = before * (double)lasted / (double)(control - from);
    if (control <= from || due < MESSAGES_LEAST || is_held_back(trace, flood))
        return;
    double share = messages_within(trace, flood->conn, flood->began, flood->ended) / due;
    sight->share = share < sight->share ? share : sight->share;
}

/* --- How it ends --- */

static bool is_exit_of(const struct event *ev, int client)
{
    return ev->kind == EV_PROCESS_EXIT && ev->client == client && !ev->process_exit.asked &&
           strcmp(ev->process_exit.role, "client") == 0;
}

static bool tells_to_go(const struct event *ev)
{
    return (ev->kind == EV_TCP_SHUT && ev->side == SIDE_CLIENT) ||
           (ev->kind == EV_WS_CLOSE && ev->side == SIDE_SERVER);
}

/* A process that ends takes its connection along; one that ended it before does so for reasons of
 * its own. */
static bool died_with(const struct trace *trace, const struct event *exit, nsec closed)
{
    nsec soon = (nsec)(NEARLY_AT_ONCE * fmax(1, trace->start->speed) * NSEC_PER_SEC);
    return closed == NEVER || exit->at - closed <= soon;
}

static void look_at_end(const struct trace *trace, const struct flood *flood,
                        const struct event *last, struct sight *sight)
{
    nsec until = nsec_add(flood->ended, LINGERS), closed = NEVER;
    bool told = false;
    for (const struct event *ev = trace_at_seq(trace, flood->from); ev <= last && ev->at <= until;
         ev++) {
        if (is_exit_of(ev, flood->client) && !told && died_with(trace, ev, closed))
            sight->exit = ev->process_exit.how;
        if (ev->conn != flood->conn || closed != NEVER)
            continue;
        told = told || tells_to_go(ev);
        if (!told && ev->side == SIDE_CLIENT && connection_ended_by_endpoint(ev))
            closed = ev->at;
    }
    if (closed != NEVER)
        sight->closed_after = nsec_min(sight->closed_after, closed - flood->began);
}

static uint64_t pongs_since(const struct trace *trace, const struct flood *flood,
                            const struct event *last)
{
    uint64_t pongs = 0;
    for (const struct event *ev = trace_at_seq(trace, flood->from); ev <= last; ev++)
        pongs += ev->kind == EV_WS_FRAME && ev->conn == flood->conn && ev->side == SIDE_CLIENT &&
                 ev->ws_frame.opcode == OPCODE_PONG;
    return pongs;
}

/* --- One client --- */

static enum show show_of(const struct sight *sight, uint64_t limit)
{
    bool grows = sight->rise >= GROWS * sight->half_rise;
    if (sight->exit)
        return DIED;
    if (sight->rise >= (double)limit)
        return grows ? GREW : LARGE;
    if (sight->share < STARVED)
        return NO_DATA;
    if (sight->closed_after != NEVER)
        return ENDED_IT;
    if (sight->share < SLOWED)
        return SLOW_DATA;
    if (sight->pings < PINGS_LEAST)
        return TOO_FEW;
    if (sight->pongs == 0)
        return NO_ANSWERS;
    if (!sight->has_memory)
        return NO_MEMORY;
    bool kept = sight->pongs < sight->pings || sight->rise >= KEPT_LEAST;
    return sight->held && !kept ? UNPRESSED : TOLERATED;
}

static struct sight look_at(const struct trace *trace, const struct floods *floods, int client,
                            uint64_t limit)
{
    const struct event *last = trace_last_counting(trace);
    struct sight sight = {.share = 1, .closed_after = NEVER};
    double usual = 0;
    nsec control = NEVER;
    for (size_t i = 0; i < floods->count; i++) {
        const struct flood *flood = &floods->list[i];
        if (flood->client != client)
            continue;
        if (control == NEVER) {
            control = flood->began;
            usual = memory_usual(trace, client, control - CONTROL, control - 1);
            sight.from = flood->from;
            sight.pongs = pongs_since(trace, flood, last);
        }
        sight.pings += flood->pings;
        sight.to = flood->to;
        sight.held = sight.held || is_held_back(trace, flood);
        look_at_memory(trace, flood, usual, &sight);
        look_at_data(trace, flood, control, &sight);
        look_at_end(trace, flood, last, &sight);
    }
    sight.show = sight.pings > 0 ? show_of(&sight, limit) : NO_FLOOD;
    return sight;
}

/* --- Sentences --- */

static void add_count(struct text *out, uint64_t count, const char *what)
{
    if (count >= 1000)
        text_addf(out, "%llu,%03llu %s", (unsigned long long)count / 1000,
                  (unsigned long long)count % 1000, what);
    else
        text_addf(out, "%llu %s", (unsigned long long)count, what);
}

static void add_size(struct text *out, const char *before, double bytes)
{
    text_add(out, before);
    units_add_size(out, (uint64_t)(bytes > 0 ? bytes : 0));
}

static void add_share(struct text *out, double share)
{
    text_addf(out, " sent only %.0f %% of its usual data while pings came", 100 * share);
}

static void add_undecided(struct text *out, const struct sight *sight)
{
    if (sight->show == NO_FLOOD) {
        text_add(out, " got no flood of pings");
    } else if (sight->show == TOO_FEW) {
        text_add(out, " got only ");
        add_count(out, sight->pings, "pings; 5,000 are needed");
    } else if (sight->show == NO_ANSWERS) {
        text_add(out, " answered none of ");
        add_count(out, sight->pings,
                  "pings, which does not show what it would keep for those "
                  "that it answers");
    } else if (sight->show == UNPRESSED) {
        text_add(out, " answered all of ");
        add_count(out, sight->pings,
                  "pings, and the kernels' buffers took the pongs that nobody read: "
                  "what it keeps when they are full does not show");
    } else {
        text_add(out, " took ");
        add_count(out, sight->pings,
                  "pings; whether its memory grew cannot be seen, since "
                  "halfopen did not start its process (client.command in the "
                  "target file)");
    }
}

static void add_sentence(struct text *out, const struct sight *sight, uint64_t limit)
{
    switch (sight->show) {
    case ENDED_IT:
        text_add(out, " ended the connection ");
        units_add_duration(out, sight->closed_after);
        text_add(out, " into a flood of pings, which bounds what it keeps");
        break;
    case TOLERATED:
        text_add(out, " took ");
        add_count(out, sight->pings, "pings and answered ");
        add_count(out, sight->pongs, "of them; its memory grew by ");
        units_add_size(out, (uint64_t)sight->rise);
        add_size(out, ", up to ", (double)limit);
        text_add(out, " is fine");
        break;
    case SLOW_DATA:
    case NO_DATA:
        add_share(out, sight->share);
        break;
    case LARGE:
    case GREW:
        add_size(out, " grew by ", sight->rise);
        text_add(out, " of memory in a flood of ");
        add_count(out, sight->pings, "pings");
        text_add(out, sight->show == GREW ? ", and went on growing with them"
                                          : ", most of it at the beginning");
        add_size(out, "; up to ", (double)limit);
        text_add(out, " is fine");
        break;
    case DIED:
        text_add(out, " did not survive a flood of ");
        add_count(out, sight->pings, "pings: the process ended");
        text_addf(out, " (%s)", sight->exit);
        break;
    default:
        add_undecided(out, sight);
        break;
    }
}

static void add_fix(struct finding *finding, enum show show)
{
    if (show == SLOW_DATA || show == NO_DATA)
        finding_fix(finding, "do not answer pings before everything else: give what the "
                             "application sends its turn, and answer the newest ping alone "
                             "(RFC 6455 5.5.3)");
    else if (verdicts[show] == WARN || verdicts[show] == FAIL)
        finding_fix(finding, "while a pong waits to be sent, keep the newest ping's and forget the "
                             "others (RFC 6455 5.5.3), or close the connection at some number of "
                             "them");
}

static void report(struct findings *out, const struct sight *sight, const struct tally *tally,
                   size_t of, uint64_t limit)
{
    struct text text;
    text_init(&text);
    tally_add_who(tally, of, &text);
    add_sentence(&text, sight, limit);
    struct finding *finding = finding_add(out, verdicts[sight->show], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "pings", (double)sight->pings);
    finding_measured(finding, "pongs", (double)sight->pongs);
    if (sight->has_memory)
        finding_measured(finding, "growth_bytes", sight->rise);
    finding_measured(finding, "data_share", sight->share);
    finding_allowed(finding, "growth_bytes", (double)limit);
    finding_allowed(finding, "data_share", SLOWED);
    finding_evidence(finding, tally->from, tally->to);
    add_fix(finding, sight->show);
}

/* --- The rule --- */

/* By the clients that had a connection. */
static void judge(const struct trace *trace, const struct floods *floods, uint64_t limit,
                  struct findings *out)
{
    struct tally tallies[SHOWS] = {{0}};
    struct sight worst[SHOWS] = {{.show = NO_FLOOD}};
    struct connections all;
    size_t clients = 0, end;
    bool builtin = false;
    connections_of(trace, &all);
    for (size_t first = 0; first < all.count; first = end) {
        end = connections_of_client_end(&all, first);
        if (all.list[first].client_by == BY_BUILTIN) {
            builtin = true;
            continue;
        }
        struct sight sight = look_at(trace, floods, all.list[first].client, limit);
        clients++;
        if (tallies[sight.show].count == 0 || sight.rise > worst[sight.show].rise)
            worst[sight.show] = sight;
        tally_add(&tallies[sight.show], 0, sight.from, sight.to);
    }
    for (int show = SHOWS - 1; show >= 0; show--)
        if (tallies[show].count > 0)
            report(out, &worst[show], &tallies[show], clients, limit);
    if (clients == 0 && builtin)
        (void)finding_add(out, NOT_APPLICABLE, "the client is halfopen's own and not under test");
    connections_fini(&all);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct floods floods;
    if (trace->full) {
        (void)finding_add(out, INCONCLUSIVE,
                          "the trace is full: not every frame was recorded, so that pings and "
                          "answers cannot be counted");
        return;
    }
    floods_of(trace, &floods);
    judge(trace, &floods, cfg->memory, out);
    floods_fini(&floods);
}

const struct rule_desc heartbeat_ping_flood_rule = {
    .name = "heartbeat.ping_flood",
    .id = "HEART-10",
    .title = "Ping flood tolerated",
    .brief = "thousands of pings neither fill memory nor starve data",
    .doc =
        "Provoked by thousands of pings in the server's name (ping_flood), best of all while the "
        "path takes hardly any of the pongs. Observed are the memory of the client's processes "
        "(process.memory) against the time before, the data it sends against what it usually "
        "sends, and how the connection ends. Only the newest of the pings that wait has to be "
        "answered (RFC 6455 5.5.3), and closing the connection is an answer too. Growing by more "
        "than 16 MiB is a failure when the second half of the flood adds as it comes, and a "
        "warning when most came at the beginning. Sending less than half of the usual data is a "
        "warning, less than a tenth a failure, and so is a process that ends. A client that sends "
        "no data is judged by its memory alone. One that answers every ping while nobody reads the "
        "pongs, and does not grow, shows nothing: the kernels' buffers took them. The remedy is one place for the pong that waits, "
        "not a queue.",
    .source = "RFC 6455 5.5.3",
    .example = "heartbeat.ping_flood: {memory: 16MiB}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .wants = NEEDS(PROCESS_MEMORY),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};
