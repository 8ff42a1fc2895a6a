/* reconnect.restart_codes: what 1001, 1012 and 1013 say about coming back is heeded. */
#include "base/units.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define GOING_AWAY 1001
#define RESTART    1012
#define TRY_LATER  1013

#define AT_ONCE (100 * NSEC_PER_MSEC)
#define ALIKE   (50 * NSEC_PER_MSEC)
#define SPREAD  (250 * NSEC_PER_MSEC) /* of a jittered first delay */
#define WIDE    (2 * NSEC_PER_SEC)    /* of what is asked for after 1012, RULES RECON-14 */
#define LONGEST (45 * NSEC_PER_SEC)
#define WATCH   (60 * NSEC_PER_SEC)
#define LATER   (30 * NSEC_PER_SEC)
#define SOON    (5 * NSEC_PER_SEC)
/* Delays of 1 s +- 50 % lie within ALIKE of each other by chance in 1 of 30,000 runs. */
#define ALIKE_CLIENTS 5

enum code { CODE_RESTART, CODE_TRY_LATER, CODE_GOING_AWAY, CODES };

static const unsigned numbers[CODES] = {RESTART, TRY_LATER, GOING_AWAY};

/* What the clients did after one code. */
struct sight {
    struct tally delays; /* from the Close to the next attempt */
    size_t told;
    size_t at_once;
    size_t away;    /* made no attempt for as long as they were watched */
    nsec watched;   /* the shortest that one of these was */
    size_t unclear; /* ended their process, or had other connections */
    uint64_t from, to;
};

static void add(struct sight *sight, const struct ending *ending)
{
    nsec said = ending->close->at, until = ending->watched - said;
    sight->told++;
    sight->from =
        sight->from == 0 || ending->close->seq < sight->from ? ending->close->seq : sight->from;
    sight->to = ending->to > sight->to ? ending->to : sight->to;
    if (ending->exit || !ending->alone) {
        sight->unclear++;
    } else if (ending->next == NEVER) {
        sight->watched = sight->away++ == 0 ? until : nsec_min(sight->watched, until);
    } else {
        sight->at_once += ending->next - ending->at < AT_ONCE;
        tally_add(&sight->delays, until, ending->close->seq, ending->to);
    }
}

/* The first time that each client is told a code. */
static void look(const struct endings *endings, struct sight sights[CODES])
{
    for (size_t i = 0; i < endings->count;) {
        size_t end = endings_of_client_end(endings, i);
        bool told[CODES] = {false};
        for (; i < end; i++) {
            const struct ending *ending = &endings->list[i];
            for (int code = 0; code < CODES; code++) {
                if (told[code] || ending->at == NEVER || !ending->close ||
                    ending->close->ws_close.code != numbers[code])
                    continue;
                told[code] = true;
                add(&sights[code], ending);
            }
        }
    }
}

/* --- Sentences --- */

static void add_delays(const struct sight *sight, unsigned code, struct text *out)
{
    tally_add_who(&sight->delays, sight->told, out);
    text_add(out, " came back ");
    units_add_duration(out, sight->delays.least);
    if (sight->delays.most > sight->delays.least) {
        text_add(out, " to ");
        units_add_duration(out, sight->delays.most);
    }
    text_addf(out, " after a close with %u", code);
}

static struct finding *say(const struct sight *sight, enum verdict verdict, const struct text *text,
                           struct findings *out)
{
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(text));
    if (sight->delays.count > 0) {
        finding_measured(finding, "least_s", nsec_to_seconds(sight->delays.least));
        finding_measured(finding, "most_s", nsec_to_seconds(sight->delays.most));
    }
    finding_evidence(finding, sight->from, sight->to);
    return finding;
}

/* --- 1012 and 1001: come back, not all together --- */

enum spread { TOGETHER, NARROW, RANDOM, FEW };

static enum spread spread_of(const struct sight *sight, nsec noise)
{
    nsec spread = sight->delays.most - sight->delays.least;
    if (sight->delays.count < ALIKE_CLIENTS)
        return FEW;
    if (spread <= ALIKE && 2 * noise <= ALIKE)
        return TOGETHER;
    if (spread >= SPREAD + 2 * noise)
        return RANDOM;
    return NARROW;
}

static enum verdict decide_restart(const struct sight *sight, nsec noise, struct text *out)
{
    const struct tally *delays = &sight->delays;
    enum spread spread = spread_of(sight, noise);
    if (sight->at_once == delays->count) {
        text_add(out, ", at once; asked for is a random delay of 5 to 30 s");
        return delays->count >= ALIKE_CLIENTS ? FAIL : WARN;
    }
    if (spread == FEW) {
        text_addf(out, "; %d clients would show whether the delay is random", ALIKE_CLIENTS);
        return INCONCLUSIVE;
    }
    if (spread == TOGETHER) {
        text_add(out, ", all together; asked for is a random delay of 5 to 30 s");
        return FAIL;
    }
    if (delays->most - delays->least >= WIDE - 2 * noise &&
        delays->most <= nsec_add(LONGEST, noise)) {
        text_add(out, "; asked for is a random delay of 5 to 30 s");
        return PASS;
    }
    text_add(out,
             "; asked for is a random delay of 5 to 30 s, so that a server that restarts is up "
             "and not met by all at once");
    return WARN;
}

static enum verdict decide_going_away(const struct sight *sight, nsec noise, struct text *out)
{
    enum spread spread = spread_of(sight, noise);
    if (sight->at_once == sight->delays.count) {
        text_add(out, ", at once; a random delay would keep a fleet from arriving together");
        return WARN;
    }
    if (spread == TOGETHER) {
        text_add(out, ", all together; a random delay would keep them apart");
        return WARN;
    }
    if (spread == RANDOM)
        return PASS;
    text_addf(out, "; %d clients on a quiet host would show whether the delay is random",
              2 * ALIKE_CLIENTS);
    return INCONCLUSIVE;
}

