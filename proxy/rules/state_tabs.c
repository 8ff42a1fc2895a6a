/* state.tabs: the tabs of one browser share one connection. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/lib/connection.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

/* Open together so long: one that takes over from another is no second one. */
#define TOGETHER (5 * NSEC_PER_SEC)

/* How a client fared, in ascending weight. */
enum fate {
    NO_BROWSER,
    ONE_TAB, /* and nothing else tells that it has several */
    TABS_NOT_OPEN,
    NEVER_OPEN,
    SHARED,
    ONE_PER_TAB,
    SAME_SESSION, /* connections of one session of a browser, whatever was declared */
    FATES
};

static const enum verdict verdicts[FATES] = {
    [NO_BROWSER] = NOT_APPLICABLE, [ONE_TAB] = NOT_TESTED, [TABS_NOT_OPEN] = INCONCLUSIVE,
    [NEVER_OPEN] = INCONCLUSIVE,   [SHARED] = PASS,        [ONE_PER_TAB] = WARN,
    [SAME_SESSION] = WARN,
};

/* An open connection that lasted. */
struct stay {
    int client;
    nsec from, to;
    const char *target;  /* of its request; never NULL */
    const char *session; /* hash of what it signs in with; NULL: nothing. All borrowed. */
    bool browser;        /* a page of some origin, by what its request says */
    uint64_t begin, end;
};

struct stays {
    struct stay *list; /* by client, then from */
    size_t count;
};

struct view {
    uint64_t declared; /* tabs of each client's browser; 0: the client is none of ours */
    bool by_nature;    /* the policy says that the client is a page's script */
    struct stays stays;
};

/* --- What the trace shows --- */

static uint64_t declared_tabs(const struct trace *trace)
{
    json_t *root = json_loads(trace->start->target ? trace->start->target : "", 0, NULL);
    json_int_t tabs = json_integer_value(json_object_get(json_object_get(root, "browser"), "tabs"));
    json_decref(root);
    return tabs > 0 ? (uint64_t)tabs : 0;
}

static void note(struct stay *stay, const struct event *ev)
{
    if (ev->kind == EV_HTTP_REQUEST) {
        stay->target = ev->http_request.target;
        stay->browser = agent_is_browser(ev->http_request.agent) && *ev->http_request.origin;
    } else if (ev->kind == EV_HTTP_CREDENTIAL && !stay->session) {
        stay->session = ev->http_credential.hash;
    }
}

static struct stay stay_of(const struct trace *trace, const struct attempt *attempt, nsec end)
{
    const struct event *last = trace->events + trace->count;
    struct stay stay = {.client = attempt->client,
                        .from = attempt->opened,
                        .to = nsec_min(nsec_min(attempt->lost, attempt->noticed), end),
                        .target = "",
                        .begin = attempt->from,
                        .end = attempt->to};
    for (const struct event *ev = trace_at_seq(trace, attempt->from);
         ev && ev < last && ev->seq <= attempt->to && ev->at <= stay.from; ev++)
        if (ev->conn == attempt->conn)
            note(&stay, ev);
    return stay;
}

static void find_stays(const struct trace *trace, const struct endings *endings, struct stays *out)
{
    const struct event *last = trace_last_counting(trace);
    *out = (struct stays){.list = xcalloc(endings->count + 1, sizeof *out->list)};
    for (size_t i = 0; last && i < endings->count; i++) {
        const struct attempt *attempt = &endings->list[i].attempt;
        if (attempt->opened == NEVER)
            continue;
        struct stay stay = stay_of(trace, attempt, last->at);
        if (stay.to - stay.from >= TOGETHER)
            out->list[out->count++] = stay;
    }
}

/* The browser's own words about the client's tabs; NULL: it was not asked. */
static const struct event *tabs_of(const struct trace *trace, int client)
{
    const struct event *found = NULL;
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_BROWSER_TABS));)
        if (ev->client == client)
            found = ev;
    return found;
}

/* --- Connections side by side --- */

static bool same_path(const struct stay *a, const struct stay *b)
{
    size_t len = strcspn(a->target, "?");
    return len == strcspn(b->target, "?") && strncmp(a->target, b->target, len) == 0;
}

static bool is_beside(const struct stay *stay, nsec at)
{
    return stay->from <= at && stay->to >= at + TOGETHER;
}

static bool is_same_session(const struct stay *a, const struct stay *b)
{
    return a->browser && b->browser && a->session && b->session &&
           strcmp(a->session, b->session) == 0;
}

struct together {
    size_t most, of_session; /* connections to one path at a time: all, those of one session */
    uint64_t from, to;
};

static void count_beside(const struct stays *stays, size_t of, struct together *out)
{
    const struct stay *stay = &stays->list[of];
    size_t count = 0, session = 0;
    uint64_t to = stay->begin;
    for (size_t i = 0; i < stays->count; i++) {
        const struct stay *other = &stays->list[i];
        if (other->client != stay->client || !is_beside(other, stay->from) ||
            !same_path(stay, other))
            continue;
        count++;
        session += i == of || is_same_session(stay, other);
        to = other->begin > to ? other->begin : to;
    }
    out->of_session = session > out->of_session ? session : out->of_session;
    if (count <= out->most)
        return;
    out->most = count;
    out->from = stay->begin;
    out->to = to;
}

