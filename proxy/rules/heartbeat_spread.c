/* heartbeat.spread: clients that came back together do not beat together. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/rule.h"
#include "trace/attempts.h"
#include "ws/frame.h"

#define CLIENTS_LEAST  10 /* fewer beat together by chance */
#define SETTLES        (30 * NSEC_PER_SEC)
#define WINDOW         NSEC_PER_SEC
#define INTERVAL_LEAST (5 * NSEC_PER_SEC) /* a second is too much of less */
#define TOGETHER(K)    (((K)*4 + 4) / 5)  /* 80 %, rounded up */

struct member {
    nsec opened, last; /* of its new connection; last: newest beat, NEVER: none was seen */
};

/* The clients of one outage, each on its connection after it. */
struct fleet {
    struct member *members;
    size_t came_back; /* members */
    size_t beating;   /* of them; the others are behind them in the list */
    bool builtin, server_beats;
    nsec *gaps; /* between beats of all */
    size_t gap_count;
    nsec interval, recovered; /* recovered: the last of them was back */
    uint64_t from, to;
};

/* --- Beats --- */

static bool is_beat(const struct trace *trace, const struct event *ev)
{
    if (ev->kind != EV_WS_FRAME || ev->side != SIDE_CLIENT)
        return false;
    if (ev->ws_frame.opcode == OPCODE_PING)
        return trace->policy.can_ping;
    return strcmp(ev->ws_frame.kind, "ping") == 0;
}

static void add_gap(struct fleet *fleet, nsec gap)
{
    if (gap <= 0)
        return;
    fleet->gaps = xrealloc(fleet->gaps, (fleet->gap_count + 1) * sizeof *fleet->gaps);
    fleet->gaps[fleet->gap_count++] = gap;
}

/* Beats without a word of their own are known by their regularity, which takes five of them. */
static nsec last_regular(const struct trace *trace, const struct connection *c, struct fleet *fleet)
{
    struct heartbeats *beats = connection_heartbeats(trace, c);
    const struct heartbeat_group *group = heartbeats_best(beats, SIDE_CLIENT);
    const struct heartbeat_group *servers = heartbeats_best(beats, SIDE_SERVER);
    nsec last = group ? group->last : NEVER;
    if (group)
        add_gap(fleet, group->median);
    fleet->server_beats = fleet->server_beats || (servers && c->server_by == BY_ENDPOINT);
    heartbeats_free(beats);
    return last;
}

static nsec last_beat(const struct trace *trace, const struct connection *c, struct fleet *fleet)
{
    nsec last = NEVER;
    for (const struct event *ev = c->open; ev < c->end; ev++) {
        if (ev->conn != c->conn || !is_beat(trace, ev))
            continue;
        if (last != NEVER)
            add_gap(fleet, ev->at - last);
        last = ev->at;
    }
    return last != NEVER ? last : last_regular(trace, c, fleet);
}

/* --- The fleet --- */

static size_t count_back(const struct outage *outage)
{
    size_t back = 0;
    for (size_t i = 0; i < outage->count; i++)
        back += outage->clients[i].reopened;
    return back;
}

/* Of several outages the one that most came back from, and the last of those. */
static const struct outage *largest(const struct outages *outages)
{
    const struct outage *most = NULL;
    for (size_t i = 0; i < outages->count; i++)
        if (!most || count_back(&outages->list[i]) >= count_back(most))
            most = &outages->list[i];
    return most;
}

static bool came_back(const struct outage *outage, int client)
{
    for (size_t i = 0; i < outage->count; i++)
        if (outage->clients[i].client == client)
            return outage->clients[i].reopened;
    return false;
}

static void note_member(struct fleet *fleet, const struct trace *trace, const struct connection *c)
{
    struct member member = {.opened = c->from, .last = last_beat(trace, c, fleet)};
    fleet->members = xrealloc(fleet->members, (fleet->came_back + 1) * sizeof *fleet->members);
    fleet->members[fleet->came_back++] = member;
    fleet->recovered = nsec_max(fleet->recovered, c->from);
    if (fleet->from == 0 || c->open->seq < fleet->from)
        fleet->from = c->open->seq;
    fleet->to = c->end->seq > fleet->to ? c->end->seq : fleet->to;
}