static void judge_return(const struct sight *sight, enum code code, nsec noise,
                         struct findings *out)
{
    struct text text;
    text_init(&text);
    add_delays(sight, numbers[code], &text);
    enum verdict verdict = code == CODE_RESTART ? decide_restart(sight, noise, &text)
                                                : decide_going_away(sight, noise, &text);
    struct finding *finding = say(sight, verdict, &text, out);
    finding_allowed(finding, "spread_s_min", nsec_to_seconds(code == CODE_RESTART ? WIDE : SPREAD));
    if (verdict == FAIL || verdict == WARN)
        finding_fix(finding, code == CODE_RESTART
                                 ? "after 1012 wait a random time from 5 to 30 s before the first "
                                   "attempt"
                                 : "multiply also the first delay by a random number");
    text_fini(&text);
}

static void judge_absence(const struct sight *sight, enum code code, nsec noise,
                          struct findings *out)
{
    bool long_enough = sight->watched >= WATCH - noise;
    struct text text;
    text_init(&text);
    if (sight->told == 1)
        text_add(&text, "the client");
    else
        text_addf(&text, "%zu of %zu clients", sight->away, sight->told);
    text_add(&text, " did not come back within ");
    units_add_duration(&text, sight->watched);
    text_addf(&text, " after a close with %u", numbers[code]);
    if (long_enough)
        text_add(&text, ", which says that the server will be back");
    else
        text_add(&text, "; a minute would be needed");
    struct finding *finding = say(sight, long_enough ? WARN : INCONCLUSIVE, &text, out);
    if (long_enough)
        finding_fix(finding, "reconnect after %u as after a loss", numbers[code]);
    text_fini(&text);
}

/* --- 1013: stay away --- */

static void judge_later(const struct sight *sight, nsec noise, struct findings *out)
{
    struct text text;
    enum verdict verdict = PASS;
    text_init(&text);
    if (sight->delays.count > 0 && sight->delays.least < LATER - noise) {
        verdict = sight->delays.least < SOON - noise ? FAIL : WARN;
        add_delays(sight, TRY_LATER, &text);
    } else if (sight->away > 0 && sight->watched < LATER - noise) {
        verdict = INCONCLUSIVE;
        text_addf(&text,
                  "%zu of %zu clients stayed away after a close with %d, but were watched for "
                  "only ",
                  sight->away, sight->told, TRY_LATER);
        units_add_duration(&text, sight->watched);
    } else {
        text_addf(&text, "%zu of %zu clients stayed away", sight->told - sight->unclear,
                  sight->told);
        text_addf(&text, " for 30 s after a close with %d", TRY_LATER);
    }
    text_add(&text, "; asked for is not to try the same server again soon, at least 30 s");
    struct finding *finding = say(sight, verdict, &text, out);
    finding_allowed(finding, "least_s_min", nsec_to_seconds(LATER));
    if (verdict == FAIL || verdict == WARN)
        finding_fix(finding, "after 1013 wait at least 30 s and a random time more, or go to "
                             "another server: this one is overloaded and said so");
    text_fini(&text);
}

static void judge(const struct sight *sight, enum code code, nsec noise, struct findings *out)
{
    if (sight->told == 0)
        return;
    if (sight->unclear == sight->told) {
        struct text text;
        text_init(&text);
        text_addf(
            &text,
            "after a close with %u the process ended, or other connections of the client were "
            "open: what it does about the code is not seen",
            numbers[code]);
        (void)say(sight, INCONCLUSIVE, &text, out);
        text_fini(&text);
        return;
    }
    if (code == CODE_TRY_LATER) {
        judge_later(sight, noise, out);
        return;
    }
    if (sight->delays.count > 0)
        judge_return(sight, code, noise, out);
    if (sight->away > 0)
        judge_absence(sight, code, noise, out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct sight sights[CODES] = {{.told = 0}};
    struct endings endings;
    (void)config;
    endings_of(trace, &endings);
    look(&endings, sights);
    for (int code = 0; code < CODES; code++)
        judge(&sights[code], (enum code)code, trace->noise, out);
    if (!out->first && endings.count == 0 && endings.builtin)
        finding_own_client(out);
    else if (!out->first)
        (void)finding_add(out, INCONCLUSIVE,
                          "no open connection was closed with 1001, 1012 or 1013");
    endings_fini(&endings);
}

const struct rule_desc reconnect_restart_codes_rule = {
    .name = "reconnect.restart_codes",
    .id = "RECON-14",
    .title = "Service restart and overload codes",
    .brief = "1001, 1012 and 1013 are answered as they ask",
    .doc =
        "Provoked by closing the connections of five clients or more with 1012 (service restart), "
        "1013 (try again later) and 1001 (going away). Observed is the time from the Close to the "
        "next attempt. After 1012 the registry of close codes asks for a random delay of 5 to 30 s: "
        "delays that differ by 2 s or more pass, an ordinary jittered first delay is a warning, all "
        "at once or all together fails. After 1013 the same server should not be tried for a while: "
        "30 s pass, 5 s are a warning, less fails. After 1001 the client should be back, with a "
        "random delay. Not to come back after 1001 or 1012 is a warning. To mend a failure look at "
        "the code in the close handler before the delay is computed.",
    .source = "IANA WebSocket Close Code Number Registry",
    .example = "reconnect.restart_codes",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .check = check,
};
