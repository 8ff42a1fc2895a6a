/* heartbeat.pong: a ping is answered, with its own payload, soon. */
#include "rules/lib/pings.h"
#include "rules/lib/sights.h"
#include "rules/lib/words.h"

#define ENOUGH 3 /* answers: fewer may be chance */
/* Of the wall clock, since answering is work. */
#define LATE (10 * NSEC_PER_SEC)

struct config {
    nsec within;
};

static const struct param params[] = {
    P_DURATION(config, within, .def = "1s", .min = "1ms", .max = "1m",
               .doc = "how soon a pong has to follow its ping, by the clock on the wall"),
    P_END,
};

struct limits {
    nsec pass, warn;
    double speed;
    nsec noise; /* of the wall clock */
};

enum show {
    NO_PINGS = SIGHT_FIRST,
    TOO_FEW,
    TOO_SHORT, /* the newest wait for their answer */
    PROMPT_PONGS,
    SLOW_PONGS,
    LATE_PONGS,
    OTHER_DATA,
    UNANSWERED,
    SHOWS
};

static const enum verdict verdicts[SHOWS] = {
    [NO_PINGS] = INCONCLUSIVE, [TOO_FEW] = INCONCLUSIVE, [TOO_SHORT] = INCONCLUSIVE,
    [PROMPT_PONGS] = PASS,     [SLOW_PONGS] = WARN,      [LATE_PONGS] = FAIL,
    [OTHER_DATA] = FAIL,       [UNANSWERED] = FAIL,
};

static nsec on_the_wall(nsec time, const struct limits *limits)
{
    return (nsec)((double)time / limits->speed);
}

static enum show show_of(const struct pings *pings, const struct limits *limits)
{
    nsec slowest = on_the_wall(pings->slowest, limits);
    nsec waiting = on_the_wall(pings->waiting_for, limits);
    if (pings->count == 0)
        return NO_PINGS;
    if (waiting > limits->warn + limits->noise)
        return pings->strange > 0 ? OTHER_DATA : UNANSWERED;
    if (slowest > limits->warn + limits->noise)
        return LATE_PONGS;
    if (slowest > limits->pass + limits->noise)
        return SLOW_PONGS;
    if (waiting > limits->pass)
        return TOO_SHORT;
    return pings->count - pings->waiting < ENOUGH ? TOO_FEW : PROMPT_PONGS;
}

static struct sight look(const struct trace *trace, const struct connection *c, const void *given)
{
    const struct limits *limits = given;
    struct sight sight = {.from = c->open->seq, .to = c->end->seq};
    struct pings pings;
    pings_of(trace, c, &pings);
    sight.show = (int)show_of(&pings, limits);
    bool waits = sight.show == UNANSWERED || sight.show == OTHER_DATA || sight.show == TOO_SHORT;
    sight.measured = on_the_wall(waits ? pings.waiting_for : pings.slowest, limits);
    if (pings.count > 0) {
        sight.from = pings.from;
        sight.to = waits ? c->end->seq : pings.to;
    }
    return sight;
}

/* --- Sentences --- */

static void add_sentence(struct text *out, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    const struct tally *tally = &sights->tally;
    enum show show = (enum show)sights->show;
    switch (show) {
    case PROMPT_PONGS:
    case SLOW_PONGS:
    case LATE_PONGS:
        words_add_time(out, " answered each ping within ", tally->most, "");
        words_add_time(out, "; allowed ", limits->pass, "");
        break;
    case OTHER_DATA:
        words_add_time(out,
                       " answered pings with pongs that carry other data: the right one was waited "
                       "for in vain for ",
                       tally->most, "");
        break;
    case UNANSWERED:
        words_add_time(out, " left pings unanswered, the oldest for ", tally->most, "");
        words_add_time(out, "; allowed ", limits->pass, "");
        break;
    case NO_PINGS:
        text_add(out, " got no ping that it could have answered");
        break;
    case TOO_FEW:
        text_addf(out, " answered its pings, and got fewer than %d", ENOUGH);
        break;
    default:
        words_add_time(out, " had left pings unanswered for ", tally->most, "");
        words_add_time(out, " when the connection ended; after ", limits->warn, "");
        text_add(out, " it would be sure that no answer comes");
        break;
    }
    if (show != NO_PINGS && show != TOO_FEW && limits->speed > 1)
        text_add(out, " by the clock on the wall");
}

static void add_facts(struct finding *finding, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    enum show show = (enum show)sights->show;
    finding_measured(finding, "answer_wall_s", nsec_to_seconds(sights->tally.most));
    finding_allowed(finding, "answer_wall_s", nsec_to_seconds(limits->pass));
    if (show == UNANSWERED || show == OTHER_DATA)
        finding_fix(finding, "answer every ping with a pong that carries the ping's own payload; "
                             "nearly all libraries do so by themselves unless told not to, and "
                             "while something reads from the connection");
    else if (show == LATE_PONGS || show == SLOW_PONGS)
        finding_fix(finding, "do not block the loop that reads the connection: move long work to "
                             "a thread or cut it into pieces");
}

static const struct sights_rule sights_rule = {.shows = SHOWS,
                                               .verdicts = verdicts,
                                               .look = look,
                                               .add_sentence = add_sentence,
                                               .add_facts = add_facts};

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct limits limits = {.pass = cfg->within, .speed = trace->start->speed};
    limits.speed = limits.speed > 1 ? limits.speed : 1;
    limits.warn = nsec_max(LATE, limits.pass);
    limits.noise = on_the_wall(trace->noise, &limits);
    sights_judge(&sights_rule, trace, &limits, out);
}

const struct rule_desc heartbeat_pong_rule = {
    .name = "heartbeat.pong",
    .id = "HEART-07",
    .title = "Pings are answered",
    .brief = "every ping gets its pong, with the same payload, soon",
    .doc =
        "Provoked by pings towards the client: of the server, of halfopen's own server (server: "
        "{pings: 5s}), or in the server's name (ping_flood with a count), empty, of 125 bytes, and "
        "many at once. Observed is how long each waits for a pong of its payload; a pong for a "
        "later ping answers those before it. Allowed is a second, by the clock on the wall at any "
        "speed, since answering is work and no timer; up to 10 s is a warning, and later or never "
        "a failure, as is other data. A browser and nearly every library answer by themselves as "
        "long as the loop that reads is not blocked.",
    .source = "RFC 6455 5.5.2",
    .example = "heartbeat.pong: {within: 1s}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};