/* The newest connection of a client, opened after the outage began; NULL: there is none. */
static const struct connection *newest_after(const struct connections *all, size_t first,
                                             size_t end, nsec at)
{
    const struct connection *newest = NULL;
    for (size_t i = first; i < end; i++)
        if (all->list[i].from > at && (!newest || all->list[i].from > newest->from))
            newest = &all->list[i];
    return newest;
}

static void gather(struct fleet *fleet, const struct trace *trace, const struct outage *outage)
{
    struct connections all;
    size_t end;
    connections_of(trace, &all);
    for (size_t first = 0; first < all.count; first = end) {
        end = connections_of_client_end(&all, first);
        const struct connection *c = newest_after(&all, first, end, outage->at);
        fleet->builtin = fleet->builtin || all.list[first].client_by == BY_BUILTIN;
        if (c && c->client_by != BY_BUILTIN && came_back(outage, c->client))
            note_member(fleet, trace, c);
    }
    connections_fini(&all);
}

static int by_time(const void *a, const void *b)
{
    nsec x = *(const nsec *)a, y = *(const nsec *)b;
    return (x > y) - (x < y);
}

/* Those that were seen to beat half a minute after the last came back. */
static void settle(struct fleet *fleet, const struct policy *policy)
{
    for (size_t i = 0; i < fleet->came_back; i++) {
        struct member member = fleet->members[i];
        if (member.last == NEVER || member.last < nsec_add(fleet->recovered, SETTLES))
            continue;
        fleet->members[i] = fleet->members[fleet->beating];
        fleet->members[fleet->beating++] = member;
    }
    fleet->interval = policy->ping;
    if (fleet->gap_count == 0)
        return;
    qsort(fleet->gaps, fleet->gap_count, sizeof *fleet->gaps, by_time);
    fleet->interval = fleet->gaps[fleet->gap_count / 2];
}

/* --- In time with one another --- */

/* How many of these moments fall into a window of that length, modulo the interval: the most. */
static size_t most_within(nsec *moments, size_t count, nsec interval, nsec window)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        moments[i] %= interval;
    for (size_t i = 0; i < count; i++) {
        size_t within = 0;
        for (size_t j = 0; j < count; j++)
            within += (moments[j] - moments[i] + interval) % interval <= window;
        most = within > most ? within : most;
    }
    return most;
}

static size_t beats_within(const struct fleet *fleet, nsec window)
{
    nsec *moments = xcalloc(fleet->beating + 1, sizeof *moments);
    for (size_t i = 0; i < fleet->beating; i++)
        moments[i] = fleet->members[i].last;
    size_t most = most_within(moments, fleet->beating, fleet->interval, window);
    free(moments);
    return most;
}

static size_t opens_within(const struct fleet *fleet, nsec window)
{
    nsec *moments = xcalloc(fleet->beating + 1, sizeof *moments);
    for (size_t i = 0; i < fleet->beating; i++)
        moments[i] = fleet->members[i].opened;
    size_t most = most_within(moments, fleet->beating, fleet->interval, window);
    free(moments);
    return most;
}

enum spread { SPREAD, NEARLY, TOGETHER_BY_OPENING, TOGETHER_OTHERWISE };

/* Beats that are in time although the connections are not follow a clock that they had before, for
 * example since halfopen started all clients together: that shows nothing. */
static enum spread spread_of(const struct fleet *fleet, nsec noise)
{
    size_t many = TOGETHER(fleet->beating);
    nsec narrow = WINDOW - 2 * noise, wide = WINDOW + 2 * noise;
    if (beats_within(fleet, wide) < many)
        return SPREAD;
    if (narrow < 0 || beats_within(fleet, narrow) < many)
        return NEARLY;
    return opens_within(fleet, wide) >= many ? TOGETHER_BY_OPENING : TOGETHER_OTHERWISE;
}

/* --- Sentences --- */

static struct finding *say(const struct fleet *fleet, struct findings *out, enum verdict verdict,
                           struct text *text)
{
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(text));
    text_fini(text);
    finding_evidence(finding, fleet->from, fleet->to);
    return finding;
}

