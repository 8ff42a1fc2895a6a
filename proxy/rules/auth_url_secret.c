/* auth.url_secret: the address of the handshake carries no credential that can be used again. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/rule.h"

/* One credential as it was seen: of the same place and name on all attempts of all clients. */
struct secret {
    const char *place, *name;
    size_t clients, requests; /* that carried it */
    size_t values;            /* different ones of one client, over all clients */
    bool jwt;                 /* some value of it is a JWT */
    bool again;               /* a client used one value on two connections */
    bool again_jwt;           /* and that is a JWT */
    bool again_elsewhere;     /* and that also authenticates in a header or a message */
    uint64_t from, to;
};

/* Credentials in the addresses of clients under test; the events are borrowed. */
struct uses {
    const struct event **list;
    size_t count;
};

static bool in_address(const struct event *ev)
{
    const char *place = ev->http_credential.place;
    return strcmp(place, "query") == 0 || strcmp(place, "path") == 0 ||
           strcmp(place, "protocol") == 0;
}

static bool is_jwt(const struct event *use)
{
    return strcmp(use->http_credential.shape, "jwt") == 0;
}

static int by_place_and_name(const struct event *a, const struct event *b)
{
    int places = strcmp(a->http_credential.place, b->http_credential.place);
    return places != 0 ? places : strcmp(a->http_credential.name, b->http_credential.name);
}

/* Those of one place and name together, then those of one client, then those of one value. */
static int by_secret(const void *a, const void *b)
{
    const struct event *x = *(const struct event *const *)a, *y = *(const struct event *const *)b;
    int order = by_place_and_name(x, y);
    if (order == 0)
        order = (x->client > y->client) - (x->client < y->client);
    if (order == 0)
        order = strcmp(x->http_credential.hash, y->http_credential.hash);
    return order != 0 ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

static struct uses uses_of(const struct trace *trace)
{
    const struct event *ev;
    struct uses uses = {.list = xcalloc(trace->count + 1, sizeof *uses.list)};
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_HTTP_CREDENTIAL));)
        if (ev->by == BY_ENDPOINT && in_address(ev))
            uses.list[uses.count++] = ev;
    qsort(uses.list, uses.count, sizeof *uses.list, by_secret);
    return uses;
}

/* A cookie may hold any word, a language or a page; then that a key of the URL holds it too says
 * nothing. */
static bool authenticates(const struct event *ev)
{
    return strcmp(ev->http_credential.place, "authorization") == 0 || ev->http_credential.listed ||
           strcmp(ev->http_credential.shape, "word") != 0;
}

static bool is_used_elsewhere(const struct trace *trace, const char *hash)
{
    const struct event *ev;
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_HTTP_CREDENTIAL));)
        if (ev->by == BY_ENDPOINT && !in_address(ev) && authenticates(ev) &&
            strcmp(ev->http_credential.hash, hash) == 0)
            return true;
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_WS_AUTH));)
        if (ev->by == BY_ENDPOINT && strcmp(ev->ws_auth.hash, hash) == 0)
            return true;
    return false;
}

static void add_use(const struct event *use, bool of_new_client, struct secret *secret)
{
    secret->clients += of_new_client;
    secret->requests++;
    secret->jwt = secret->jwt || is_jwt(use);
    secret->from = secret->from == 0 || use->seq < secret->from ? use->seq : secret->from;
    secret->to = use->seq > secret->to ? use->seq : secret->to;
}

/* One value of one client, from index *i on, which is left behind it. */
static void add_value(const struct trace *trace, const struct uses *uses, size_t *i,
                      struct secret *secret)
{
    const struct event *first = uses->list[*i];
    bool of_new_client = *i == 0 || by_place_and_name(uses->list[*i - 1], first) != 0 ||
                         uses->list[*i - 1]->client != first->client;
    bool again = false;
    secret->values++;
    for (; *i < uses->count; ++*i) {
        const struct event *use = uses->list[*i];
        if (by_place_and_name(use, first) != 0 || use->client != first->client ||
            strcmp(use->http_credential.hash, first->http_credential.hash) != 0)
            break;
        add_use(use, of_new_client && use == first, secret);
        again = again || use->conn != first->conn;
    }
    secret->again = secret->again || again;
    secret->again_jwt = secret->again_jwt || (again && is_jwt(first));
    if (again && !secret->again_elsewhere)
        secret->again_elsewhere = is_used_elsewhere(trace, first->http_credential.hash);
}

