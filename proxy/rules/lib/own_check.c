/* Whether an assertion of a scenario holds: what it counts, in each of its times. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/own_parts.h"

#define CODE_ABNORMAL 1006

/* --- What is counted --- */

struct hit {
    nsec at;
    uint64_t seq;
    bool doubtful; /* only the start of the message was looked at */
};

struct hits {
    struct hit *list;
    size_t count;
};

static void add_hit(struct hits *hits, nsec at, uint64_t seq, bool doubtful)
{
    hits->list = xrealloc(hits->list, (hits->count + 1) * sizeof *hits->list);
    hits->list[hits->count++] = (struct hit){.at = at, .seq = seq, .doubtful = doubtful};
}

static void find_messages(const struct own_view *view, struct hits *hits)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(view->trace, &i, EV_WS_MATCH));)
        if (ev->client == view->client && ev->side == view->side && ev->by == BY_ENDPOINT &&
            strcmp(ev->ws_match.assertion, view->assertion->name) == 0)
            add_hit(hits, ev->at, ev->ws_match.frame, strcmp(ev->ws_match.how, "matched") != 0);
}

static bool closes_as_asked(const struct own_view *view, const struct event *ev)
{
    const struct assertion *asked = view->assertion;
    return ev->kind == EV_WS_CLOSE && ev->side == view->side && ev->by == BY_ENDPOINT &&
           (asked->code == 0 || asked->code == ev->ws_close.code) &&
           (!asked->reason ||
            pattern_matches(asked->reason, ev->ws_close.reason, strlen(ev->ws_close.reason)));
}

/* RFC 6455 7.1.5: 1006 stands for a connection that ended without a Close, of either side. */
static bool ends_abnormally(const struct own_view *view, const struct event *end)
{
    bool opened = false;
    if (view->assertion->code != CODE_ABNORMAL || end->kind != EV_TCP_CLOSE ||
        end->side != view->side || !connection_ended_by_endpoint(end))
        return false;
    for (const struct event *ev = view->trace->events; ev < end; ev++) {
        if (ev->conn != end->conn)
            continue;
        opened = opened || ev->kind == EV_WS_OPEN;
        if (ev->kind == EV_WS_CLOSE || ev->kind == EV_TCP_SHUT ||
            (ev->kind == EV_TCP_CLOSE && ev->side != end->side))
            return false;
    }
    return opened;
}

static void find_closes(const struct own_view *view, struct hits *hits)
{
    const struct event *last = trace_last_counting(view->trace);
    for (const struct event *ev = view->trace->events; last && ev <= last; ev++)
        if (ev->client == view->client && ev->conn != 0 && ev->by == BY_ENDPOINT &&
            (closes_as_asked(view, ev) || ends_abnormally(view, ev)))
            add_hit(hits, ev->at, ev->seq, false);
}

static void find_attempts(const struct own_view *view, struct hits *hits)
{
    for (size_t i = 0; i < view->attempts->count; i++) {
        const struct attempt *attempt = &view->attempts->list[i];
        if (attempt->client == view->client)
            add_hit(hits, attempt->start, attempt->from, false);
    }
}

/* --- One time of one client --- */

struct sight {
    uint64_t sure, in, perhaps, doubtful; /* well before the limit, before it, about then */
    const struct hit *first, *last;       /* of those before it */
};

static struct sight look(const struct window *window, const struct hits *hits, nsec noise)
{
    struct sight sight = {0};
    noise = window->bounded ? noise : 0;
    for (size_t i = 0; i < hits->count; i++) {
        const struct hit *hit = &hits->list[i];
        if (hit->at < window->from || hit->at > nsec_add(window->to, noise))
            continue;
        if (hit->doubtful) {
            sight.doubtful++;
            continue;
        }
        sight.perhaps++;
        if (hit->at > window->to)
            continue;
        sight.in++;
        sight.sure += hit->at <= window->to - noise;
        sight.first = sight.first ? sight.first : hit;
        sight.last = hit;
    }
    return sight;
}

/* Of all times of all clients. */
struct tale {
    struct own_view *view;
    void (*find)(const struct own_view *, struct hits *);
    const char *noun, *plural, *verb; /* "message", "messages", "sent" */
    uint64_t least, most;
    size_t windows, held, failed, open, absent;
    int first_absent;
    nsec slowest;         /* of those that held */
    uint64_t most_seen;   /* in one of those */
    uint64_t from, to;    /* what they cite */
    struct finding *fail; /* the first */
};

