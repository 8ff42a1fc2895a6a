/* auth.first_message: a client that authenticates in its first message waits for the
 * acknowledgement. */
#include <stdlib.h>
#include <string.h>

#include "rules/lib/credentials.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"
#include "trace/messages.h"

#define HELD_LEAST NSEC_PER_SEC /* shorter: who never waits may seem to */

/* What one connection showed, in ascending weight. */
enum fate { UNANSWERED, AT_ONCE, IDLE, OTHERWISE, WAITED, TALKED, EARLY, FATES };

static const enum verdict verdicts[FATES] = {
    [UNANSWERED] = INCONCLUSIVE, [AT_ONCE] = INCONCLUSIVE, [IDLE] = INCONCLUSIVE, [WAITED] = PASS,
    [OTHERWISE] = INCONCLUSIVE,  [TALKED] = WARN,          [EARLY] = FAIL,
};

struct facts {
    const struct trace *trace;
    struct credentials credentials;
    struct messages clients, servers;
};

struct sight {
    enum fate fate;
    nsec measured; /* EARLY: how long before the acknowledgement; else for how long it was held */
    uint64_t from, to;
};

/* The first message of the server that acknowledges; NULL: none came, or it is not known. */
static const struct message *ack_of(const struct facts *facts, uint32_t conn)
{
    const struct event *ev;
    for (size_t i = 0; (ev = trace_next(facts->trace, &i, EV_WS_AUTH));) {
        if (ev->conn != conn || strcmp(ev->ws_auth.what, "ack") != 0)
            continue;
        for (size_t k = 0; k < facts->servers.count; k++)
            if (facts->servers.list[k].seq == ev->ws_auth.frame)
                return &facts->servers.list[k];
    }
    return NULL;
}

/* The client's first other message with a seq above that and not before that time; NULL: none. */
static const struct message *data_after(const struct facts *facts, uint32_t conn, uint64_t seq,
                                        nsec from)
{
    for (size_t i = 0; i < facts->clients.count; i++) {
        const struct message *message = &facts->clients.list[i];
        if (message->conn == conn && message->seq > seq && message->at >= from && !message->ours &&
            !credentials_have_message(&facts->credentials, conn, message->seq))
            return message;
    }
    return NULL;
}

/* It had heard something of the server, which may be the answer that it waits for. */
static bool heard_between(const struct facts *facts, uint32_t conn, nsec from, nsec to)
{
    for (size_t i = 0; i < facts->servers.count; i++) {
        const struct message *message = &facts->servers.list[i];
        if (message->conn == conn && message->delivered > from && message->delivered <= to)
            return true;
    }
    return false;
}

static enum fate fate_of_waiting(const struct facts *facts, const struct event *auth,
                                 const struct message *ack, nsec held)
{
    bool spoke = ack->delivered != NEVER &&
                 data_after(facts, auth->conn, auth->ws_auth.frame, ack->delivered);
    if (held < HELD_LEAST)
        return AT_ONCE;
    return spoke ? WAITED : IDLE;
}

/* How a connection that authenticates in a message went on. */
static struct sight look(const struct facts *facts, const struct event *auth)
{
    const struct message *ack = ack_of(facts, auth->conn);
    struct sight sight = {.fate = UNANSWERED, .from = auth->ws_auth.frame, .to = auth->seq};
    const struct message *talk = data_after(facts, auth->conn, 0, 0);
    if (talk && talk->seq < auth->ws_auth.frame) {
        sight.fate = TALKED;
        sight.from = talk->seq;
    }
    if (!ack)
        return sight;
    const struct message *data = data_after(facts, auth->conn, auth->ws_auth.frame, 0);
    nsec held = ack->delivered == NEVER ? facts->trace->end - auth->at : ack->delivered - auth->at;
    bool early = data && data->at < ack->delivered;
    if (early && heard_between(facts, auth->conn, auth->at, data->at)) {
        sight.fate = OTHERWISE;
    } else if (early) {
        sight.fate = EARLY;
        sight.measured = (ack->delivered == NEVER ? facts->trace->end : ack->delivered) - data->at;
    } else if (sight.fate != TALKED) {
        sight.fate = fate_of_waiting(facts, auth, ack, held);
        sight.measured = held;
    }
    sight.to = data ? data->seq : ack->seq;
    return sight;
}

/* --- Sentences --- */

static void add_sentence(enum fate fate, struct text *out)
{
    static const char *const words[FATES] = {
        [UNANSWERED] = " authenticated, and nothing of the server matched auth.ack",
        [AT_ONCE] = " was acknowledged at once, so that it had no time to be early",
        [IDLE] = " waited for the acknowledgement, and had nothing to send",
        [WAITED] = " sent nothing else until the acknowledgement came, held back for ",
        [OTHERWISE] = " sent data when something had come that auth.ack does not match",
        [TALKED] = " sent data before it authenticated",
        [EARLY] = " sent data after its credential and before the acknowledgement, by ",
    };
    text_add(out, words[fate]);
}

