/* message.max_size: a message that is too large for anybody is refused as soon as it is announced.
 */
#include "base/units.h"
#include "rules/lib/offence.h"
#include "ws/close.h"

enum fate { REFUSED, REFUSED_OTHERWISE, LATE, UNSEEN, UNREAD, TAKEN, FATES };

/* A client chose its server, and may need large messages: without a limit it is as strong as that
 * server is honest, which is a warning. */
static const enum verdict verdicts[FATES] = {
    [REFUSED] = PASS,        [REFUSED_OTHERWISE] = WARN, [LATE] = WARN,
    [UNSEEN] = INCONCLUSIVE, [UNREAD] = INCONCLUSIVE,    [TAKEN] = WARN,
};

struct group {
    size_t count;
    const struct offence *example;
    uint64_t least; /* size, bytes */
    nsec most;
    uint64_t from, to;
};

static enum fate fate_of(const struct trace *trace, const struct offence *offence)
{
    switch (offence_reaction(trace, offence)) {
    case REACTION_CLOSED:
        return offence->close_code == CLOSE_TOO_BIG ? REFUSED : REFUSED_OTHERWISE;
    case REACTION_DIED:
        return REFUSED_OTHERWISE;
    case REACTION_LATE:
        return LATE;
    case REACTION_UNSEEN:
        return UNSEEN;
    case REACTION_UNREAD:
        return UNREAD;
    case REACTION_ACCEPTED:
    case REACTIONS:
        break;
    }
    return TAKEN;
}

static void add(struct group *group, const struct offence *offence)
{
    nsec until = offence->closed != NEVER ? offence->closed : offence->watched;
    if (group->count++ == 0)
        *group = (struct group){
            .count = 1, .example = offence, .least = offence->size, .from = offence->from};
    group->least = offence->size < group->least ? offence->size : group->least;
    group->most = nsec_max(group->most, until - offence->at);
    group->to = offence->to;
}

static void add_how(struct text *out, const struct offence *offence)
{
    if (offence->exit)
        text_addf(out, "; the process ended (%s)", offence->exit);
    else if (offence->close_code == 0)
        text_add(out, ", but without a Close");
    else if (offence->close_code == CLOSE_NO_STATUS)
        text_add(out, ", but with a Close without a code");
    else
        text_addf(out, ", but with %llu", (unsigned long long)offence->close_code);
    text_add(out, offence->exit ? "" : "; 1009 says what was wrong");
}

static void add_sentence(struct text *out, enum fate fate, const struct group *group)
{
    text_addf(out, "%zu message%s of ", group->count, group->count == 1 ? "" : "s");
    units_add_size(out, group->least);
    switch (fate) {
    case REFUSED:
        text_add(out, group->count == 1 ? " was" : " were");
        text_add(out, " refused with 1009 as soon as announced");
        break;
    case REFUSED_OTHERWISE:
        text_add(out, group->count == 1 ? " was refused" : " were refused");
        add_how(out, group->example);
        break;
    case LATE:
        text_add(out, " ended the connection, but only after more than a second of wall time");
        break;
    case UNSEEN:
        text_add(out, " had no answer before the connection ended otherwise, or the run did");
        break;
    case UNREAD:
        text_add(out, " had no answer, and no ping had one: nothing shows that the client reads");
        break;
    case TAKEN:
        text_add(out, " would have been taken: no limit up to that size");
        break;
    case FATES:
        break;
    }
}

static void report(const struct trace *trace, struct findings *out, enum fate fate,
                   const struct group *group)
{
    double speed = trace->start->speed > 1 ? trace->start->speed : 1;
    struct text text;
    text_init(&text);
    add_sentence(&text, fate, group);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "announced_bytes", (double)group->least);
    finding_measured(finding, "waited_wall_s", nsec_to_seconds(group->most) / speed);
    finding_allowed(finding, "waited_wall_s", nsec_to_seconds(OFFENCE_PROMPT));
    finding_evidence(finding, group->from, group->to);
    if (verdicts[fate] == WARN)
        finding_fix(finding, "set the library's limit for received messages (maxPayload, max_size, "
                             "ReadLimit) to what the application needs, and answer with 1009");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct group groups[FATES] = {{0}};
    struct offences all;
    (void)config;
    offences_of(trace, &all);
    for (size_t i = 0; i < all.count; i++)
        if (all.list[i].fault == OFFENCE_OVERSIZE)
            add(&groups[fate_of(trace, &all.list[i])], &all.list[i]);
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (groups[fate].count > 0)
            report(trace, out, (enum fate)fate, &groups[fate]);
    if (!out->first)
        offences_say_none(&all, "the fault oversize_message", out);
    offences_fini(&all);
}

const struct rule_desc message_max_size_rule = {
    .name = "message.max_size",
    .id = "MSG-05",
    .title = "Maximum message size",
    .brief = "messages have a limit, known from their head",
    .doc =
        "Provoked by the fault oversize_message, which announces more than 16 MiB in the name of the server, "
        "in one frame and as the first of several. A good endpoint refuses with 1009 as soon as it has "
        "read the head, within a second of wall time, before it has kept anything. For a client each "
        "weaker answer is a warning and not a failure: it has chosen its server, and may need large "
        "messages; but whoever stands in for that server can fill its memory. The remedy is the "
        "library's own limit.",
    .source = "RFC 6455 10.4, 7.4.1",
    .example = "message.max_size",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .check = check,
};