static void add_who(const struct tale *tale, struct text *out)
{
    const struct own_view *view = tale->view;
    bool several = view->trace->start->clients > 1 || view->client > 0;
    if (view->side == SIDE_SERVER)
        text_add(out, "the server");
    else if (!several)
        text_add(out, "the client");
    if (several && view->side == SIDE_SERVER)
        text_addf(out, " of client %d", view->client);
    else if (several)
        text_addf(out, "client %d", view->client);
}

/* "no message matching 'x'", "a Close with 1002", "3 attempts". */
static void add_number(const struct tale *tale, uint64_t count, struct text *out)
{
    const struct assertion *asked = tale->view->assertion;
    if (count <= 1)
        text_addf(out, "%s %s",
                  count == 0                  ? "no"
                  : strchr("ae", *tale->noun) ? "an"
                                              : "a",
                  tale->noun);
    else
        text_addf(out, "%llu %s", (unsigned long long)count, tale->plural);
    if (asked->match)
        text_addf(out, " matching '%s'", pattern_written(asked->match));
    if (asked->code > 0 && asked->code != CODE_ABNORMAL)
        text_addf(out, " with %llu", (unsigned long long)asked->code);
    if (asked->reason)
        text_addf(out, " of a reason matching '%s'", pattern_written(asked->reason));
}

static void add_time(const struct tale *tale, const struct window *window, struct text *out)
{
    const struct assertion *asked = tale->view->assertion;
    if (asked->within > 0) {
        text_add(out, " within ");
        units_add_duration(out, asked->within);
    }
    own_add_moment(asked, out);
    if (asked->after && *asked->after)
        text_addf(out, " at %.3f s", nsec_to_seconds(window->from));
}

static void add_asked(const struct tale *tale, struct text *out)
{
    if (tale->least == tale->most)
        text_addf(out, "%llu", (unsigned long long)tale->least);
    else if (tale->most != OWN_UNBOUNDED)
        text_addf(out, "at most %llu", (unsigned long long)tale->most);
    else
        text_addf(out, "at least %llu", (unsigned long long)tale->least);
}

static void add_values(const struct tale *tale, uint64_t count, struct finding *finding)
{
    static const struct {
        const char *counted, *least, *most;
    } keys[] = {[OWN_MESSAGES] = {"messages", "messages_min", "messages_max"},
                [OWN_CLOSES] = {"closes", "closes_min", "closes_max"},
                [OWN_ATTEMPTS] = {"attempts", "attempts_min", "attempts_max"}};
    enum own_counted counted = tale->view->counted;
    finding_measured(finding, keys[counted].counted, (double)count);
    if (tale->least > 0)
        finding_allowed(finding, keys[counted].least, (double)tale->least);
    if (tale->most != OWN_UNBOUNDED)
        finding_allowed(finding, keys[counted].most, (double)tale->most);
}

static uint64_t last_seq(const struct trace *trace, nsec at)
{
    uint64_t seq = 1;
    for (size_t i = 0; i < trace->count && trace->events[i].at <= at; i++)
        seq = trace->events[i].seq;
    return seq;
}

/* What was seen in one time, and what is asked of it. */
static struct text sentence(const struct tale *tale, const struct window *window, uint64_t count)
{
    struct text out;
    text_init(&out);
    add_who(tale, &out);
    text_addf(&out, " %s ", tale->verb);
    add_number(tale, count, &out);
    add_time(tale, window, &out);
    return out;
}

static void add_fix(const struct tale *tale, uint64_t count, struct finding *finding)
{
    const struct assertion *asked = tale->view->assertion;
    const char *who = tale->view->side == SIDE_SERVER ? "server" : "client";
    const char *limit = asked->within > 0 ? ", or ask for it within a longer time" : "";
    if (count > tale->most)
        finding_fix(finding,
                    "find what makes the %s do it, at the event that is cited; or correct "
                    "the assertion in the scenario",
                    who);
    else
        finding_fix(finding, "let the %s do it%s; if it does already, correct the assertion%s", who,
                    limit,
                    asked->match ? ", whose pattern has to fit the message as it is sent, spaces "
                                   "included, within its first 4 KiB"
                                 : "");
}

