/* auth.expiry: a credential that has run out, or was revoked, is replaced. */
#include <string.h>

#include "base/units.h"
#include "rules/lib/refusals.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define GRACE (60 * NSEC_PER_SEC) /* RULES AUTH-06 */
#define SKEW  (5 * NSEC_PER_SEC)  /* between the clocks of who made a token and of who uses it */

struct config {
    nsec watch;
};

static const struct param params[] = {
    P_DURATION(config, watch, .def = "60s", .min = "1s", .max = "24h",
               .doc = "how long the client's attempts count after its credential was revoked"),
    P_END,
};

/* How a client fared with a credential that is over, the best first. */
enum fate {
    TOO_SHORT,
    UNSEEN,
    SEVERAL,
    HANDED,    /* its first token had expired already */
    UNENDED,   /* an expired one was kept, and the server is halfopen's own */
    ENDED,     /* refused, it stayed away */
    RENEWED,   /* refused or expired, the next connection had another */
    REFRESHED, /* it authenticated anew on the same connection */
    LIVES_ON,  /* a minute after the expiry nobody had done anything */
    ONCE,
    LOOPS,
    FATES
};

static const enum verdict verdicts[FATES] = {
    [TOO_SHORT] = INCONCLUSIVE,
    [UNSEEN] = INCONCLUSIVE,
    [SEVERAL] = INCONCLUSIVE,
    [HANDED] = INCONCLUSIVE,
    [UNENDED] = INCONCLUSIVE,
    [ENDED] = PASS,
    [RENEWED] = PASS,
    [REFRESHED] = PASS,
    [LIVES_ON] = WARN,
    [ONCE] = WARN,
    [LOOPS] = FAIL,
};

struct groups {
    struct tally
        tallies[FATES]; /* measure connections with a credential that is over, as seconds */
    size_t clients;
};

static void add(struct groups *groups, enum fate fate, size_t uses, uint64_t from, uint64_t to)
{
    tally_add(&groups->tallies[fate], (nsec)uses * NSEC_PER_SEC, from, to);
    groups->clients++;
}

/* --- Revoked: the client was refused --- */

static enum fate fate_of_refused(const struct refusal *refusal)
{
    const struct retrials *after = &refusal->after;
    if (!refusal->ending->alone)
        return SEVERAL;
    if (after->same > 1)
        return LOOPS;
    if (after->unseen > 0)
        return UNSEEN;
    if (!refusal->whole)
        return TOO_SHORT;
    if (after->same == 1)
        return ONCE;
    return after->renewed > 0 ? RENEWED : ENDED;
}

static void judge_refused(const struct refusals *refusals, struct groups *groups)
{
    for (size_t i = 0; i < refusals->count; i++) {
        const struct refusal *refusal = &refusals->list[i];
        add(groups, fate_of_refused(refusal), refusal->after.same, refusal->ending->from,
            refusal->after.to);
    }
}

/* --- Expired: a JWT says when --- */

/* When the last of the tokens of a connection expires, and how it stood when it was shown. */
struct validity {
    bool known;
    nsec until, shown; /* target time */
    bool refreshed;    /* a later message brought a token that lasts longer */
};

static void take(struct validity *validity, const struct event *ev, nsec until)
{
    if (validity->known && until <= validity->until)
        return;
    validity->refreshed = validity->known && ev->at > validity->shown;
    validity->known = true;
    validity->until = until;
    validity->shown = ev->at;
}

/* Beside a credential that does not say when it expires, one that does may be about something else.
 */
static struct validity validity_of(const struct credentials *all, uint32_t conn)
{
    struct validity validity = {.known = false};
    const struct event *ev = credentials_first(all, conn);
    for (; ev; ev = credentials_next(all, ev)) {
        nsec until;
        if (credential_expires(ev, &until))
            take(&validity, ev, until);
        else if (credential_is_certain(all, ev))
            return (struct validity){.known = false};
    }
    return validity;
}

static bool has_builtin_server(const struct trace *trace, uint32_t conn)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->events[i].conn == conn && trace->events[i].side == SIDE_SERVER &&
            trace->events[i].by == BY_BUILTIN)
            return true;
    return false;
}

struct life {
    size_t stale; /* connections that began with an expired token */
    bool handed;  /* the first of all was one */
    bool lives_on, unended, refreshed, renewed;
    bool expired; /* some token ran out while the run lasted */
    size_t shown; /* connections with a token that says when it expires */
    uint64_t from, to;
};

static void take_open(const struct trace *trace, const struct ending *ending,
                      const struct validity *validity, struct life *life)
{
    nsec over = nsec_add(validity->until, GRACE + trace->noise);
    nsec until = ending->at == NEVER ? ending->watched : ending->at;
    if (ending->attempt.opened == NEVER || validity->until < ending->attempt.opened || until < over)
        return;
    if (has_builtin_server(trace, ending->attempt.conn))
        life->unended = true;
    else
        life->lives_on = true;
}

static void take_connection(const struct trace *trace, const struct ending *ending,
                            const struct validity *validity, struct life *life)
{
    bool stale = validity->shown - validity->until > SKEW + trace->noise;
    if (life->shown++ == 0) {
        life->from = ending->attempt.from;
        life->handed = validity->shown > validity->until;
    }
    life->to = ending->attempt.to;
    life->stale += stale;
    life->renewed = life->renewed || (life->expired && !stale);
    life->refreshed = life->refreshed || validity->refreshed;
    take_open(trace, ending, validity, life);
    life->expired = life->expired || stale || validity->until < ending->watched;
}

