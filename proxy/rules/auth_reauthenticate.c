/* auth.reauthenticate: a client says who it is on every connection, not on its first alone. */
#include <stdlib.h>
#include <string.h>

#include "rules/lib/connection.h"
#include "rules/lib/credentials.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"
#include "trace/messages.h"

#define PATIENCE (10 * NSEC_PER_SEC) /* on top of the time that it took at first */

/* What a connection after the first showed, in ascending weight. */
enum fate { TOO_SHORT, AGAIN, SEVERAL, SILENT, UNKNOWN, BARE, DATA_FIRST, FATES };

static const enum verdict verdicts[FATES] = {
    [TOO_SHORT] = INCONCLUSIVE, [AGAIN] = PASS, [SEVERAL] = INCONCLUSIVE, [SILENT] = WARN,
    [UNKNOWN] = WARN,           [BARE] = FAIL,  [DATA_FIRST] = FAIL,
};

/* One connection: when it authenticated, and when it sent anything else. */
struct sight {
    const struct event *credential; /* the first; NULL: none */
    bool in_request;                /* it, or another, was in the request */
    const struct message *data;     /* the first that does not authenticate; NULL: none */
    nsec undisturbed;               /* for how long nothing of ours hid what it did */
};

struct facts {
    const struct trace *trace;
    struct endings endings;
    struct credentials credentials;
    struct connections connections;
    struct messages messages; /* of the clients */
};

static const struct message *first_data(const struct facts *facts, uint32_t conn)
{
    for (size_t i = 0; i < facts->messages.count; i++) {
        const struct message *message = &facts->messages.list[i];
        if (message->conn == conn && !message->ours &&
            !credentials_have_message(&facts->credentials, conn, message->seq))
            return message;
    }
    return NULL;
}

static nsec undisturbed(const struct facts *facts, uint32_t conn)
{
    for (size_t i = 0; i < facts->connections.count; i++)
        if (facts->connections.list[i].conn == conn)
            return facts->connections.list[i].to - facts->connections.list[i].from;
    return 0;
}

static struct sight look(const struct facts *facts, const struct ending *ending)
{
    uint32_t conn = ending->attempt.conn;
    struct sight sight = {.credential = credentials_first(&facts->credentials, conn),
                          .data = first_data(facts, conn),
                          .undisturbed = undisturbed(facts, conn)};
    sight.in_request = sight.credential && !credential_is_message(sight.credential);
    return sight;
}

static bool data_first(const struct sight *sight)
{
    return sight->credential && !sight->in_request && sight->data &&
           sight->data->seq < sight->credential->ws_auth.frame;
}

/* How it was the first time. */
struct model {
    struct sight sight;
    nsec took; /* from the opening to the credential */
};

/* Without a credential on this connection. */
static enum fate fate_without(const struct facts *facts, const struct model *model,
                              const struct ending *ending, const struct sight *sight)
{
    bool declared = trace_declares(facts->trace, DECLARES_AUTH);
    nsec patience = nsec_add(model->took, PATIENCE + facts->trace->noise);
    if (!ending->alone)
        return SEVERAL;
    if (sight->data)
        return declared ? BARE : UNKNOWN;
    if (sight->undisturbed < patience)
        return TOO_SHORT;
    return model->sight.in_request ? BARE : SILENT;
}

static enum fate fate_of(const struct facts *facts, const struct model *model,
                         const struct ending *ending, const struct sight *sight)
{
    if (!sight->credential)
        return fate_without(facts, model, ending, sight);
    if (data_first(sight) && !data_first(&model->sight) && !model->sight.in_request)
        return ending->alone ? DATA_FIRST : SEVERAL;
    return AGAIN;
}

/* --- Client by client --- */

struct group {
    struct tally tally; /* measures connections, as seconds */
};

/* A connection to another address that shows no credential may be of another kind. */
static bool same_path(const struct ending *a, const struct ending *b)
{
    size_t len = a->target ? strcspn(a->target, "?") : 0;
    return a->target && b->target && len == strcspn(b->target, "?") &&
           strncmp(a->target, b->target, len) == 0;
}

static bool take_model(const struct facts *facts, size_t first, size_t end, size_t *of,
                       struct model *model)
{
    for (*of = first; *of < end; ++*of) {
        const struct ending *ending = &facts->endings.list[*of];
        const struct event *certain =
            credentials_first_certain(&facts->credentials, ending->attempt.conn);
        if (ending->attempt.opened == NEVER || !certain)
            continue;
        *model = (struct model){.sight = look(facts, ending)};
        model->sight.in_request = !credential_is_message(certain);
        model->took = nsec_max(certain->at - ending->attempt.opened, 0);
        return true;
    }
    return false;
}

/* What is told of a client: how many connections fared as the worst did. */
struct account {
    enum fate worst;
    size_t count; /* connections after the model */
    uint64_t from, to;
};

static void add(struct account *account, enum fate fate, const struct ending *ending)
{
    bool begins = account->count++ == 0;
    bool passes_over = fate == TOO_SHORT && !begins;
    if (!begins && (fate < account->worst || passes_over))
        return;
    if (begins || fate > account->worst)
        account->from = ending->attempt.from;
    account->worst = fate;
    account->to = ending->attempt.to;
}