static void report(struct findings *out, enum fate fate, const struct tally *tally, size_t of)
{
    struct text text;
    text_init(&text);
    tally_add_who(tally, of, &text);
    add_sentence(fate, &text);
    if (fate == WAITED || fate == EARLY)
        tally_add_range(tally, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_evidence(finding, tally->from, tally->to);
    if (fate == EARLY)
        finding_measured(finding, "early_s", nsec_to_seconds(tally->most));
    if (verdicts[fate] == WARN || verdicts[fate] == FAIL)
        finding_fix(finding, "keep what is to be sent until the acknowledgement has come, as it "
                             "is kept while there is no connection: what arrives before it may be "
                             "refused, or done for nobody");
}

/* The worst of a client's connections counts; of one without data another may decide. */
static void take(struct sight *worst, struct sight sight, bool first)
{
    if (first || sight.fate > worst->fate)
        *worst = sight;
}

struct clients {
    struct tally tallies[FATES];
    size_t count;
};

static void add_client(struct clients *clients, const struct sight *worst)
{
    tally_add(&clients->tallies[worst->fate], worst->measured, worst->from, worst->to);
    clients->count++;
}

/* The first of each connection that authenticates in a message. */
static const struct event *next_login(const struct facts *facts, size_t *i)
{
    while (*i < facts->credentials.count) {
        const struct event *ev = facts->credentials.list[(*i)++];
        bool first = *i < 2 || facts->credentials.list[*i - 2]->conn != ev->conn ||
                     !credential_is_message(facts->credentials.list[*i - 2]);
        if (credential_is_message(ev) && first)
            return ev;
    }
    return NULL;
}

static void judge_client(const struct facts *facts, int client, struct clients *clients)
{
    struct sight worst = {.fate = UNANSWERED};
    size_t i = 0, seen = 0;
    for (const struct event *auth; (auth = next_login(facts, &i));)
        if (auth->client == client)
            take(&worst, look(facts, auth), seen++ == 0);
    if (seen > 0)
        add_client(clients, &worst);
}

static void judge(const struct facts *facts, struct findings *out)
{
    struct clients clients = {.count = 0};
    for (size_t i = 0; i < trace_clients(facts->trace); i++)
        judge_client(facts, (int)i, &clients);
    bool told = trace_declares(facts->trace, DECLARES_SEND);
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (clients.tallies[fate].count > 0 && fate == IDLE && !told)
            finding_lacks(out, declaration_missing(DECLARES_SEND, facts->trace->declares));
        else if (clients.tallies[fate].count > 0)
            report(out, (enum fate)fate, &clients.tallies[fate], clients.count);
    if (clients.count == 0)
        (void)finding_add(out, INCONCLUSIVE, "no message matched auth.message of the target file");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct facts facts = {.trace = trace};
    (void)config;
    credentials_of(trace, &facts.credentials);
    messages_of(trace, SIDE_CLIENT, &facts.clients);
    messages_of(trace, SIDE_SERVER, &facts.servers);
    judge(&facts, out);
    messages_fini(&facts.servers);
    messages_fini(&facts.clients);
    credentials_fini(&facts.credentials);
}

const struct rule_desc auth_first_message_rule = {
    .name = "auth.first_message",
    .id = "AUTH-02",
    .title = "First-message auth waits for the ack",
    .brief = "nothing is sent between the credential and its ack",
    .doc =
        "For clients that authenticate in a message: auth.message of the target file says which, and auth.ack "
        "how the server acknowledges it. Where the server is halfopen's own, auth.answer is what it "
        "answers. Provoked by keeping the server's messages back for 4 seconds on new connections, so that who does not wait "
        "is seen, and by giving the client something to send (hooks.send). Observed are the messages "
        "between the credential and the moment at which the acknowledgement reached the client; heartbeats and "
        "further messages that authenticate are left out. None passes. Data within that time fails: the "
        "server may refuse it, or act on it for nobody. Data ahead of the credential is a warning. "
        "When something else of the server had come before, it may be the answer that the client "
        "waits for, and nothing is decided. Protocols that allow sending before the acknowledgement, "
        "as MQTT does, are declared without auth.ack, and are not tested. To mend a failure keep what "
        "is to be sent until the acknowledgement has come.",
    .source = "RFC 6455 10.5",
    .example = "auth.first_message",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(WS_OPEN),
    .declares = DECLARES_AUTH | DECLARES_ACK | DECLARES_ANSWER,
    .check = check,
};