static bool fate_of_life(const struct life *life, enum fate *fate)
{
    *fate = life->handed       ? HANDED
            : life->stale > 1  ? LOOPS
            : life->stale == 1 ? ONCE
            : life->lives_on   ? LIVES_ON
            : life->refreshed  ? REFRESHED
            : life->renewed    ? RENEWED
                               : UNENDED;
    return *fate != UNENDED || life->unended;
}

static bool was_refused(const struct refusals *refusals, int client)
{
    for (size_t i = 0; i < refusals->count; i++)
        if (refusals->list[i].ending->attempt.client == client)
            return true;
    return false;
}

/* Of clients that were refused it is known already. */
static void judge_expired(const struct trace *trace, const struct endings *endings,
                          const struct credentials *all, const struct refusals *refusals,
                          struct groups *groups)
{
    for (size_t first = 0, end; first < endings->count; first = end) {
        struct life life = {.shown = 0};
        enum fate fate;
        end = endings_of_client_end(endings, first);
        for (size_t i = first; i < end; i++) {
            struct validity validity = validity_of(all, endings->list[i].attempt.conn);
            if (validity.known)
                take_connection(trace, &endings->list[i], &validity, &life);
        }
        if (life.shown > 0 && !was_refused(refusals, endings->list[first].attempt.client) &&
            fate_of_life(&life, &fate))
            add(groups, fate, life.stale, life.from, life.to);
    }
}

/* --- Sentences --- */

static void add_sentence(enum fate fate, const struct tally *tally, struct text *out)
{
    static const char *const words[FATES] = {
        [TOO_SHORT] = " was not watched for long enough after the credential was refused",
        [UNSEEN] = " came back after the credential was refused, and what with was not seen",
        [SEVERAL] = " had other connections, so that what it did next may be theirs",
        [HANDED] = " had a token that had expired before the first connection: give one that is "
                   "valid",
        [UNENDED] = " kept a connection for a minute after the token had expired, which "
                    "halfopen's own server does not end",
        [ENDED] = " stayed away when the credential was refused",
        [RENEWED] = " came back with another credential when the old one was over",
        [REFRESHED] = " authenticated anew on an open connection",
        [LIVES_ON] = " kept a connection for a minute after the token had expired, and nobody "
                     "renewed it or ended it",
        [ONCE] = " came back once with a credential that was over",
        [LOOPS] = " came back again and again with a credential that was over",
    };
    text_add(out, words[fate]);
    if (fate == LOOPS)
        text_addf(out, ", up to %.0f times", nsec_to_seconds(tally->most));
}

static void report(struct findings *out, enum fate fate, const struct groups *groups)
{
    const struct tally *tally = &groups->tallies[fate];
    struct text text;
    text_init(&text);
    tally_add_who(tally, groups->clients, &text);
    add_sentence(fate, tally, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "attempts_with_it", nsec_to_seconds(tally->most));
    finding_allowed(finding, "attempts_with_it", 0);
    finding_evidence(finding, tally->from, tally->to);
    if (verdicts[fate] == WARN || verdicts[fate] == FAIL)
        finding_fix(finding,
                    "ask for the token whenever a connection is made, not once at the start; get a "
                    "fresh one when a token is refused or nears its exp; and let the server end a "
                    "connection whose token has expired, with 4401");
}

static bool is_any_certain(const struct credentials *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (credential_is_certain(all, all->list[i]))
            return true;
    return false;
}

static void say_none(const struct refusals *refusals, const struct credentials *credentials,
                     const struct trace *trace, const struct endings *endings, struct findings *out)
{
    if (refusals->bare + refusals->hidden > 0 || endings->count == 0)
        refusals_say_none(refusals, trace, endings, out);
    else if (!is_any_certain(credentials) && !trace_declares(trace, DECLARES_AUTH))
        finding_lacks(out, declaration_missing(DECLARES_AUTH, trace->declares));
    else
        (void)finding_add(
            out, INCONCLUSIVE,
            "no credential was refused, and no token was seen to expire: that takes a JWT "
            "that is valid for less than the run lasts");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct endings endings;
    struct credentials credentials;
    struct refusals refusals;
    struct groups groups = {.clients = 0};
    endings_of(trace, &endings);
    credentials_of(trace, &credentials);
    refusals_of(trace, &endings, &credentials, cfg->watch, &refusals);
    judge_refused(&refusals, &groups);
    judge_expired(trace, &endings, &credentials, &refusals, &groups);
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (groups.tallies[fate].count > 0)
            report(out, (enum fate)fate, &groups);
    if (groups.clients == 0)
        say_none(&refusals, &credentials, trace, &endings, out);
    refusals_fini(&refusals);
    credentials_fini(&credentials);
    endings_fini(&endings);
}

const struct rule_desc auth_expiry_rule = {
    .name = "auth.expiry",
    .id = "AUTH-06",
    .title = "Expiry during a connection",
    .brief = "a credential that ran out or was revoked is replaced",
    .doc =
        "Provoked by closing connections of clients that have authenticated with 4401 and the like, as "
        "a server does that revokes a session, or by 401 for their return. Where a credential is a JWT its claim exp "
        "is read too (the token itself is never kept), so that one that runs out while the run lasts is seen without any "
        "help. Observed are the credentials of the next connections. Staying away, another credential, "
        "or authenticating anew on the open connection pass. One return with what was refused, or has "
        "expired, is a warning, more fail. A connection that lives on for more than a minute after "
        "its token has expired is a warning: nobody renews it and nobody ends it. That halfopen's own server "
        "does not end it is held against nobody. A client whose first token had expired already tells nothing, nor does one that shows besides it a "
        "credential that does not say when it expires. "
        "To mend a failure ask for the token whenever a connection is made, not once at the start.",
    .source = "RFC 7519 4.1.4",
    .example = "auth.expiry",
    .level = ADVICE,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(TCP_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};