static struct together together_of(const struct stays *stays, int client)
{
    struct together together = {0};
    for (size_t i = 0; i < stays->count; i++)
        if (stays->list[i].client == client)
            count_beside(stays, i, &together);
    return together;
}

static bool says_browser(const struct stays *stays, int client)
{
    for (size_t i = 0; i < stays->count; i++)
        if (stays->list[i].client == client && stays->list[i].browser)
            return true;
    return false;
}

static enum fate fate_of(const struct trace *trace, const struct view *view, int client,
                         const struct together *together)
{
    const struct event *tabs = tabs_of(trace, client);
    if (view->declared <= 1) {
        bool browser = view->declared == 1 || view->by_nature || says_browser(&view->stays, client);
        if (together->of_session > 1)
            return SAME_SESSION;
        return browser ? ONE_TAB : NO_BROWSER;
    }
    if (together->most > 1)
        return ONE_PER_TAB;
    if (together->most == 0)
        return NEVER_OPEN;
    return tabs && tabs->browser_tabs.open > 1 ? SHARED : TABS_NOT_OPEN;
}

/* --- Sentences --- */

static void add_sentence(enum fate fate, uint64_t tabs, size_t most, struct text *out)
{
    switch (fate) {
    case SHARED:
        text_addf(out, " keeps one connection for the %llu tabs of its browser",
                  (unsigned long long)tabs);
        break;
    case ONE_PER_TAB:
        text_addf(out,
                  " keeps %zu connections to the same path at a time, for the %llu tabs of one "
                  "browser",
                  most, (unsigned long long)tabs);
        break;
    case SAME_SESSION:
        text_addf(out,
                  " keeps %zu connections to the same path at a time, of pages in a browser "
                  "that sign in with the same credential",
                  most);
        break;
    case TABS_NOT_OPEN:
        text_addf(out,
                  " kept one connection, and it is not known whether more than one of the %llu "
                  "tabs was open",
                  (unsigned long long)tabs);
        break;
    case NEVER_OPEN:
        text_add(out, " kept no connection open for 5 s");
        break;
    case ONE_TAB:
        text_add(out, " is a browser with one tab; open more, as in client: {browser: "
                      "\"http://localhost:5173/?ws={url}\", tabs: 2}");
        break;
    case NO_BROWSER:
        text_add(out,
                 " is no browser: neither the target file nor the profile nor its requests say "
                 "so");
        break;
    case FATES:
        break;
    }
}

static void report(struct findings *out, enum fate fate, const struct tally *tally, size_t of,
                   uint64_t tabs)
{
    struct text text;
    enum verdict verdict = verdicts[fate];
    size_t most = (size_t)tally->most; /* connections, counted as the tally counts */
    text_init(&text);
    tally_add_who(tally, of, &text);
    add_sentence(fate, tabs, most, &text);
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(&text));
    text_fini(&text);
    if (verdict != PASS && verdict != WARN)
        return;
    finding_measured(finding, "connections", (double)most);
    finding_allowed(finding, "connections", 1);
    finding_evidence(finding, tally->from, tally->to);
    if (verdict == WARN)
        finding_fix(finding,
                    "keep the connection in a SharedWorker, or let the tabs elect one that "
                    "keeps it (Web Locks) and tells the others (BroadcastChannel)");
}

static void judge(const struct trace *trace, const struct view *view, struct findings *out)
{
    struct tally tallies[FATES] = {{0}};
    size_t clients = trace_clients(trace);
    for (size_t i = 0; i < clients; i++) {
        struct together together = together_of(&view->stays, (int)i);
        enum fate fate = fate_of(trace, view, (int)i, &together);
        size_t most = fate == SAME_SESSION ? together.of_session : together.most;
        tally_add(&tallies[fate], (nsec)most, together.from, together.to);
    }
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (tallies[fate].count > 0)
            report(out, (enum fate)fate, &tallies[fate], clients, view->declared);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct view view = {.declared = declared_tabs(trace),
                        .by_nature = !trace->policy.can_ping && !trace->policy.sees_status};
    struct endings endings;
    (void)config;
    endings_of(trace, &endings);
    find_stays(trace, &endings, &view.stays);
    if (endings.count == 0 && endings.builtin)
        finding_own_client(out);
    else
        judge(trace, &view, out);
    free(view.stays.list);
    endings_fini(&endings);
}

const struct rule_desc state_tabs_rule = {
    .name = "state.tabs",
    .id = "STATE-04",
    .title = "One connection per browser",
    .brief = "the tabs of one browser share one connection",
    .doc =
        "Provoked by a page that is open in several tabs of one browser, which share a profile: "
        "client: {browser: \"http://localhost:5173/?ws={url}\", tabs: 2} in the target file. Observed is "
        "how many connections to one path the browser keeps open at a time, for 5 s or more, so that "
        "one tab may take over from another. One passes; more is a warning: each tab then costs the "
        "server a connection and its client a copy of the stream, and browsers limit how many there "
        "may be (Chromium: 255). Also without tabs that we opened, pages in a browser that sign in "
        "with the same credential on connections side by side are a warning. It never fails: tabs that "
        "stand alone are a choice. Not applicable to a client that is no browser. To mend it keep the "
        "connection in a SharedWorker, or elect a tab (Web Locks) that keeps it and tells the others "
        "(BroadcastChannel).",
    .source = "WHATWG HTML, Shared workers",
    .example = "state.tabs",
    .level = ADVICE,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(TCP_OPEN),
    .check = check,
};
