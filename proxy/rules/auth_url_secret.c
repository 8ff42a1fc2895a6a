/* auth.url_secret: the address of the handshake carries no credential that can be used again. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/rule.h"

/* One credential as it was seen: of the same place and name on all attempts of all clients. */
struct secret {
    const char *place, *name;
    size_t clients, requests; /* that carried it */
    bool again;               /* a client used one value on two connections */
    bool jwt, elsewhere;      /* a JWT; the value is also in a cookie or an auth message */
    uint64_t from, to;
};

static bool is_ours(const struct event *ev)
{
    return ev->by != BY_ENDPOINT;
}

static bool same_secret(const struct event *a, const struct event *b)
{
    return strcmp(a->http_credential.place, b->http_credential.place) == 0 &&
           strcmp(a->http_credential.name, b->http_credential.name) == 0;
}

static bool in_address(const struct event *ev)
{
    const char *place = ev->http_credential.place;
    return strcmp(place, "query") == 0 || strcmp(place, "path") == 0 ||
           strcmp(place, "protocol") == 0;
}

static const struct event *next_credential(const struct trace *trace, size_t *i)
{
    const struct event *ev;
    while ((ev = trace_next(trace, i, EV_HTTP_CREDENTIAL)) && is_ours(ev))
        ;
    return ev;
}

/* The value stands where nobody would put what is not secret. */
static bool is_used_elsewhere(const struct trace *trace, const char *hash)
{
    const struct event *ev;
    for (size_t i = 0; (ev = next_credential(trace, &i));)
        if (!in_address(ev) && strcmp(ev->http_credential.hash, hash) == 0)
            return true;
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_WS_AUTH));)
        if (ev->by == BY_ENDPOINT && strcmp(ev->ws_auth.hash, hash) == 0)
            return true;
    return false;
}

static void add_use(const struct trace *trace, const struct event *use, struct secret *secret)
{
    const struct event *ev;
    bool known_client = false;
    for (size_t i = 0; (ev = next_credential(trace, &i)) && ev != use;) {
        if (!same_secret(ev, use) || ev->client != use->client)
            continue;
        known_client = true;
        secret->again =
            secret->again || (ev->conn != use->conn &&
                              strcmp(ev->http_credential.hash, use->http_credential.hash) == 0);
    }
    secret->clients += !known_client;
    secret->requests++;
    secret->jwt = secret->jwt || strcmp(use->http_credential.shape, "jwt") == 0;
    secret->elsewhere = secret->elsewhere || is_used_elsewhere(trace, use->http_credential.hash);
    secret->from = secret->from ? secret->from : use->seq;
    secret->to = use->seq;
}

static struct secret gather(const struct trace *trace, const struct event *first)
{
    struct secret secret = {.place = first->http_credential.place,
                            .name = first->http_credential.name};
    const struct event *ev;
    for (size_t i = 0; (ev = next_credential(trace, &i));)
        if (same_secret(ev, first))
            add_use(trace, ev, &secret);
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
        return (secret->jwt || secret->elsewhere) && !smuggled ? FAIL : WARN;
    return secret->requests > secret->clients || smuggled ? WARN : INCONCLUSIVE;
}

static void add_sentence(const struct secret *secret, struct text *out)
{
    text_addf(out, "%s stands ", secret->jwt ? "a token (JWT)" : "what looks like a credential");
    add_where(secret, out);
    if (secret->again)
        text_addf(out, ", the same value on several attempts of a client (%zu requests)",
                  secret->requests);
    else if (secret->requests > secret->clients)
        text_addf(out, ", another value on each of %zu attempts, as of a ticket for one use",
                  secret->requests);
    else
        text_add(out, "; whether it can be used again takes a second attempt of the client");
    if (secret->again && !secret->jwt && secret->elsewhere)
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

static bool seen_before(const struct trace *trace, const struct event *credential)
{
    const struct event *ev;
    for (size_t i = 0; (ev = next_credential(trace, &i)) && ev != credential;)
        if (same_secret(ev, credential))
            return true;
    return false;
}

static size_t count_requests(const struct trace *trace, uint64_t *from, uint64_t *to)
{
    size_t count = 0;
    const struct event *ev;
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_HTTP_REQUEST));) {
        if (is_ours(ev) || !ev->http_request.counts)
            continue;
        *from = count++ == 0 ? ev->seq : *from;
        *to = ev->seq;
    }
    return count;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct event *ev;
    uint64_t from = 0, to = 0;
    size_t requests = count_requests(trace, &from, &to);
    (void)config;
    if (requests == 0) {
        (void)finding_add(out, NOT_APPLICABLE, "no client under test made an attempt");
        return;
    }
    for (size_t i = 0; (ev = next_credential(trace, &i));)
        if (in_address(ev) && !seen_before(trace, ev)) {
            struct secret secret = gather(trace, ev);
            report(&secret, out);
        }
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