/* All of one place and name, from index *i on, which is left behind them. */
static struct secret gather(const struct trace *trace, const struct uses *uses, size_t *i)
{
    const struct event *first = uses->list[*i];
    struct secret secret = {.place = first->http_credential.place,
                            .name = first->http_credential.name};
    while (*i < uses->count && by_place_and_name(first, uses->list[*i]) == 0)
        add_value(trace, uses, i, &secret);
    return secret;
}

/* --- Sentences --- */

static void add_where(const struct secret *secret, struct text *out)
{
    if (strcmp(secret->place, "query") == 0)
        text_addf(out, "in '%s' of the URL's query", secret->name);
    else if (strcmp(secret->place, "path") == 0)
        text_add(out, "in the URL's path");
    else
        text_add(out, "in Sec-WebSocket-Protocol");
}

static enum verdict verdict_of(const struct secret *secret)
{
    bool smuggled = strcmp(secret->place, "protocol") == 0;
    if (secret->again)
        return (secret->again_jwt || secret->again_elsewhere) && !smuggled ? FAIL : WARN;
    return secret->values > secret->clients || smuggled ? WARN : INCONCLUSIVE;
}

static void add_sentence(const struct secret *secret, struct text *out)
{
    text_addf(out, "%s stands ", secret->jwt ? "a token (JWT)" : "what looks like a credential");
    add_where(secret, out);
    if (secret->again)
        text_addf(out, ", the same value on several attempts of a client (%zu requests)",
                  secret->requests);
    else if (secret->values > secret->clients)
        text_addf(out, ", another value on each of %zu attempts, as of a ticket for one use",
                  secret->values);
    else
        text_add(out, "; whether it can be used again takes a second attempt of the client");
    if (secret->again_elsewhere && !secret->again_jwt)
        text_add(out, "; it is also what the client authenticates with elsewhere");
}

static void report(const struct secret *secret, struct findings *out)
{
    struct text text;
    enum verdict verdict = verdict_of(secret);
    text_init(&text);
    add_sentence(secret, &text);
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "requests", (double)secret->requests);
    finding_allowed(finding, "requests", 0);
    finding_evidence(finding, secret->from, secret->to);
    if (verdict == INCONCLUSIVE)
        return;
    finding_fix(finding,
                "URLs end up in access logs: authenticate by a cookie, an Authorization header "
                "or the first message, or by a ticket that works once and for seconds; what is "
                "public by design belongs under auth.public in the target file");
}

static size_t count_requests(const struct trace *trace, uint64_t *from, uint64_t *to)
{
    size_t count = 0;
    const struct event *ev;
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_HTTP_REQUEST));) {
        if (ev->by != BY_ENDPOINT || !ev->http_request.counts)
            continue;
        *from = count++ == 0 ? ev->seq : *from;
        *to = ev->seq;
    }
    return count;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    uint64_t from = 0, to = 0;
    size_t requests = count_requests(trace, &from, &to);
    (void)config;
    if (requests == 0) {
        (void)finding_add(out, NOT_APPLICABLE, "no client under test made an attempt");
        return;
    }
    struct uses uses = uses_of(trace);
    for (size_t i = 0; i < uses.count;) {
        struct secret secret = gather(trace, &uses, &i);
        report(&secret, out);
    }
    free(uses.list);
    if (out->first)
        return;
    struct finding *finding = finding_add(out, PASS, "no credential in the address of %zu %s",
                                          requests, requests == 1 ? "request" : "requests");
    finding_measured(finding, "requests", 0);
    finding_allowed(finding, "requests", 0);
    finding_evidence(finding, from, to);
}

const struct rule_desc auth_url_secret_rule = {
    .name = "auth.url_secret",
    .id = "AUTH-01",
    .title = "No long-lived secret in the URL",
    .brief = "the address of the handshake carries no reusable credential",
    .doc =
        "Nothing has to be provoked but a second attempt. Observed are the query, the path and "
        "Sec-WebSocket-Protocol of every request that asks for the WebSocket: keys such as token, "
        "access_token, auth, jwt, key, session, sid or ticket, tokens by their form (JWT), and values of "
        "20 characters or more that look random; UUIDs are taken for identifiers. Nothing of them is "
        "kept but a hash. No such value passes. A JWT that comes again on another attempt, or a value that "
        "is also in a cookie or in the message that authenticates, fails: whoever reads an access log can "
        "use it. A value that comes again and is suspicious by its name or look only is a warning, "
        "since keys may be public by design (name them under auth.public of the target file); so is a "
        "value that is another each time, and a credential that travels as a subprotocol. To mend a "
        "failure authenticate by cookie, header or first message, or by a ticket for one use.",
    .source = "RFC 6455 10.5",
    .example = "auth.url_secret",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(HTTP_REQUEST),
    .check = check,
};
