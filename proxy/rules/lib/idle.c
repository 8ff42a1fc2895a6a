#include "rules/lib/idle.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/words.h"

static const char *const counts_words[] = {"any", "from_client", "from_server", "per_direction"};

static const enum verdict verdicts[IDLE_SHOWS] = {
    [IDLE_OWN_ENDS] = NOT_APPLICABLE,
    [IDLE_TOO_SHORT] = INCONCLUSIVE,
    [IDLE_BY_CHANCE] = INCONCLUSIVE,
    [IDLE_BY_OWN_END] = INCONCLUSIVE,
    [IDLE_ROOMY] = PASS,
    [IDLE_TIGHT] = WARN,
    [IDLE_RACE] = WARN,
    [IDLE_TOO_LONG] = FAIL,
    [IDLE_CUT] = FAIL,
};

/* --- The timer --- */

/* Of a fault's parameters, or of what the target file is behind. false: it has no idle timer. */
static bool read_timer(const json_t *values, struct idle_timer *timer)
{
    const char *why;
    nsec after = 0;
    const char *text = json_string_value(json_object_get(values, "after"));
    const char *counts = json_string_value(json_object_get(values, "counts"));
    text = text ? text : json_string_value(json_object_get(values, "idle"));
    if (!counts || !text || !units_duration(text, &after, &why) || after <= 0)
        return false;
    for (size_t i = 0; i < sizeof counts_words / sizeof *counts_words; i++)
        if (strcmp(counts, counts_words[i]) == 0) {
            timer->counts = (enum idle_counts)i;
            timer->timeout = after;
            return true;
        }
    return false;
}

/* A fault with an idle timer begins on the connection. */
static bool begins_timer(const struct event *ev, uint32_t conn, struct idle_timer *timer)
{
    if (ev->kind != EV_FAULT_ON || ev->conn != conn)
        return false;
    json_t *values = json_loads(ev->fault_on.params, 0, NULL);
    bool has = read_timer(values, timer);
    json_decref(values);
    return has;
}

/* The shortest timeout at work on the connection, which may have begun when it was accepted; else
 * the one asked for. */
static struct idle_timer timer_of(const struct trace *trace, const struct connection *c,
                                  const struct idle_timer *asked)
{
    struct idle_timer timer = *asked;
    timer.from = c->from;
    timer.to = c->to;
    for (const struct event *ev = trace->events; ev < c->end; ev++) {
        struct idle_timer found = {.origin = IDLE_AT_WORK, .to = c->to};
        if (begins_timer(ev, c->conn, &found)) {
            found.from = nsec_max(c->from, ev->at);
            found.label = ev->fault_on.label;
            if (timer.origin != IDLE_AT_WORK || found.timeout < timer.timeout)
                timer = found;
        } else if (ev->kind == EV_FAULT_OFF && ev->conn == c->conn && timer.label &&
                   strcmp(ev->fault_off.label, timer.label) == 0) {
            timer.to = nsec_max(timer.from, ev->at);
        }
    }
    return timer;
}

static struct idle_timer asked_of(const struct trace *trace, nsec timeout)
{
    struct idle_timer asked = {.timeout = trace->policy.idle_timeout};
    json_t *target = json_loads(trace->start->target, 0, NULL);
    const json_t *behind = json_object_get(target, "behind");
    const char *name = json_string_value(json_object_get(behind, "profile"));
    if (timeout > 0) {
        asked.timeout = timeout;
        asked.origin = IDLE_OF_PARAMETER;
    } else if (read_timer(behind, &asked)) {
        asked.origin = IDLE_OF_BEHIND;
        snprintf(asked.name, sizeof asked.name, "%s", name ? name : "");
    }
    json_decref(target);
    return asked;
}

/* --- One connection --- */

struct look {
    const struct idle_rule *rule;
    const struct trace *trace;
    const struct connection *c;
    nsec builtin_beat; /* median interval of halfopen's own end; 0: none */
};

static nsec silence_that_counts(const struct look *look, const struct idle_sight *sight)
{
    const struct idle_timer *timer = &sight->timer;
    switch (timer->counts) {
    case IDLE_COUNTS_ANY:
        return heartbeats_longest_silence(look->trace, look->c->conn, SIDE_NONE, timer->from,
                                          timer->to);
    case IDLE_COUNTS_FROM_CLIENT:
        return sight->from_client;
    case IDLE_COUNTS_FROM_SERVER:
        return sight->from_server;
    case IDLE_COUNTS_PER_DIRECTION:
        return nsec_max(sight->from_client, sight->from_server);
    }
    return 0;
}

static void note_beat(nsec *shortest, const struct heartbeat_group *group)
{
    if (group && group->median > 0)
        *shortest = *shortest == 0 ? group->median : nsec_min(*shortest, group->median);
}

