/* What is said of offences: those that ended alike are one finding. */
#include <assert.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/offence.h"
#include "ws/close.h"

static const enum verdict verdicts[REACTIONS] = {
    [REACTION_CLOSED] = PASS,         [REACTION_LATE] = WARN,           [REACTION_DIED] = WARN,
    [REACTION_UNSEEN] = INCONCLUSIVE, [REACTION_UNREAD] = INCONCLUSIVE, [REACTION_ACCEPTED] = FAIL,
};

/* All offences of the rule that ended alike. */
struct group {
    size_t count, clients;
    bool kinds[32];
    const struct offence *example;
    nsec most;
    uint64_t from, to;
};

static void group_add(struct group *group, size_t kind, const struct offence *offence, bool fresh)
{
    nsec until = offence->closed != NEVER ? offence->closed : offence->watched;
    group->kinds[kind] = true;
    group->most = nsec_max(group->most, until - offence->at);
    if (group->count++ == 0) {
        group->example = offence;
        group->from = offence->from;
    }
    group->from = offence->from < group->from ? offence->from : group->from;
    group->to = offence->to > group->to ? offence->to : group->to;
    group->clients += fresh;
}

static void add_kinds(struct text *out, const struct group *group, const struct offence_kind *kinds)
{
    size_t left = 0;
    for (size_t i = 0; kinds[i].what; i++)
        left += group->kinds[i];
    for (size_t i = 0; kinds[i].what; i++) {
        if (!group->kinds[i])
            continue;
        text_add(out, kinds[i].words);
        left--;
        text_add(out, left == 0 ? "" : left == 1 ? " and " : ", ");
    }
}

static void add_who(struct text *out, size_t clients, size_t of)
{
    if (of <= 1)
        text_add(out, "the client");
    else
        text_addf(out, "%zu of %zu clients", clients, of);
}

static double speed_of(const struct trace *trace)
{
    return trace->start->speed > 1 ? trace->start->speed : 1;
}

static void add_wall(struct text *out, const struct trace *trace, nsec length)
{
    double speed = speed_of(trace);
    units_add_duration(out, (nsec)((double)length / speed));
    text_add(out, speed > 1 ? " of wall time" : "");
}

static void add_sentence(const struct trace *trace, struct text *out, enum reaction reaction,
                         const struct group *group, const struct offence_kind *kinds, size_t of)
{
    add_who(out, group->clients, of);
    switch (reaction) {
    case REACTION_CLOSED:
    case REACTION_LATE:
        text_add(out, reaction == REACTION_LATE ? " closed late, within " : " closed within ");
        add_wall(out, trace, group->most);
        text_add(out, " after ");
        add_kinds(out, group, kinds);
        break;
    case REACTION_DIED:
        text_addf(out, " did not only close, the process ended (%s) after ", group->example->exit);
        add_kinds(out, group, kinds);
        break;
    case REACTION_UNSEEN:
        text_add(out, " did nothing about ");
        add_kinds(out, group, kinds);
        text_add(out, " until the connection ended otherwise or the run did, after ");
        add_wall(out, trace, group->most);
        break;
    case REACTION_UNREAD:
        text_add(out, " did nothing about ");
        add_kinds(out, group, kinds);
        text_add(out, ", and answered no ping either: nothing shows that it reads what it is sent");
        break;
    case REACTION_ACCEPTED:
        text_add(out, " went on after ");
        add_kinds(out, group, kinds);
        text_add(out, " as if nothing had happened, for ");
        add_wall(out, trace, group->most);
        break;
    case REACTIONS:
        break;
    }
}

static void add_fix(struct finding *finding, enum reaction reaction)
{
    if (reaction == REACTION_ACCEPTED || reaction == REACTION_LATE)
        finding_fix(
            finding,
            "fail the connection at once: a Close with the code that fits (1002, 1007), then "
            "the end of TCP; a library whose checks are switched off has an option for them");
    else if (reaction == REACTION_DIED)
        finding_fix(finding, "handle the library's error event: one bad frame of a server must not "
                             "end the process");
    else if (reaction == REACTION_UNREAD)
        finding_fix(finding,
                    "read from the connection all the time, also in a client that only sends");
}