static void fail(struct tale *tale, const struct window *window, const struct sight *sight,
                 uint64_t count, struct findings *out)
{
    if (tale->failed++ > 0)
        return;
    struct text words = sentence(tale, window, count);
    text_add(&words, tale->most == 0 ? ", and is never to" : ", and ");
    if (tale->most != 0) {
        add_asked(tale, &words);
        bool several = (tale->least > count ? tale->least : tale->most) != 1;
        text_add(&words, several ? " are" : " is");
        text_add(&words, tale->least > count ? " asked for" : " allowed");
    }
    tale->fail = finding_add(out, FAIL, "%s", text_chars(&words));
    add_values(tale, count, tale->fail);
    add_fix(tale, count, tale->fail);
    finding_evidence(tale->fail, window->seq,
                     count > tale->most ? sight->last->seq
                                        : last_seq(tale->view->trace, window->to));
    text_fini(&words);
}

static void leave_open(struct tale *tale, const struct window *window, const char *why,
                       struct findings *out)
{
    if (tale->open++ > 0)
        return;
    struct text words;
    text_init(&words);
    text_add(&words, "not seen to the end: ");
    text_add(&words, why);
    text_add(&words, " while ");
    add_who(tale, &words);
    text_add(&words, " was watched");
    add_time(tale, window, &words);
    struct finding *finding = finding_add(out, INCONCLUSIVE, "%s", text_chars(&words));
    finding_evidence(finding, window->seq, last_seq(tale->view->trace, window->seen));
    text_fini(&words);
}

static void hold(struct tale *tale, const struct window *window, const struct sight *sight)
{
    tale->held++;
    tale->most_seen = sight->in > tale->most_seen ? sight->in : tale->most_seen;
    if (sight->first)
        tale->slowest = nsec_max(tale->slowest, sight->first->at - window->from);
    tale->from = tale->from == 0 || window->seq < tale->from ? window->seq : tale->from;
    uint64_t to = sight->last ? sight->last->seq : last_seq(tale->view->trace, window->to);
    tale->to = to > tale->to ? to : tale->to;
}

#define NEAR  "the limit is nearer than the run could be timed"
#define START "only the first 4 KiB of a message could be looked at"

/* Why it cannot be told that there was no more than was seen; NULL: it can. */
static const char *doubt_of_more(const struct tale *tale, const struct window *window,
                                 const struct sight *sight)
{
    if (sight->in > tale->most)
        return NEAR;
    if (sight->doubtful > 0)
        return START;
    if (window->blind)
        return window->blind;
    bool cut = !window->bounded && trace_ending(tale->view->trace) != ENDING_REGULAR &&
               window->to >= tale->view->end;
    return cut ? "the run ended early" : NULL;
}

static void judge(struct tale *tale, const struct window *window, const struct hits *hits,
                  struct findings *out)
{
    struct sight sight = look(window, hits, tale->view->trace->noise);
    bool enough = sight.in >= tale->least;
    const char *doubt = NULL;
    tale->windows++;
    if (sight.sure > tale->most) {
        fail(tale, window, &sight, sight.in, out);
        return;
    }
    if (!enough && sight.perhaps >= tale->least)
        doubt = NEAR;
    else if (!enough || tale->most != OWN_UNBOUNDED)
        doubt = doubt_of_more(tale, window, &sight);
    if (!enough && !doubt && window->cut < window->to)
        doubt = window->cut_by;
    if (doubt)
        leave_open(tale, window, doubt, out);
    else if (!enough)
        fail(tale, window, &sight, sight.in, out);
    else
        hold(tale, window, &sight);
}

/* --- All of them --- */

static void say_held(const struct tale *tale, struct findings *out)
{
    const struct own_view *view = tale->view;
    struct text words;
    text_init(&words);
    if (tale->most_seen == 0)
        text_addf(&words, "no %s", tale->noun);
    else
        text_addf(&words, "%s%llu %s", tale->held > 1 ? "up to " : "",
                  (unsigned long long)tale->most_seen,
                  tale->most_seen == 1 ? tale->noun : tale->plural);
    if (view->assertion->match)
        text_addf(&words, " matching '%s'", pattern_written(view->assertion->match));
    else if (view->assertion->code > 0 && view->assertion->code != CODE_ABNORMAL)
        text_addf(&words, " with %llu", (unsigned long long)view->assertion->code);
    own_add_moment(view->assertion, &words);
    if (tale->windows > 1)
        text_addf(&words, ", %zu times out of %zu", tale->held, tale->windows);
    if (tale->least > 0 && tale->slowest > 0 && tale->most_seen > 0) {
        text_add(&words, ", the first after at most ");
        units_add_duration(&words, tale->slowest);
        if (view->assertion->within > 0) {
            text_add(&words, " of ");
            units_add_duration(&words, view->assertion->within);
        }
    }
    text_add(&words, "; ");
    if (tale->most > 0)
        add_asked(tale, &words);
    bool allows = tale->most < OWN_UNBOUNDED && tale->least < tale->most;
    text_add(&words, tale->most == 0 ? "none is allowed" : allows ? " allowed" : " asked for");
    struct finding *finding = finding_add(out, PASS, "%s", text_chars(&words));
    add_values(tale, tale->most_seen, finding);
    if (view->assertion->within > 0 && tale->least > 0) {
        finding_measured(finding, "delay_s", nsec_to_seconds(tale->slowest));
        finding_allowed(finding, "delay_s_max", nsec_to_seconds(view->assertion->within));
    }
    finding_evidence(finding, tale->from, tale->to);
    text_fini(&words);
}