/* Returns the median interval of the endpoints' own heartbeats. */
static nsec look_at_beats(struct look *look)
{
    nsec beat = 0;
    const struct connection *c = look->c;
    struct heartbeats *heartbeats = connection_heartbeats(look->trace, c);
    note_beat(c->client_by == BY_BUILTIN ? &look->builtin_beat : &beat,
              heartbeats_best(heartbeats, SIDE_CLIENT));
    note_beat(c->server_by == BY_BUILTIN ? &look->builtin_beat : &beat,
              heartbeats_best(heartbeats, SIDE_SERVER));
    heartbeats_free(heartbeats);
    return beat;
}

static enum idle_show show_of_cut(const struct idle_sight *sight, nsec noise)
{
    nsec apart = sight->beat - sight->timer.timeout;
    bool races = sight->beat > 0 && apart <= noise && apart >= -noise;
    return races ? IDLE_RACE : IDLE_CUT;
}

static enum idle_show show_of_life(const struct look *look, const struct idle_sight *sight)
{
    nsec timeout = sight->timer.timeout, noise = look->trace->noise;
    nsec room = nsec_add(look->rule->room(look->trace, timeout), noise);
    nsec longest = nsec_max(sight->silence, sight->beat);
    if (sight->timer.origin != IDLE_AT_WORK && sight->silence > nsec_add(timeout, noise))
        return IDLE_TOO_LONG;
    if (sight->observed < look->rule->enough(look->trace, sight) - noise)
        return IDLE_TOO_SHORT;
    if (look->builtin_beat > 0 && (sight->beat == 0 || sight->beat > room))
        return IDLE_BY_OWN_END;
    if (sight->beat == 0 || sight->beat > nsec_add(timeout, noise))
        return IDLE_BY_CHANCE;
    return longest <= room ? IDLE_ROOMY : IDLE_TIGHT;
}

/* The fault with the timer ended it, after a silence as long as the timer waits: not for another
 * reason. */
static bool was_cut_for_silence(const struct look *look, const struct idle_timer *timer)
{
    const struct event *end = look->c->end;
    if (timer->origin != IDLE_AT_WORK || end->kind != EV_FAULT_ACT ||
        strcmp(end->fault_act.label, timer->label) != 0)
        return false;
    nsec before = end->at - timer->timeout + look->trace->noise;
    for (const struct event *ev = end; ev > look->trace->events && ev->at > before; ev--)
        if (ev->conn == look->c->conn && (ev->kind == EV_WS_FRAME || ev->kind == EV_WS_OPEN))
            return timer->counts != IDLE_COUNTS_ANY;
    return true;
}

static struct idle_sight look_with(const struct look *look, const struct idle_timer *timer,
                                   nsec beat)
{
    const struct connection *c = look->c;
    struct idle_sight sight = {.timer = *timer,
                               .beat = beat,
                               .observed = timer->to - timer->from,
                               .from = c->open->seq,
                               .to = c->end->seq};
    sight.from_client =
        heartbeats_longest_silence(look->trace, c->conn, SIDE_CLIENT, timer->from, timer->to);
    sight.from_server =
        heartbeats_longest_silence(look->trace, c->conn, SIDE_SERVER, timer->from, timer->to);
    sight.silence = silence_that_counts(look, &sight);
    /* What the timer let live was not silent for as long: bytes came that make no whole frame. */
    if (timer->origin == IDLE_AT_WORK)
        sight.silence = nsec_min(sight.silence, timer->timeout);
    sight.show = was_cut_for_silence(look, timer) ? show_of_cut(&sight, look->trace->noise)
                                                  : show_of_life(look, &sight);
    return sight;
}

/* By the timer at work, and by the one the target file says is on the path in production: the worse
 * counts. */
static struct idle_sight look_at(const struct idle_rule *rule, const struct trace *trace,
                                 const struct connection *c, const struct idle_timer *asked)
{
    struct look look = {.rule = rule, .trace = trace, .c = c};
    if (c->client_by == BY_BUILTIN && c->server_by != BY_ENDPOINT)
        return (struct idle_sight){.show = IDLE_OWN_ENDS, .from = c->open->seq, .to = c->end->seq};
    nsec beat = look_at_beats(&look);
    struct idle_timer timer = timer_of(trace, c, asked);
    struct idle_sight sight = look_with(&look, &timer, beat);
    if (asked->origin != IDLE_OF_BEHIND || timer.origin != IDLE_AT_WORK)
        return sight;
    struct idle_timer declared = *asked;
    declared.from = c->from;
    declared.to = c->to;
    struct idle_sight there = look_with(&look, &declared, beat);
    return there.show > sight.show ? there : sight;
}

/* --- Sentences --- */

/* What the clients of one sentence have in common. */
struct told {
    const struct idle_rule *rule;
    const struct trace *trace;
    const struct tally *tally;
    size_t of;
};

static void add_subject(struct text *out, const struct told *told)
{
    if (told->of <= 1)
        text_add(out, "the connection");
    else
        text_addf(out, "the connections of %zu of %zu clients", told->tally->count, told->of);
}

static void add_beat(struct text *out, const struct idle_sight *sight)
{
    if (sight->beat == 0)
        text_add(out, "; no heartbeat was recognised");
    else
        words_add_time(out, "; a heartbeat came only every ", sight->beat, "");
}

