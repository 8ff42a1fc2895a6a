/* reconnect.fresh_address: when one address of a name is dead, the other is tried. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define CONNECTING (5 * NSEC_PER_SEC) /* for one address after the other (RFC 8305) */
/* A loss in the same turn as the address refuses may be told just before it. */
#define SAME_TURN (100 * NSEC_PER_MSEC)

struct config {
    nsec within, warn_within;
};

static const struct param params[] = {
    P_DURATION(config, within, .def = "", .min = "10ms", .max = "24h",
               .doc =
                   "how soon after the loss the other address has to be tried; left out: 5 s and "
                   "the policy's first_delay, or its backoff base with its jitter where that is "
                   "longer"),
    P_DURATION(config, warn_within, .def = "", .min = "10ms", .max = "24h",
               .doc =
                   "trying it later than that, or never, is a failure; left out: the policy's cap "
                   "with its jitter, and 5 s"),
    P_END,
};

struct limits {
    nsec pass, warn, noise;
};

/* One address of one client's name refuses for a while. */
struct refusal {
    int client;
    const char *family;
    nsec from, to; /* to: NEVER: to the end */
    bool other_known;
    uint64_t begin, end;
};

/* How a client fared, in ascending weight. */
enum fate {
    NOT_CUT,
    EXITED,
    TOO_SHORT,
    NOT_BACK,
    ONE_ADDRESS,
    IN_TIME,
    LATE,
    STUCK_TO_IPV4, /* which may be all that it was ever told of */
    STUCK,
    TOO_LATE,
    FATES
};

static const enum verdict verdicts[FATES] = {
    [NOT_CUT] = INCONCLUSIVE,
    [EXITED] = INCONCLUSIVE,
    [TOO_SHORT] = INCONCLUSIVE,
    [NOT_BACK] = INCONCLUSIVE,
    [ONE_ADDRESS] = NOT_TESTED,
    [IN_TIME] = PASS,
    [LATE] = WARN,
    [STUCK_TO_IPV4] = WARN,
    [STUCK] = FAIL,
    [TOO_LATE] = FAIL,
};

struct sight {
    enum fate fate;
    nsec took;
    uint64_t from, to;
};

static struct limits limits_of(const struct trace *trace, const struct config *cfg)
{
    const struct policy *policy = &trace->policy;
    double jitter = 1 + policy->backoff_jitter;
    nsec base = nsec_from_seconds(nsec_to_seconds(policy->backoff_base) * jitter);
    nsec cap = nsec_from_seconds(nsec_to_seconds(policy->backoff_cap) * jitter);
    struct limits limits = {.noise = 2 * trace->noise};
    limits.pass =
        cfg->within > 0 ? cfg->within : nsec_add(nsec_max(base, policy->first_delay), CONNECTING);
    limits.warn =
        nsec_max(cfg->warn_within > 0 ? cfg->warn_within : nsec_add(cap, CONNECTING), limits.pass);
    return limits;
}

/* --- One client and one refusal --- */

/* The event that ends what this one began; NULL: none does. */
static const struct event *end_of_refusal(const struct trace *trace, size_t i,
                                          const struct event *begun)
{
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_TCP_ADDRESS));)
        if (ev->client == begun->client && !ev->tcp_address.refused && !*ev->tcp_address.why_not &&
            strcmp(ev->tcp_address.family, begun->tcp_address.family) == 0)
            return ev;
    return NULL;
}

/* By which address the connection came that counts of this attempt. */
static bool came_by(const struct trace *trace, const struct attempt *attempt, const char *family)
{
    const struct event *end = trace->events + trace->count;
    for (const struct event *ev = trace_at_seq(trace, attempt->from);
         ev && ev < end && ev->seq <= attempt->to; ev++)
        if (ev->kind == EV_TCP_OPEN && ev->conn == attempt->conn)
            return strcmp(ev->tcp_open.family, family) == 0;
    return false;
}

static bool is_lost_to(const struct trace *trace, const struct ending *ending,
                       const struct refusal *refusal)
{
    return ending->attempt.client == refusal->client && ending->attempt.opened != NEVER &&
           ending->at != NEVER && ending->at >= refusal->from - SAME_TURN &&
           ending->at < refusal->to && came_by(trace, &ending->attempt, refusal->family);
}

static bool has_used_another(const struct trace *trace, const struct endings *endings, size_t until,
                             const struct refusal *refusal)
{
    for (size_t i = 0; i < until; i++)
        if (endings->list[i].attempt.client == refusal->client &&
            !came_by(trace, &endings->list[i].attempt, refusal->family))
            return true;
    return false;
}

