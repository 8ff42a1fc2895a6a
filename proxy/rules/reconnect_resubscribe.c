/* reconnect.resubscribe: what a client said when it first connected it says again when it is back,
 * and it asks for what it missed. */
#include <string.h>

#include "base/units.h"
#include "rules/lib/missed.h"
#include "rules/lib/preamble.h"
#include "rules/rule.h"

#define ERAS_JUDGED 20 /* of a client */
#define HURT_LEAST  2  /* clients, where it is not declared what subscribes */

/* How a client fared on one of its later connections, the best first. */
enum fate {
    TOO_SHORT, /* or disturbed, or another process */
    RESTORED,
    RESUMED,
    RENEWED,        /* it said other things too, and the server's streams came again */
    LEFT_TO_SERVER, /* it was silent, and the server goes on as before, or its URL is another */
    OTHERWISE,      /* it said something else */
    PARTLY,
    LATE,
    UNHEARD, /* it repeated all of it, and the server's streams are missing */
    UNASKED, /* restored, and what was missed was neither asked for nor came */
    STARVED, /* it repeated some of it and said nothing else, and the server's streams are missing
              */
    SILENT,
    FATES
};

struct tallied {
    size_t eras[FATES];
    uint64_t from[FATES], to[FATES]; /* evidence */
    size_t hurt_clients;             /* SILENT or STARVED on some connection */
    size_t clients, short_firsts, mute, never_back;
    size_t needed, came;                           /* of a PARTLY or STARVED */
    size_t said;                                   /* of the longest preamble */
    nsec latest;                                   /* of LATE */
    uint64_t missed;                               /* of UNASKED */
    bool all_came, some_never_came, some_left_out; /* of those RESTORED: of the server's numbers */
    bool declared;
};

/* --- One client --- */

static bool is_judged(const struct trace *trace, const struct era *before, const struct era *era)
{
    return !before->left && !era->tampered && !era->restarted &&
           era->to - era->from >= era_window(trace);
}

static bool is_elsewhere(const struct era *first, const struct era *era)
{
    return first->target && era->target && strcmp(first->target, era->target) != 0;
}

/* It says who it is with every request, to a server that may keep its subscriptions. */
static bool is_known(const struct trace *trace, int client)
{
    bool named = false;
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++) {
        if (ev->kind == EV_HTTP_RESPONSE && ev->by == BY_BUILTIN)
            return false;
        named = named || (ev->kind == EV_HTTP_CREDENTIAL && ev->client == client);
    }
    return named;
}

static enum fate fate_of_restored(const struct speech *speech, const struct renewal *renewal,
                                  const struct missed *missed, struct tallied *tallied)
{
    bool resume_known = trace_declares(speech->trace, DECLARES_RESUME);
    bool asked = renewal->resumed || (!resume_known && (renewal->changed || renewal->fresh));
    tallied->all_came = tallied->all_came || missed->sort == MISSED_NOTHING;
    if (missed->sort != MISSED_SOME)
        return RESTORED;
    if (!missed->declared) {
        tallied->some_left_out = true;
        return RESTORED;
    }
    if (asked || (missed->others && !resume_known)) {
        tallied->some_never_came = true;
        return RESTORED;
    }
    tallied->missed = missed->count > tallied->missed ? missed->count : tallied->missed;
    return UNASKED;
}

/* Not all of it came again, by what the server sends. */
static enum fate fate_of_unrestored(const struct speech *speech, const struct renewal *renewal,
                                    const struct streams *streams, bool elsewhere, bool known)
{
    bool other_words = renewal->fresh && !speech->declared;
    if (other_words)
        return streams->steady > 0 && streams->again == streams->steady ? RENEWED : OTHERWISE;
    if (renewal->came == 0)
        return streams->goes_on || elsewhere || (known && !streams->missing) ? LEFT_TO_SERVER
                                                                             : SILENT;
    return streams->missing && !elsewhere ? STARVED : PARTLY;
}

