/* close.failure_code: a connection that fails is closed with the code that says why. */
#include <assert.h>
#include <string.h>

#include "rules/lib/offence.h"
#include "ws/close.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* What was wrong, and which codes say so; other violations are 1002. */
static const struct {
    const char *what;
    uint64_t codes[2];
} fitting[] = {
    {"bad_utf8", {CLOSE_INVALID_PAYLOAD}},
    {"bad_close_reason", {CLOSE_INVALID_PAYLOAD, CLOSE_PROTOCOL_ERROR}},
    {"huge_length", {CLOSE_PROTOCOL_ERROR, CLOSE_TOO_BIG}},
};

enum answer { ANSWER_FITS, ANSWER_OTHER, ANSWER_NONE, ANSWER_NORMAL, ANSWERS };

static const enum verdict verdicts[ANSWERS] = {
    [ANSWER_FITS] = PASS, [ANSWER_OTHER] = WARN, [ANSWER_NONE] = WARN, [ANSWER_NORMAL] = FAIL};

struct group {
    size_t count;
    const struct offence *example;
    uint64_t from, to;
};

static bool fits(const struct offence *offence)
{
    if (offence->fault == OFFENCE_OVERSIZE)
        return offence->close_code == CLOSE_TOO_BIG;
    for (size_t i = 0; i < COUNT(fitting); i++)
        if (strcmp(fitting[i].what, offence->what) == 0)
            return offence->close_code == fitting[i].codes[0] ||
                   offence->close_code == fitting[i].codes[1];
    return offence->close_code == CLOSE_PROTOCOL_ERROR;
}

/* Whoever did not even close is another rule's business; so is the echo of an illegal Close. A
 * length that is too long may be taken, and then it is the application that closes. */
static bool is_asked(const struct trace *trace, const struct offence *offence)
{
    enum reaction reaction = offence_reaction(trace, offence);
    bool other =
        strcmp(offence->what, "long_length") == 0 || strcmp(offence->what, "bad_close_code") == 0 ||
        strcmp(offence->what, "short_close") == 0 || strcmp(offence->what, "bad_close_reason") == 0;
    return offence->fault != OFFENCE_CLOSE && !other &&
           (reaction == REACTION_CLOSED || reaction == REACTION_LATE);
}

static enum answer answer_of(const struct offence *offence)
{
    if (offence->close_code == 0)
        return ANSWER_NONE;
    if (fits(offence))
        return ANSWER_FITS;
    return offence->close_code == CLOSE_NORMAL ? ANSWER_NORMAL : ANSWER_OTHER;
}

static void add_offence(struct text *out, const struct offence *offence)
{
    if (offence->fault == OFFENCE_OVERSIZE)
        text_add(out, "a message that is too large");
    else
        text_addf(out, "a frame of the kind %s", offence->what);
}

static void add_sentence(struct text *out, enum answer answer, const struct group *group)
{
    text_addf(out, "%zu of the connections that failed were ", group->count);
    switch (answer) {
    case ANSWER_FITS:
        text_add(out, "closed with the code that says why");
        return;
    case ANSWER_OTHER:
    case ANSWER_NORMAL:
        if (group->example->close_code == CLOSE_NO_STATUS)
            text_add(out, "closed with a Close without a code");
        else
            text_addf(out, "closed with %llu", (unsigned long long)group->example->close_code);
        break;
    case ANSWER_NONE:
        text_add(out, "ended without a Close");
        break;
    case ANSWERS:
        break;
    }
    text_add(out, ", as after ");
    add_offence(out, group->example);
    text_addf(out, "; %d would say what was wrong",
              group->example->fault == OFFENCE_OVERSIZE       ? CLOSE_TOO_BIG
              : strcmp(group->example->what, "bad_utf8") == 0 ? CLOSE_INVALID_PAYLOAD
                                                              : CLOSE_PROTOCOL_ERROR);
}

static void report(struct findings *out, enum answer answer, const struct group *group)
{
    struct text text;
    assert(answer < ANSWERS);
    text_init(&text);
    add_sentence(&text, answer, group);
    struct finding *finding = finding_add(out, verdicts[answer], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "connections", (double)group->count);
    finding_measured(finding, "code", (double)group->example->close_code);
    finding_evidence(finding, group->from, group->to);
    if (answer != ANSWER_FITS)
        finding_fix(finding, "send a Close with 1002 for broken frames, 1007 for text that is no "
                             "UTF-8, 1009 for what is too large, before ending the connection");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct group groups[ANSWERS] = {{0}};
    struct offences all;
    (void)config;
    offences_of(trace, &all);
    for (size_t i = 0; i < all.count; i++) {
        const struct offence *offence = &all.list[i];
        if (!is_asked(trace, offence))
            continue;
        struct group *group = &groups[answer_of(offence)];
        if (group->count++ == 0)
            *group = (struct group){1, offence, offence->from, offence->to};
        group->to = offence->to;
    }
    for (int answer = ANSWERS - 1; answer >= 0; answer--)
        if (groups[answer].count > 0)
            report(out, (enum answer)answer, &groups[answer]);
    if (!out->first && all.count > 0)
        (void)finding_add(
            out, INCONCLUSIVE,
            "the client itself failed none of the %zu connections that gave it reason "
            "to; whether it should have is another rule's business",
            all.count);
    else if (!out->first)
        offences_say_none(&all, "a connection that the client failed, as after the fault bad_frame",
                          out);
    offences_fini(&all);
}

const struct rule_desc close_failure_code_rule = {
    .name = "close.failure_code",
    .id = "CLOSE-03",
    .title = "The right failure code",
    .brief = "a connection that fails is closed with a code that says why",
    .doc =
        "Observed is the Close with which the client ends a connection after the faults bad_frame and "
        "oversize_message: 1002 for frames that the protocol forbids, 1007 for text that is no UTF-8, 1009 "
        "for what is too large. Another code, or none, is a warning; 1000 is a failure, since it tells "
        "the server that all is well. Connections that the client did not end are another rule's. Codes "
        "are what the server's logs have to go by when a release breaks its clients. The remedy is to "
        "leave closing after an error to the library.",
    .source = "RFC 6455 7.4.1",
    .example = "close.failure_code",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .check = check,
};