static void say_absent(const struct own_view *view, int client, struct findings *out)
{
    struct text moment;
    text_init(&moment);
    own_add_moment(view->assertion, &moment);
    if (client < 0)
        (void)finding_add(out, INCONCLUSIVE, "there was no moment%s: it never came",
                          text_chars(&moment));
    else
        (void)finding_add(out, INCONCLUSIVE, "for client %d there was no moment%s: it never came",
                          client, text_chars(&moment));
    text_fini(&moment);
}

/* halfopen's own endpoint is not what the scenario asserts something about. */
static bool is_builtin(const struct own_view *view)
{
    for (size_t i = 0; i < view->trace->count; i++) {
        const struct event *ev = &view->trace->events[i];
        if (ev->side == view->side && ev->by == BY_BUILTIN)
            return true;
    }
    return false;
}

static void judge_client(struct tale *tale, struct findings *out)
{
    struct windows windows;
    struct hits hits = {0};
    own_windows(tale->view, &windows);
    tale->find(tale->view, &hits);
    for (size_t i = 0; i < windows.count; i++)
        judge(tale, &windows.list[i], &hits, out);
    if (windows.count == 0 && !own_is_passing(tale->view) && tale->absent++ == 0)
        tale->first_absent = tale->view->client;
    own_windows_fini(&windows);
    free(hits.list);
}

static void judge_clients(struct tale *tale, struct findings *out)
{
    const struct trace *trace = tale->view->trace;
    size_t clients = trace_clients(trace);
    clients = clients > trace->start->clients ? clients : trace->start->clients;
    for (size_t client = 0; client < clients; client++) {
        tale->view->client = (int)client;
        judge_client(tale, out);
    }
    if (tale->absent > 0 || tale->windows == 0)
        say_absent(tale->view, clients > 1 && tale->windows > 0 ? tale->first_absent : -1, out);
    if (tale->failed > 1)
        finding_measured(tale->fail, "failed_times", (double)tale->failed);
    if (tale->held > 0)
        say_held(tale, out);
}

static void check(const struct trace *trace, const struct assertion *assertion,
                  enum own_counted counted, struct tale tale, struct findings *out)
{
    struct attempts attempts;
    const struct event *last = trace_last_counting(trace);
    struct own_view view = {.trace = trace,
                            .assertion = assertion,
                            .attempts = &attempts,
                            .side = assertion->from == 0 ? SIDE_CLIENT : SIDE_SERVER,
                            .counted = counted,
                            .end = last ? last->at : 0};
    tale.view = &view;
    tale.least = assertion_least(assertion);
    tale.most = assertion_most(assertion);
    if (is_builtin(&view)) {
        (void)finding_add(out, NOT_APPLICABLE, "the %s is halfopen's own and not under test",
                          side_name(view.side));
        return;
    }
    attempts_of_all(trace, &attempts);
    judge_clients(&tale, out);
    attempts_fini(&attempts);
}

void own_check_messages(const struct trace *trace, const void *assertion, struct findings *out)
{
    check(trace, assertion, OWN_MESSAGES,
          (struct tale){
              .find = find_messages, .noun = "message", .plural = "messages", .verb = "sent"},
          out);
}

void own_check_closes(const struct trace *trace, const void *assertion, struct findings *out)
{
    struct tale tale = {.find = find_closes, .noun = "Close", .plural = "Closes", .verb = "sent"};
    if (((const struct assertion *)assertion)->code == CODE_ABNORMAL) {
        tale.noun = "end without a Close";
        tale.plural = "ends without a Close";
        tale.verb = "made";
    }
    check(trace, assertion, OWN_CLOSES, tale, out);
}

void own_check_attempts(const struct trace *trace, const void *assertion, struct findings *out)
{
    check(trace, assertion, OWN_ATTEMPTS,
          (struct tale){
              .find = find_attempts, .noun = "attempt", .plural = "attempts", .verb = "made"},
          out);
}