static enum fate fate_of_wait(nsec took, const struct limits *limits)
{
    if (took <= nsec_add(limits->pass, limits->noise))
        return IN_TIME;
    return took <= nsec_add(limits->warn, limits->noise) ? LATE : TOO_LATE;
}

/* It came by the refused address as soon as that answered, and by no other before. */
static enum fate fate_of_faithful(const struct sight *sight, const struct refusal *refusal,
                                  bool used_another, const struct limits *limits)
{
    if (!used_another && !refusal->other_known)
        return ONE_ADDRESS;
    if (sight->took <= nsec_add(limits->warn, limits->noise))
        return TOO_SHORT;
    return used_another || strcmp(refusal->family, "ipv6") == 0 ? STUCK : STUCK_TO_IPV4;
}

static struct sight sight_after(const struct trace *trace, const struct endings *endings,
                                size_t lost, const struct refusal *refusal,
                                const struct limits *limits)
{
    const struct event *last = trace_last_counting(trace);
    const struct ending *loss = &endings->list[lost];
    nsec until = refusal->to == NEVER && last ? last->at : refusal->to;
    struct sight sight = {.fate = NOT_BACK, .from = refusal->begin, .to = refusal->end};
    sight.took = until - loss->at;
    for (size_t i = lost + 1; i < endings->count; i++) {
        const struct attempt *attempt = &endings->list[i].attempt;
        if (attempt->client != refusal->client)
            break;
        if (attempt->start < loss->at)
            continue;
        sight.to = attempt->to;
        if (!came_by(trace, attempt, refusal->family)) {
            sight.took = attempt->start - loss->at;
            sight.fate = fate_of_wait(sight.took, limits);
        } else if (attempt->start >= refusal->to) {
            sight.fate = fate_of_faithful(&sight, refusal,
                                          has_used_another(trace, endings, lost, refusal), limits);
        } else {
            sight.fate = NOT_CUT; /* it was let in before the address refused */
        }
        return sight;
    }
    if (loss->exit)
        sight.fate = EXITED;
    else if (sight.took <= nsec_add(limits->warn, limits->noise))
        sight.fate = TOO_SHORT;
    return sight;
}

static struct sight sight_of(const struct trace *trace, const struct endings *endings,
                             const struct refusal *refusal, const struct limits *limits)
{
    for (size_t i = 0; i < endings->count; i++)
        if (is_lost_to(trace, &endings->list[i], refusal))
            return sight_after(trace, endings, i, refusal, limits);
    return (struct sight){.fate = NOT_CUT};
}

/* --- Sentences --- */

static void add_seconds(struct text *out, const char *before, nsec limit)
{
    text_add(out, before);
    units_add_duration(out, limit);
}

static void add_sentence(enum fate fate, const struct tally *tally, const struct limits *limits,
                         struct text *out)
{
    switch (fate) {
    case IN_TIME:
    case LATE:
    case TOO_LATE:
        text_add(out, fate == IN_TIME ? " came by the other address of the name "
                                      : " came by the other address of the name only ");
        tally_add_range(tally, out);
        add_seconds(out, " after the one in use was dead; allowed ", limits->pass);
        break;
    case STUCK:
    case STUCK_TO_IPV4:
        text_add(out, " never tried the other address of the name in the ");
        tally_add_range(tally, out);
        text_add(out, " that the one in use refused, and came back by that");
        if (fate == STUCK_TO_IPV4)
            text_add(out, ", which is 127.0.0.1 and perhaps all that it asks for");
        add_seconds(out, "; the other is to be tried within ", limits->pass);
        break;
    case ONE_ADDRESS:
        text_add(out, " came by one address only, and the resolver of this machine gives no other "
                      "for localhost; a line '::1 localhost' in /etc/hosts adds one");
        break;
    case NOT_BACK:
        text_add(out, " did not come back at all, by neither address; reconnect.recovery_time is "
                      "about that");
        break;
    case TOO_SHORT:
        text_add(out, " had not come by the other address in the ");
        tally_add_range(tally, out);
        add_seconds(out, " that the one in use refused; more than ", limits->warn);
        text_add(out, " would tell");
        break;
    case EXITED:
        text_add(out, " had ended its process; whether something starts it again is not seen here");
        break;
    case NOT_CUT:
    case FATES:
        break;
    }
}