static enum fate fate_of(const struct speech *speech, const struct messages *heard,
                         const struct preamble *preamble, const struct era *first,
                         const struct era *era, struct tallied *tallied)
{
    struct renewal renewal = renewal_of(speech, preamble, era);
    struct missed missed = missed_between(heard, &speech->eras, era - 1, era);
    struct streams streams = streams_after(heard, &speech->eras, first, era);
    if (renewal.last != NEVER && renewal.last <= era_window(speech->trace))
        return streams.missing ? UNHEARD : fate_of_restored(speech, &renewal, &missed, tallied);
    if (renewal.resumed)
        return RESUMED;
    if (renewal.last != NEVER) {
        tallied->latest = nsec_max(tallied->latest, renewal.last);
        return LATE;
    }
    if (renewal.came > 0) {
        tallied->needed = preamble->count;
        tallied->came = renewal.came;
    }
    return fate_of_unrestored(speech, &renewal, &streams, is_elsewhere(first, era),
                              !speech->declared && is_known(speech->trace, era->client));
}

static void note(struct tallied *tallied, enum fate fate, const struct era *before,
                 const struct era *era)
{
    if (tallied->eras[fate]++ == 0)
        tallied->from[fate] = before->from_seq;
    tallied->to[fate] = era->to_seq;
}

static void judge_client(const struct speech *speech, const struct messages *heard, size_t first,
                         size_t end, struct tallied *tallied)
{
    const struct era *eras = speech->eras.list;
    struct preamble preamble;
    bool watched = eras[first].to - eras[first].from >= PREAMBLE_WATCH && !eras[first].tampered;
    bool hurt = false;
    preamble_of(speech, &eras[first], &preamble);
    tallied->clients++;
    tallied->mute += watched && preamble.count == 0;
    tallied->short_firsts += !watched;
    tallied->never_back += end == first + 1;
    tallied->said = preamble.count > tallied->said ? preamble.count : tallied->said;
    for (size_t i = first + 1; i < end && i <= first + ERAS_JUDGED; i++) {
        enum fate fate = TOO_SHORT;
        if (watched && preamble.count > 0 && is_judged(speech->trace, &eras[i - 1], &eras[i]))
            fate = fate_of(speech, heard, &preamble, &eras[first], &eras[i], tallied);
        note(tallied, fate, &eras[first], &eras[i]);
        hurt = hurt || fate == SILENT || fate == STARVED;
    }
    tallied->hurt_clients += hurt;
    preamble_fini(&preamble);
}

/* --- Sentences --- */

static size_t judged(const struct tallied *tallied)
{
    size_t count = 0;
    for (int fate = TOO_SHORT + 1; fate < FATES; fate++)
        count += tallied->eras[fate];
    return count;
}

static struct finding *cite(struct finding *finding, const struct tallied *tallied, enum fate fate)
{
    finding_evidence(finding, tallied->from[fate], tallied->to[fate]);
    finding_measured(finding, "connections", (double)tallied->eras[fate]);
    return finding;
}

static const char *things(const struct tallied *tallied)
{
    return tallied->declared ? "subscriptions" : "messages that it began with";
}

static void fix_silence(struct finding *finding)
{
    finding_fix(finding, "subscribe where a connection opens, not where the application starts: "
                         "keep the list of subscriptions outside the connection and send all of it "
                         "each time one opens, with the last id or token that was seen");
}

static void name_the_line(struct finding *finding)
{
    finding_fix_line(finding, DECLARES_SUBSCRIBE);
}

static void say_hurt(const struct tallied *tallied, enum fate fate, struct findings *out)
{
    bool sure = tallied->declared || tallied->hurt_clients >= HURT_LEAST;
    struct text some;
    text_init(&some);
    if (fate == STARVED)
        text_addf(&some, "repeated %zu of the %zu %s", tallied->came, tallied->needed,
                  things(tallied));
    else if (tallied->said == 1)
        text_add(&some, tallied->declared ? "did not repeat its only subscription"
                                          : "did not repeat the only message that it began with");
    else
        text_addf(&some, "repeated none of the %zu %s", tallied->said, things(tallied));
    struct finding *finding = finding_add(
        out, sure ? FAIL : INCONCLUSIVE, "on %zu of %zu connections after a loss the client %s%s%s",
        tallied->eras[fate], judged(tallied), text_chars(&some),
        fate == STARVED ? ", and what the server had sent all the time came no more" : "",
        sure ? "" : "; it is one client alone, and nothing declares what subscribes");
    text_fini(&some);
    cite(finding, tallied, fate);
    finding_allowed(finding, "connections", 0);
    fix_silence(finding);
}