static void judge_client(const struct facts *facts, size_t first, size_t end,
                         struct account *account, bool *modelled)
{
    struct model model;
    size_t of;
    *account = (struct account){.worst = TOO_SHORT};
    *modelled = take_model(facts, first, end, &of, &model);
    for (size_t i = of + 1; *modelled && i < end; i++) {
        const struct ending *ending = &facts->endings.list[i];
        if (ending->attempt.opened == NEVER)
            continue;
        struct sight sight = look(facts, ending);
        if (sight.credential || same_path(&facts->endings.list[of], ending))
            add(account, fate_of(facts, &model, ending, &sight), ending);
    }
}

/* --- Sentences --- */

static void report(struct findings *out, enum fate fate, const struct tally *tally, size_t of)
{
    static const char *const words[FATES] = {
        [TOO_SHORT] = " came back, and was not seen for long enough to tell whether it "
                      "authenticates again",
        [AGAIN] = " authenticated again on every connection",
        [SEVERAL] = " had several connections, of which some showed no credential: which of them "
                    "stands for the one that was lost is not seen",
        [SILENT] = " came back and sent neither a credential nor anything else",
        [UNKNOWN] = " came back without the credential of the first request, and sent messages: "
                    "whether one of them authenticates is not known; say so under auth.message "
                    "of the target file",
        [BARE] = " came back without the credential of the first connection",
        [DATA_FIRST] = " came back and sent data before it authenticated",
    };
    struct text text;
    text_init(&text);
    tally_add_who(tally, of, &text);
    text_add(&text, words[fate]);
    if (fate == BARE)
        text_add(&text, ", neither in the request nor in a message");
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_evidence(finding, tally->from, tally->to);
    finding_measured(finding, "clients", (double)tally->count);
    if (verdicts[fate] == FAIL || verdicts[fate] == WARN)
        finding_fix(finding,
                    "authenticate in the handler that runs whenever a connection opens, before "
                    "what waited is sent: a new connection knows nothing of the old one; a message "
                    "that resumes a session by a secret of its own belongs into auth.message too");
}

static void say_none(const struct facts *facts, size_t modelled, struct findings *out)
{
    if (facts->endings.count == 0 && facts->endings.builtin)
        finding_own_client(out);
    else if (modelled > 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "no client that had authenticated came back on a connection that "
                          "opened");
    else if (!trace_declares(facts->trace, DECLARES_AUTH))
        finding_lacks(out, declaration_missing(DECLARES_AUTH, facts->trace->declares));
    else
        (void)finding_add(out, INCONCLUSIVE,
                          "no connection showed a credential: no request had one, and no message "
                          "matched auth.message of the target file");
}

static void judge(const struct facts *facts, struct findings *out)
{
    struct tally tallies[FATES] = {{0}};
    size_t modelled = 0, judged = 0;
    for (size_t first = 0, end; first < facts->endings.count; first = end) {
        struct account account;
        bool has_model;
        end = endings_of_client_end(&facts->endings, first);
        judge_client(facts, first, end, &account, &has_model);
        modelled += has_model;
        if (account.count == 0)
            continue;
        judged++;
        tally_add(&tallies[account.worst], 0, account.from, account.to);
    }
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (tallies[fate].count > 0)
            report(out, (enum fate)fate, &tallies[fate], judged);
    if (judged == 0)
        say_none(facts, modelled, out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct facts facts = {.trace = trace};
    (void)config;
    endings_of(trace, &facts.endings);
    credentials_of(trace, &facts.credentials);
    connections_of(trace, &facts.connections);
    messages_of(trace, SIDE_CLIENT, &facts.messages);
    judge(&facts, out);
    messages_fini(&facts.messages);
    connections_fini(&facts.connections);
    credentials_fini(&facts.credentials);
    endings_fini(&facts.endings);
}

const struct rule_desc auth_reauthenticate_rule = {
    .name = "auth.reauthenticate",
    .id = "AUTH-04",
    .title = "Re-authenticate after reconnect",
    .brief = "each new connection authenticates before it sends data",
    .doc =
        "Provoked by cutting connections of clients that have authenticated. Observed is what each new "
        "connection shows: a credential in the query or the path, in Authorization, in a cookie, as a "
        "subprotocol, or in a message that the target file declares (auth.message). Any of them, before other "
        "data, passes. The first connection of the client says how it is done: where data went ahead of the credential "
        "there already, the order is not asked for later. Data and no credential, or data first, is a "
        "failure: the server that the client is connected to now has never heard of it, or believes "
        "whoever comes from the same address. Nothing at all for 10 seconds longer than it took the first "
        "time is a warning. Heartbeats are no data. A client that shows no credential anywhere is not tested "
        "unless the target file says how it authenticates. To mend a failure authenticate in the "
        "handler that runs whenever a connection opens.",
    .source = "RFC 6455 10.5",
    .example = "auth.reauthenticate",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};