static void report(struct findings *out, enum fate fate, const struct tally *tally, size_t of,
                   const struct limits *limits)
{
    struct text text;
    text_init(&text);
    tally_add_who(tally, of, &text);
    add_sentence(fate, tally, limits, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "other_address_s", nsec_to_seconds(tally->most));
    finding_allowed(finding, "other_address_s", nsec_to_seconds(limits->pass));
    finding_evidence(finding, tally->from, tally->to);
    if (verdicts[fate] == WARN || verdicts[fate] == FAIL)
        finding_fix(finding,
                    "resolve the name anew for each attempt and try all addresses that it has, one "
                    "after the other or with a short head start (RFC 8305), before the attempt "
                    "counts as failed");
}

/* Nothing was refused, and why. */
static bool report_lack(const struct trace *trace, struct findings *out)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_TCP_ADDRESS));) {
        const char *why = ev->tcp_address.why_not;
        if (!*why)
            continue;
        if (strcmp(why, "no name") == 0)
            (void)finding_add(out, NOT_TESTED,
                              "the client was given an address, which has no other; write address: "
                              "localhost into the scenario");
        else if (strcmp(why, "no ipv6") == 0)
            (void)finding_add(out, NOT_TESTED,
                              "this machine has no ::1, so that localhost has one address only");
        else
            (void)finding_add(out, INCONCLUSIVE, "no address could be made to refuse: %s", why);
        return true;
    }
    return false;
}

/* --- All --- */

static struct sight *sights_of(const struct trace *trace, const struct endings *endings,
                               const struct limits *limits, size_t clients)
{
    struct sight *worst = xcalloc(clients + 1, sizeof *worst);
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_TCP_ADDRESS));) {
        if (!ev->tcp_address.refused || ev->client < 0)
            continue;
        const struct event *end = end_of_refusal(trace, i, ev);
        struct refusal refusal = {.client = ev->client,
                                  .family = ev->tcp_address.family,
                                  .from = ev->at,
                                  .to = end ? end->at : NEVER,
                                  .other_known = ev->tcp_address.other_known,
                                  .begin = ev->seq,
                                  .end = end ? end->seq : ev->seq};
        struct sight sight = sight_of(trace, endings, &refusal, limits);
        if (sight.fate >= worst[ev->client].fate)
            worst[ev->client] = sight;
    }
    return worst;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct limits limits = limits_of(trace, config);
    struct tally tallies[FATES] = {{0}};
    struct endings endings;
    size_t clients = trace_clients(trace), judged = 0;
    endings_of(trace, &endings);
    struct sight *sights = sights_of(trace, &endings, &limits, clients);
    for (size_t i = 0; i < clients; i++)
        if (sights[i].fate != NOT_CUT) {
            tally_add(&tallies[sights[i].fate], sights[i].took, sights[i].from, sights[i].to);
            judged++;
        }
    for (int fate = FATES - 1; fate > NOT_CUT; fate--)
        if (tallies[fate].count > 0)
            report(out, (enum fate)fate, &tallies[fate], judged, &limits);
    if (!out->first && endings.count == 0 && endings.builtin)
        finding_own_client(out);
    else if (!out->first && !report_lack(trace, out))
        (void)finding_add(out, INCONCLUSIVE,
                          "no client lost a connection by an address that refused from then on");
    free(sights);
    endings_fini(&endings);
}

const struct rule_desc reconnect_fresh_address_rule = {
    .name = "reconnect.fresh_address",
    .id = "RECON-17",
    .title = "Fresh address on reconnect",
    .brief = "when one address of a name is dead, the other is tried",
    .doc =
        "Provoked by giving the client a name with two addresses (localhost: 127.0.0.1 and ::1), "
        "making the one that it uses refuse connects (address_down) and cutting its connection. "
        "Observed is when the client comes by the other address. Within 5 s and its first delay passes: "
        "the first delay is the policy's first_delay, or backoff.base x (1 + backoff.jitter) where that is "
        "longer, which makes 10 s by default. Later is a warning up to backoff.cap x (1 + backoff.jitter) "
        "+ 5 s, 50 s by default. Later than that, or never although it came back by the dead address as "
        "soon as that answered again, is a failure: the client keeps an address that it found once, and "
        "stays with a machine that is gone while another would serve it. Never is a warning only for a "
        "client that was seen by 127.0.0.1 alone, for it may know no IPv6. Not tested where the client "
        "was given an address, or the machine has no ::1. To mend a failure resolve the name for each "
        "attempt and try all its addresses before the attempt counts as failed.",
    .source = "RFC 8305",
    .example = "reconnect.fresh_address: {within: 10s}",
    .level = ADVICE,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(TCP_ADDRESS) | NEEDS(TCP_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};