static void say_partly(const struct tallied *tallied, struct findings *out)
{
    struct finding *finding = finding_add(
        out, tallied->declared ? WARN : NOT_TESTED,
        tallied->declared ? "after a loss the client took up %zu of its %zu subscriptions again"
                          : "after a loss %zu of the %zu messages that the client began with came "
                            "again; which of them subscribe nothing says: give sessions.subscribe",
        tallied->came, tallied->needed);
    cite(finding, tallied, PARTLY);
    if (tallied->declared)
        fix_silence(finding);
    else
        name_the_line(finding);
}

static void say_late(const struct tallied *tallied, struct findings *out)
{
    struct text after;
    text_init(&after);
    units_add_duration(&after, tallied->latest);
    struct finding *finding =
        finding_add(out, WARN, "the client repeated the %s only %s after it was connected again",
                    things(tallied), text_chars(&after));
    text_fini(&after);
    cite(finding, tallied, LATE);
    finding_measured(finding, "after", nsec_to_seconds(tallied->latest));
    finding_allowed(finding, "after", nsec_to_seconds(ERA_WINDOW));
    fix_silence(finding);
}

static void say_unheard(const struct tallied *tallied, struct findings *out)
{
    struct finding *finding = finding_add(
        out, INCONCLUSIVE,
        "on %zu of %zu connections after a loss the client repeated the %s, and still what the "
        "server had sent all the time came no more%s",
        tallied->eras[UNHEARD], judged(tallied), things(tallied),
        tallied->declared ? "" : ": sessions.subscribe would say whether the client subscribes");
    cite(finding, tallied, UNHEARD);
}

static void say_unasked(const struct tallied *tallied, struct findings *out)
{
    struct finding *finding = finding_add(
        out, WARN,
        "the client subscribed again, and did not ask for what it missed: up to %llu messages of "
        "the server never came",
        (unsigned long long)tallied->missed);
    cite(finding, tallied, UNASKED);
    finding_measured(finding, "missed", (double)tallied->missed);
    finding_allowed(finding, "missed", 0);
    finding_fix(finding, "remember the last id or token that came and send it when subscribing "
                         "again, or load everything anew");
}

static void say_otherwise(const struct tallied *tallied, struct findings *out)
{
    struct finding *finding = finding_add(
        out, NOT_TESTED,
        "after a loss the client said something else than it began with; whether that subscribes or "
        "resumes nothing says: give sessions.subscribe");
    cite(finding, tallied, OTHERWISE);
    name_the_line(finding);
}

static void say_left(const struct tallied *tallied, struct findings *out)
{
    struct finding *finding = finding_add(
        out, tallied->declared ? INCONCLUSIVE : NOT_TESTED,
        "after a loss the client repeated none of the %s, and its server may know it again%s",
        things(tallied), tallied->declared ? "" : ": sessions.subscribe would say what matters");
    cite(finding, tallied, LEFT_TO_SERVER);
    if (!tallied->declared)
        name_the_line(finding);
}

static const char *what_of_missed(const struct tallied *tallied)
{
    if (tallied->some_never_came)
        return "; some of the server's messages never came, for which its answer may make up";
    if (tallied->some_left_out)
        return "; some numbers of the server's messages were left out, and messages.id would say "
               "whether they are messages that it missed";
    return tallied->all_came ? ", and all of the server's messages that it had missed came"
                             : "; what it missed does not show";
}

static void say_restored(const struct tallied *tallied, struct findings *out)
{
    size_t all = judged(tallied);
    struct finding *finding;
    if (tallied->eras[RESTORED] == all)
        finding = finding_add(out, PASS,
                              "on all %zu connections after a loss the client repeated the %s%s",
                              all, things(tallied), what_of_missed(tallied));
    else if (tallied->eras[RENEWED] == 0)
        finding =
            finding_add(out, PASS, "on all %zu connections after a loss the client resumed", all);
    else
        finding =
            finding_add(out, PASS,
                        "on all %zu connections after a loss the client spoke up, and what the "
                        "server had sent before came again",
                        all);
    for (int fate = RESTORED; fate <= RENEWED; fate++)
        if (tallied->eras[fate] > 0)
            finding_evidence(finding, tallied->from[fate], tallied->to[fate]);
    finding_measured(finding, "connections", (double)all);
}