static void report(const struct trace *trace, struct findings *out, enum reaction reaction,
                   const struct group *group, const struct offence_kind *kinds, size_t of,
                   bool lenient)
{
    struct text text;
    assert(reaction < REACTIONS);
    text_init(&text);
    add_sentence(trace, &text, reaction, group, kinds, of);
    enum verdict verdict = lenient && reaction == REACTION_ACCEPTED ? WARN : verdicts[reaction];
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(&text));
    text_fini(&text);
    double speed = speed_of(trace);
    bool closed = reaction == REACTION_CLOSED || reaction == REACTION_LATE;
    finding_measured(finding, closed ? "closed_after_wall_s" : "went_on_wall_s",
                     nsec_to_seconds(group->most) / speed);
    finding_measured(finding, "times", (double)group->count);
    finding_allowed(finding, "closed_after_wall_s", nsec_to_seconds(OFFENCE_PROMPT));
    finding_evidence(finding, group->from, group->to);
    add_fix(finding, reaction);
}

static bool find_kind(const struct offence_kind *kinds, const struct offence *offence, size_t *kind)
{
    if (offence->fault != OFFENCE_BAD_FRAME)
        return false;
    for (*kind = 0; kinds[*kind].what; (*kind)++)
        if (strcmp(kinds[*kind].what, offence->what) == 0)
            return offence->deflate || !kinds[*kind].deflate;
    return false;
}

struct asked {
    const struct offence_kind *kinds;
    enum reaction reaction;
    bool lenient;
};

static bool belongs(const struct trace *trace, const struct offence *offence,
                    const struct asked *asked, size_t *kind)
{
    if (!find_kind(asked->kinds, offence, kind) ||
        offence_reaction(trace, offence) != asked->reaction)
        return false;
    return asked->reaction != REACTION_ACCEPTED || asked->kinds[*kind].lenient == asked->lenient;
}

static struct group gather(const struct trace *trace, const struct offences *all,
                           const struct asked *asked)
{
    struct group group = {0};
    size_t kind, other;
    for (size_t i = 0; i < all->count; i++) {
        bool fresh = true;
        if (!belongs(trace, &all->list[i], asked, &kind))
            continue;
        for (size_t j = 0; j < i && fresh; j++)
            fresh = all->list[j].client != all->list[i].client ||
                    !belongs(trace, &all->list[j], asked, &other);
        group_add(&group, kind, &all->list[i], fresh);
    }
    return group;
}

bool offences_judge(const struct trace *trace, const struct offences *all,
                    const struct offence_kind *kinds, struct findings *out)
{
    bool any = false;
    for (int reaction = REACTIONS - 1; reaction >= 0; reaction--)
        for (int lenient = 0; lenient <= (reaction == REACTION_ACCEPTED ? 1 : 0); lenient++) {
            const struct asked asked = {kinds, (enum reaction)reaction, lenient};
            struct group group = gather(trace, all, &asked);
            any = any || group.count > 0;
            if (group.count > 0)
                report(trace, out, asked.reaction, &group, kinds, all->clients, lenient);
        }
    return any;
}

static bool is_echo(const struct offence *offence)
{
    return offence->close_code != 0 && offence->close_code != CLOSE_PROTOCOL_ERROR &&
           offence->close_code != CLOSE_INVALID_PAYLOAD;
}

void offences_judge_echoes(const struct offences *all, const struct offence_kind *kinds,
                           struct findings *out)
{
    struct group group = {0};
    struct text text;
    size_t kind;
    for (size_t i = 0; i < all->count; i++)
        if (find_kind(kinds, &all->list[i], &kind) && is_echo(&all->list[i]))
            group_add(&group, kind, &all->list[i], true);
    if (group.count == 0)
        return;
    text_init(&text);
    add_kinds(&text, &group, kinds);
    struct finding *finding = finding_add(
        out, WARN, "%zu time%s the client answered %s with %llu as if nothing were wrong",
        group.count, group.count == 1 ? "" : "s", text_chars(&text),
        (unsigned long long)group.example->close_code);
    text_fini(&text);
    finding_measured(finding, "times", (double)group.count);
    finding_allowed(finding, "times", 0);
    finding_evidence(finding, group.from, group.to);
    finding_fix(finding, "answer a Close that is illegal with 1002, or 1007 for its reason");
}

void offences_check(const struct trace *trace, const struct offence_kind *kinds, const char *needed,
                    struct findings *out)
{
    struct offences all;
    offences_of(trace, &all);
    if (!offences_judge(trace, &all, kinds, out))
        offences_say_none(&all, needed, out);
    offences_fini(&all);
}

void offences_say_none(const struct offences *all, const char *needed, struct findings *out)
{
    if (all->builtin && all->count == 0)
        finding_own_client(out);
    else
        (void)finding_add(out, INCONCLUSIVE,
                          "nothing of the kind reached an open connection; it takes %s", needed);
}