static void say_spread(const struct fleet *fleet, enum spread spread, struct findings *out)
{
    static const enum verdict verdicts[] = {[SPREAD] = PASS,
                                            [NEARLY] = INCONCLUSIVE,
                                            [TOGETHER_BY_OPENING] = WARN,
                                            [TOGETHER_OTHERWISE] = INCONCLUSIVE};
    size_t most = beats_within(fleet, WINDOW);
    struct text text;
    text_init(&text);
    text_addf(&text, "%zu of %zu clients beat within the same second of ", most, fleet->beating);
    units_add_duration(&text, fleet->interval);
    text_addf(&text, "; fewer than %zu are asked", (size_t)TOGETHER(fleet->beating));
    if (spread == NEARLY)
        text_add(&text, ", and the noise of this run does not tell which it is");
    else if (spread == TOGETHER_OTHERWISE)
        text_add(&text, ", but they came back at other times: the beats follow a clock of their "
                        "own, perhaps since halfopen started all clients together");
    struct finding *finding = say(fleet, out, verdicts[spread], &text);
    finding_measured(finding, "share", (double)most / (double)fleet->beating);
    finding_measured(finding, "interval_s", nsec_to_seconds(fleet->interval));
    finding_allowed(finding, "share", 0.8);
    if (verdicts[spread] == WARN)
        finding_fix(finding,
                    "send the first beat of each connection after a random part of the interval "
                    "(interval * random()), and the others at the interval from there");
}

static void say_undecided(const struct fleet *fleet, struct findings *out)
{
    struct text text;
    text_init(&text);
    if (fleet->beating >= CLIENTS_LEAST)
        text_addf(&text, "a beat every %.1f s is too often to tell whether clients beat together",
                  nsec_to_seconds(fleet->interval));
    else if (fleet->came_back < CLIENTS_LEAST)
        text_addf(&text,
                  "%zu client%s came back from a common loss; %d would show whether they "
                  "beat together",
                  fleet->came_back, fleet->came_back == 1 ? "" : "s", CLIENTS_LEAST);
    else
        text_addf(&text,
                  "of %zu clients that came back %zu were seen to beat half a minute later; "
                  "%d are needed",
                  fleet->came_back, fleet->beating, CLIENTS_LEAST);
    (void)say(fleet, out, INCONCLUSIVE, &text);
}

/* --- The rule --- */

static void judge(const struct fleet *fleet, const struct trace *trace, struct findings *out)
{
    if (fleet->came_back == 0 && fleet->builtin)
        (void)finding_add(out, NOT_APPLICABLE, "the clients are halfopen's own and not under test");
    else if (fleet->came_back == 1)
        (void)finding_add(out, NOT_APPLICABLE, "one client has nobody to beat in time with");
    else if (fleet->came_back > 0 && fleet->beating == 0 && fleet->server_beats)
        (void)finding_add(out, NOT_APPLICABLE, "the server beats, the clients do not");
    else if (fleet->beating < CLIENTS_LEAST || fleet->interval < INTERVAL_LEAST)
        say_undecided(fleet, out);
    else
        say_spread(fleet, spread_of(fleet, trace->noise), out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct fleet fleet = {0};
    struct outages outages;
    (void)config;
    outages_of(trace, &outages);
    const struct outage *outage = largest(&outages);
    if (outage)
        gather(&fleet, trace, outage);
    settle(&fleet, &trace->policy);
    judge(&fleet, trace, out);
    free(fleet.members);
    free(fleet.gaps);
    outages_fini(&outages);
}

const struct rule_desc heartbeat_spread_rule = {
    .name = "heartbeat.spread",
    .id = "HEART-11",
    .title = "Beats are spread",
    .brief = "clients that came back together do not beat together",
    .doc =
        "Provoked by an outage that ten or more clients come back from, with time for a heartbeat "
        "of each afterwards. Observed are the newest beats of the clients, half a minute and more "
        "after the last of them was back, modulo the interval between beats. When 80 % of them fall "
        "within the same second it is a warning: each such second the server has all heartbeats to "
        "answer, and nothing to do in between. There is no failure, since no standard asks for it. "
        "Connections that open together beat together when the first beat comes a fixed time after "
        "the opening, so that clients without jitter are seen here too. Beats in time with one "
        "another on connections that did not open together follow some other clock, perhaps that "
        "of a common start, and show nothing. The remedy is a random first beat: interval * "
        "random().",
    .source = "Discord gateway, heartbeat_interval * jitter",
    .example = "heartbeat.spread",
    .level = ADVICE,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .check = check,
};