static void say_nothing_judged(const struct tallied *tallied, struct findings *out)
{
    if (tallied->mute > 0 && tallied->declared)
        (void)finding_add(out, INCONCLUSIVE,
                          "no message of the client matched sessions.subscribe while it was first "
                          "connected");
    else if (tallied->mute > 0)
        name_the_line(
            finding_add(out, NOT_TESTED,
                        "the client says nothing of its own when it connects that it would have "
                        "to say again; if it subscribes later, give sessions.subscribe"));
    else if (tallied->never_back == tallied->clients)
        (void)finding_add(out, INCONCLUSIVE, "no client lost its connection and came back");
    else if (tallied->short_firsts > 0)
        (void)finding_add(
            out, INCONCLUSIVE,
            "the first connection did not last 15 s undisturbed, in which shows what a "
            "client begins with");
    else
        (void)finding_add(
            out, INCONCLUSIVE,
            "no connection after a loss lasted 10 s undisturbed, within which a client "
            "says again what it said");
}

static void say(const struct tallied *tallied, struct findings *out)
{
    if (judged(tallied) == 0)
        say_nothing_judged(tallied, out);
    else if (tallied->eras[SILENT] > 0)
        say_hurt(tallied, SILENT, out);
    else if (tallied->eras[STARVED] > 0)
        say_hurt(tallied, STARVED, out);
    else if (tallied->eras[UNHEARD] > 0)
        say_unheard(tallied, out);
    else if (tallied->eras[PARTLY] > 0)
        say_partly(tallied, out);
    else if (tallied->eras[LATE] > 0)
        say_late(tallied, out);
    else if (tallied->eras[UNASKED] > 0)
        say_unasked(tallied, out);
    else if (tallied->eras[OTHERWISE] > 0)
        say_otherwise(tallied, out);
    else if (tallied->eras[LEFT_TO_SERVER] > 0)
        say_left(tallied, out);
    else
        say_restored(tallied, out);
}

/* --- The rule --- */

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct speech speech;
    struct messages heard;
    struct tallied tallied = {0};
    (void)config;
    speech_of(trace, &speech);
    messages_of(trace, SIDE_SERVER, &heard);
    tallied.declared = speech.declared;
    for (size_t first = 0, end; first < speech.eras.count; first = end) {
        end = eras_of_client_end(&speech.eras, first);
        judge_client(&speech, &heard, first, end, &tallied);
    }
    if (trace->full)
        (void)finding_add(
            out, INCONCLUSIVE,
            "the trace is full: not every message was recorded; a shorter run would do");
    else if (tallied.clients > 0)
        say(&tallied, out);
    else if (speech.eras.endings.builtin)
        finding_own_client(out);
    messages_fini(&heard);
    speech_fini(&speech);
}

const struct rule_desc reconnect_resubscribe_rule = {
    .name = "reconnect.resubscribe",
    .id = "RECON-16",
    .title = "Resubscribe and resume",
    .brief = "subscriptions are taken up again on a new connection",
    .doc =
        "Provoked by two outages after a minute without any disturbance. Observed is what the client says in "
        "the first 10 s of its first connection, and whether it says it again within 10 s of each later one that "
        "lasts so long: 19 of 20 such messages have to come. Messages are compared by kind: digits, "
        "hexadecimal runs and UUIDs may be others, and so may tokens and binary ids as long as their message has "
        "the same length. Left out are heartbeats, what authenticates the client (auth.message), and kinds of "
        "messages that it goes on sending. A client that repeats none of it and says nothing else fails, if two "
        "clients do so, and so does one that repeats some of it while what the server had sent all the time comes no "
        "more; one that repeats some of it or says something else, or whose server goes on sending or may know it by "
        "a credential in its request, is not tested, for which of its messages subscribe is not known. sessions.subscribe says so: then "
        "all its subscriptions count, however late they were made, one client that takes up none again fails, and "
        "some that are missing are a warning; a first group names what is subscribed to. Or sessions.resume says "
        "by which message the client resumes, which is enough. Ids in the server's messages (messages.id) "
        "show what was missed in the outage: where some never came and the client asked for nothing, which means it "
        "said nothing but what it had said before, word for word, that is a warning, unless the server's answer may "
        "make up for it. Numbers that were only seen to count decide nothing: they may count seconds. A client that says nothing when it connects has nothing "
        "to say again: its address or its cookie may do it. No clause of a standard asks for this; a server "
        "cannot know what a new connection wants, and a client that is silent on it looks alive and receives "
        "nothing. The remedy is to keep subscriptions outside the connection and to send them whenever one opens.",
    .source = "RFC 6455 7.2.3",
    .example = "reconnect.resubscribe: {}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};