static void add_undecided(struct text *out, const struct idle_sight *sight, const struct told *told)
{
    const char *was = told->of <= 1 ? " was" : " were";
    if (sight->show == IDLE_BY_CHANCE) {
        text_add(out, " lived on traffic that nobody guarantees");
        add_beat(out, sight);
        text_add(out, "; leave the application idle, or declare heartbeat.ping in the target file");
    } else if (sight->show == IDLE_BY_OWN_END) {
        text_addf(out, "%s kept alive by the heartbeat of halfopen's own end", was);
        add_beat(out, sight);
    } else if (sight->show == IDLE_TOO_SHORT) {
        text_addf(out, "%s open and undisturbed for only ", was);
        words_add_time(out, "", sight->observed, "");
        words_add_time(out, "; ", told->rule->enough(told->trace, sight),
                       " would have been needed");
    } else {
        text_add(out, told->of <= 1 ? " has" : " have");
        text_add(out, " halfopen's own ends on both sides: nothing is under test");
    }
}

static void add_sentence(struct text *out, const struct idle_sight *sight, const struct told *told)
{
    nsec timeout = sight->timer.timeout;
    const char *was = told->of <= 1 ? " was" : " were";
    add_subject(out, told);
    switch (sight->show) {
    case IDLE_ROOMY:
    case IDLE_TIGHT:
        text_add(out, was);
        told->rule->add_life(out, told->trace, sight, told->tally);
        break;
    case IDLE_RACE:
        text_addf(out, "%s cut at an idle timeout of ", was);
        words_add_time(out, "", timeout, "");
        words_add_time(out, " although a heartbeat comes every ", sight->beat, ": the two race");
        break;
    case IDLE_TOO_LONG:
        text_addf(out, "%s silent for ", was);
        tally_add_range(told->tally, out);
        words_add_time(out, "; a proxy with an idle timeout of ", timeout, " ends that");
        add_beat(out, sight);
        break;
    case IDLE_CUT:
        text_addf(out, "%s cut after ", was);
        words_add_time(out, "", timeout, " in which nothing was said");
        add_beat(out, sight);
        break;
    default:
        add_undecided(out, sight, told);
        break;
    }
}

static void report(struct findings *out, const struct idle_sight *sight, const struct told *told)
{
    enum verdict verdict = verdicts[sight->show];
    nsec room = told->rule->room(told->trace, sight->timer.timeout);
    struct text text;
    text_init(&text);
    add_sentence(&text, sight, told);
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(&text));
    text_fini(&text);
    finding_evidence(finding, told->tally->from, told->tally->to);
    if (verdict == WARN || verdict == FAIL)
        told->rule->add_fix(finding, told->trace, sight);
    if (sight->show == IDLE_OWN_ENDS)
        return;
    finding_measured(finding, "silence_s", nsec_to_seconds(told->tally->most));
    finding_measured(finding, "silence_from_client_s", nsec_to_seconds(sight->from_client));
    finding_measured(finding, "silence_from_server_s", nsec_to_seconds(sight->from_server));
    finding_allowed(finding, "silence_s", nsec_to_seconds(room > 0 ? room : 0));
    finding_allowed(finding, "timeout_s", nsec_to_seconds(sight->timer.timeout));
}

/* --- All connections --- */

static struct idle_sight look_at_client(const struct idle_rule *rule, const struct trace *trace,
                                        const struct connections *all, size_t first, size_t end,
                                        const struct idle_timer *asked)
{
    struct idle_sight worst = {.show = IDLE_NOTHING};
    for (size_t i = first; i < end; i++) {
        struct idle_sight sight = look_at(rule, trace, &all->list[i], asked);
        bool more = sight.show == worst.show &&
                    (sight.show == IDLE_TOO_SHORT ? sight.observed > worst.observed
                                                  : sight.silence > worst.silence);
        if (sight.show > worst.show || more)
            worst = sight;
    }
    return worst;
}

void idle_judge(const struct idle_rule *rule, const struct trace *trace, nsec timeout,
                struct findings *out)
{
    struct idle_timer asked = asked_of(trace, timeout);
    struct tally tallies[IDLE_SHOWS] = {{0}};
    struct idle_sight worst[IDLE_SHOWS] = {{.show = IDLE_NOTHING}};
    struct connections all;
    size_t clients = 0, end;
    connections_of(trace, &all);
    for (size_t first = 0; first < all.count; first = end) {
        end = connections_of_client_end(&all, first);
        struct idle_sight sight = look_at_client(rule, trace, &all, first, end, &asked);
        clients++;
        tally_add(&tallies[sight.show], sight.silence, sight.from, sight.to);
        if (worst[sight.show].show == IDLE_NOTHING || sight.silence > worst[sight.show].silence)
            worst[sight.show] = sight;
    }
    for (int show = IDLE_SHOWS - 1; show > IDLE_NOTHING; show--) {
        struct told told = {rule, trace, &tallies[show], clients};
        if (tallies[show].count > 0)
            report(out, &worst[show], &told);
    }
    connections_fini(&all);
}
