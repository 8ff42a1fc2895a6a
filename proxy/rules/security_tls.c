/* security.tls: a certificate that is not the server's ends the attempt before anything is said. */
#include <string.h>

#include "rules/lib/offence.h"

static const struct {
    const char *fault, *words;
} wrongs[] = {
    {"tls_untrusted", "by an authority nobody trusts"},
    {"tls_wrong_name", "for another name"},
    {"tls_expired", "that has expired"},
};

#define WRONGS (sizeof wrongs / sizeof *wrongs)

struct seen {
    size_t met[WRONGS], taken[WRONGS]; /* connections */
    uint64_t from, to;                 /* of all */
    uint64_t taken_from, taken_to;     /* of those in which the client went on */
    size_t unseen;
    bool trusts; /* a connection with a good certificate went well */
    bool builtin;
};

static bool is_spoiled(const struct event *ev, size_t *wrong)
{
    if (ev->kind != EV_FAULT_ACT || ev->conn == 0 || strcmp(ev->fault_act.verb, "tls") != 0)
        return false;
    for (*wrong = 0; *wrong < WRONGS; (*wrong)++)
        if (strcmp(wrongs[*wrong].fault, ev->fault_act.fault) == 0)
            return true;
    return false;
}

/* The request is what counts: with TLS 1.3 the handshake may be over before the client has looked
 * at the certificate. */
static bool is_request(const struct event *ev)
{
    return ev->kind == EV_HTTP_REQUEST && ev->side == SIDE_CLIENT && ev->by == BY_ENDPOINT;
}

static bool is_end(const struct event *ev)
{
    return ev->kind == EV_TLS_FAILED || ev->kind == EV_TCP_CLOSE || ev->kind == EV_CONN_END;
}

static void follow(const struct event *act, const struct event *last, size_t wrong,
                   struct seen *seen)
{
    const struct event *ev = act;
    while (ev < last && (ev->conn != act->conn || (!is_request(ev) && !is_end(ev))))
        ev++;
    bool here = ev->conn == act->conn;
    seen->from = seen->from ? seen->from : act->seq;
    seen->to = ev->seq;
    if (here && is_request(ev)) {
        seen->met[wrong]++;
        seen->taken[wrong]++;
        seen->taken_from = seen->taken_from ? seen->taken_from : act->seq;
        seen->taken_to = ev->seq;
    } else if (here && is_end(ev)) {
        seen->met[wrong]++;
    } else {
        seen->unseen++;
    }
}

static bool is_good(const struct trace *trace, const struct event *request)
{
    bool secure = false;
    size_t wrong;
    for (const struct event *ev = trace->events; ev < request; ev++) {
        if (ev->conn != request->conn)
            continue;
        if (is_spoiled(ev, &wrong))
            return false;
        secure = secure || (ev->kind == EV_TLS_OPEN && ev->side == SIDE_CLIENT);
    }
    return secure;
}

static struct seen look(const struct trace *trace)
{
    const struct event *last = offences_last_counting(trace);
    struct seen seen = {0};
    size_t wrong;
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        seen.builtin = seen.builtin || (ev->side == SIDE_CLIENT && ev->by == BY_BUILTIN);
        if (!seen.trusts && is_request(ev))
            seen.trusts = is_good(trace, ev);
        if (is_spoiled(ev, &wrong))
            follow(ev, last, wrong, &seen);
    }
    return seen;
}

static void add_wrongs(struct text *out, const size_t counts[WRONGS])
{
    size_t left = 0;
    for (size_t i = 0; i < WRONGS; i++)
        left += counts[i] > 0;
    for (size_t i = 0; i < WRONGS; i++) {
        if (counts[i] == 0)
            continue;
        text_addf(out, "%s%s", wrongs[i].words, left == 1 ? "" : left == 2 ? " and " : ", ");
        left--;
    }
}

static size_t sum(const size_t counts[WRONGS])
{
    size_t total = 0;
    for (size_t i = 0; i < WRONGS; i++)
        total += counts[i];
    return total;
}

static void report(const struct seen *seen, struct findings *out)
{
    size_t met = sum(seen->met), taken = sum(seen->taken);
    struct finding *finding;
    struct text text;
    text_init(&text);
    add_wrongs(&text, taken > 0 ? seen->taken : seen->met);
    if (taken > 0)
        finding =
            finding_add(out, FAIL,
                        "%zu of %zu connections went on with a certificate %s, and sent their "
                        "request to whoever showed it",
                        taken, met, text_chars(&text));
    else if (!seen->trusts)
        finding = finding_add(out, INCONCLUSIVE,
                              "the client refused certificates %s, but no good one was seen to be "
                              "accepted: does it trust halfopen's authority ($SSL_CERT_FILE)?",
                              text_chars(&text));
    else
        finding = finding_add(out, PASS,
                              "%zu connections with a certificate %s were given up before "
                              "anything was sent",
                              met, text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "accepted", (double)taken);
    finding_allowed(finding, "accepted", 0);
    finding_evidence(finding, taken > 0 ? seen->taken_from : seen->from,
                     taken > 0 ? seen->taken_to : seen->to);
    if (taken > 0)
        finding_fix(finding, "leave certificate verification on (no rejectUnauthorized: false, no "
                             "CERT_NONE), and give the client your own authority instead");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct seen seen = look(trace);
    (void)config;
    if (sum(seen.met) > 0)
        report(&seen, out);
    else if (seen.builtin)
        finding_own_client(out);
    else if (seen.unseen > 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "the run ended before the client had made up its mind "
                          "about a certificate");
    else
        (void)finding_add(out, INCONCLUSIVE,
                          "no connection met a wrong certificate; it takes a wss URL, "
                          "the faults tls_untrusted, tls_wrong_name or tls_expired, and a client "
                          "that connects anew meanwhile");
}

const struct rule_desc security_tls_rule = {
    .name = "security.tls",
    .id = "SEC-09",
    .title = "Certificates are verified",
    .brief = "a client sends nothing to whoever shows a wrong certificate",
    .doc =
        "Provoked by the faults tls_untrusted, tls_wrong_name and tls_expired, which greet new connections "
        "with a certificate by an unknown authority, for another name, or past its date. Observed is "
        "whether the client sends its request all the same: one request is a failure, since with it go "
        "cookies and tokens, to anybody who can redirect its packets. To count as refusing, a client has "
        "to have accepted the good certificate as well. A verification that was switched off for a test "
        "machine and never on again is the usual reason.",
    .source = "RFC 6455 4.1, 10.6",
    .example = "security.tls",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(FAULT_ON),
    .check = check,
};
