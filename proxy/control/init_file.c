#include "control/init_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "trace/declares.h"
#include "ws/redact.h"

#define WIDTH 100

/* --- YAML --- */

static bool is_plain(const char *chars)
{
    for (const char *at = chars; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    return true;
}

void init_add_quoted(struct text *out, const char *chars)
{
    bool plain = is_plain(chars);
    text_add(out, plain ? "'" : "\"");
    for (const char *at = chars; *at; at++) {
        if (plain)
            text_addf(out, *at == '\'' ? "''" : "%c", *at);
        else if ((unsigned char)*at < ' ' || *at == 0x7f)
            text_addf(out, "\\x%02x", (unsigned)*at);
        else
            text_addf(out, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    }
    text_add(out, plain ? "'" : "\"");
}

static void put(struct text *out, const char *before, const char *value)
{
    text_add(out, before);
    init_add_quoted(out, value);
    text_add(out, "\n");
}

/* Words behind "# ", folded. What a stranger sent has no line ends to leave the comment by. */
static void remark(struct text *out, const char *indent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void remark(struct text *out, const char *indent, const char *format, ...)
{
    struct text words;
    va_list args;
    size_t column = 0;
    text_init(&words);
    va_start(args, format);
    text_vaddf(&words, format, args);
    va_end(args);
    for (const char *at = text_chars(&words); *at;) {
        size_t len = strcspn(at, " \r\n\t");
        if (column == 0 || column + 1 + len > WIDTH) {
            text_addf(out, "%s%s#", column == 0 ? "" : "\n", indent);
            column = strlen(indent) + 1;
        }
        text_add(out, " ");
        text_add_bytes(out, at, len);
        column += 1 + len;
        at += len + strspn(at + len, " \r\n\t");
    }
    text_add(out, "\n");
    text_fini(&words);
}

static char *shown(nsec time)
{
    struct text out;
    text_init(&out);
    units_add_duration(&out, time);
    return text_take(&out);
}

/* As it would be typed, to a tenth of a second. */
static char *typed(nsec time)
{
    struct text out;
    nsec tenth = NSEC_PER_SEC / 10;
    text_init(&out);
    units_add_duration_yaml(&out, time < tenth ? time : (time + tenth / 2) / tenth * tenth);
    return text_take(&out);
}

/* --- The parts --- */

static void add_head(const struct init_facts *facts, struct text *out)
{
    char *watched = shown(facts->lessons->watched);
    remark(
        out, "",
        "What is under test, for halfopen run. Written by halfopen init on %s, which watched the "
        "client for %s and broke nothing. Lines that hold were seen; lines behind a '#' are "
        "guesses and choices.",
        facts->date, watched);
    remark(out, "",
           "halfopen validate FILE checks it, halfopen explain NAME tells more of a rule, a fault "
           "or a profile.");
    free(watched);
    text_add(out, "\n");
}

static void add_system(const struct init_facts *facts, struct text *out)
{
    text_add(out, "system: # printed in reports\n");
    put(out, "  name: ", facts->system);
    text_add(out, "  # version: \"{env.GIT_SHA}\" # from the environment\n"
                  "  # owner: who answers for it\n\n");
}

static void add_socket(const struct socket_lesson *socket, struct text *out)
{
    char *longest = shown(socket->longest);
    remark(out, "  ", "%llu %s on %s%s%s, open for %s at most",
           (unsigned long long)socket->attempts,
           socket->attempts == 1 ? "connection" : "connections", socket->path,
           socket->protocols && *socket->protocols ? " for " : "",
           socket->protocols ? socket->protocols : "", longest);
    free(longest);
}

/* The one that stayed open longest is the application's, the others perhaps a dev server's. */
static const struct socket_lesson *main_socket(const struct lessons *lessons)
{
    const struct socket_lesson *best = NULL;
    for (size_t i = 0; i < lessons->socket_count; i++)
        if (!best || lessons->sockets[i].longest > best->longest)
            best = &lessons->sockets[i];
    return best;
}

static bool is_telling(const struct lessons *lessons,
                       const char *(*of)(const struct socket_lesson *))
{
    const char *first = of(&lessons->sockets[0]);
    for (size_t i = 1; i < lessons->socket_count; i++) {
        const char *other = of(&lessons->sockets[i]);
        if (strcmp(first ? first : "", other ? other : "") != 0)
            return true;
    }
    return false;
}

static const char *path_of(const struct socket_lesson *socket)
{
    return socket->path;
}

static const char *protocols_of(const struct socket_lesson *socket)
{
    return socket->protocols;
}

static void add_sockets(const struct lessons *lessons, struct text *out)
{
    const struct socket_lesson *best = main_socket(lessons);
    bool several = lessons->socket_count > 1;
    bool by_path = several && is_telling(lessons, path_of) && !strstr(best->path, REDACTED);
    bool by_protocol = several && !by_path && is_telling(lessons, protocols_of) &&
                       best->protocols && *best->protocols && !strchr(best->protocols, ',');
    if (several)
        remark(out, "  ",
               "It opens several kinds of sockets. Those that count are the ones below: "
               "the kind that stayed open longest.");
    for (size_t i = 0; i < lessons->socket_count; i++)
        add_socket(&lessons->sockets[i], out);
    if (by_path)
        put(out, "  sockets:\n    path: ", best->path);
    else if (by_protocol)
        put(out, "  sockets:\n    protocol: ", best->protocols);
    else if (best) {
        text_add(out, "  # sockets: {path: ");
        init_add_quoted(out, best->path);
        text_add(out, "} # were it to open others that do not count\n");
    }
}

static void add_client(const struct init_facts *facts, struct text *out)
{
    const struct lessons *lessons = facts->lessons;
    const struct socket_lesson *best = main_socket(lessons);
    if (!facts->client) {
        remark(out, "",
               "No client: the built-in reference client stands in, and the server is "
               "tested.");
        text_add(out, "# client:\n#   command: node app.js {url}\n\n");
        return;
    }
    text_add(out, "client:\n");
    remark(out, "  ",
           "{url}, {index} and {port} are replaced; each client is a process of its own "
           "with HALFOPEN_URL and HALFOPEN_INDEX in its environment.");
    put(out, "  command: ", facts->client);
    text_add(out,
             "  # env: {NODE_ENV: test} # \"{env.NAME}\" passes a secret on and is redacted\n");
    if (best && best->agent && *best->agent)
        remark(out, "  ", "It calls itself %s", best->agent);
    add_sockets(lessons, out);
    text_add(out, "\n");
}

static void add_server(const struct init_facts *facts, struct text *out)
{
    if (facts->server || facts->server_command) {
        text_add(out, "server:\n");
        if (facts->server_command)
            put(out, "  command: ", facts->server_command);
        if (facts->server)
            put(out, "  url: ", facts->server);
        if (facts->insecure)
            text_add(out, "  tls: {verify: false} # better: {ca: ca.pem}\n");
        text_add(out, "\n");
        return;
    }
    remark(out, "",
           "Without a server halfopen's own answers: it opens, answers pings, and says "
           "nothing by itself. What depends on answers is tested with yours:");
    text_add(out, "# server:\n"
                  "#   command: node server.js {port}\n"
                  "#   url: ws://127.0.0.1:{port}/\n\n");
}

static void add_path(const struct init_facts *facts, struct text *out)
{
    if (facts->tls)
        text_add(out, "tls: true # the client is given a wss:// URL\n\n");
    remark(out, "",
           "The intermediary it runs behind in production: its idle timer is what heartbeats "
           "are held against (halfopen list intermediaries).");
    text_add(out, "# behind: nginx\n\n");
}

/* --- Heartbeats --- */

static void add_interval(const struct beat_lesson *beat, const char *who, const char *what,
                         struct text *out)
{
    char *interval = shown(beat->interval);
    if (beat->beats > 1)
        remark(out, "", "%s %s every %s (%llu seen).", who, what, interval,
               (unsigned long long)beat->beats);
    else
        remark(out, "", "%s %s (once).", who, what);
    free(interval);
}

static void add_patterns(const struct beat_lesson *beat, const char *margin, struct text *out)
{
    if (!beat->ping) {
        remark(out, "",
               "No pattern tells these messages from its others; one of your own goes here:");
        margin = "# ";
    }
    text_addf(out, "%sheartbeat:\n%s  ping: ", margin, margin);
    init_add_quoted(out, beat->ping ? beat->ping : "\"type\":\"ping\"");
    text_addf(out, "\n%s  pong: ", beat->pong ? margin : "# ");
    init_add_quoted(out, beat->pong ? beat->pong : "\"type\":\"pong\"");
    text_add(out, beat->pong ? "\n" : " # no answer was seen\n");
}

static void add_no_beat(const struct init_facts *facts, struct text *out)
{
    char *watched = shown(facts->lessons->watched);
    remark(out, "",
           "No heartbeat of the client was seen in %s. A longer look (halfopen init --for 3m) "
           "finds a slow one. If it sends one of its own, this says what it looks like "
           "(PCRE2):",
           watched);
    text_add(out, "# heartbeat:\n#   ping: '\"type\":\"ping\"'\n#   pong: '\"type\":\"pong\"'\n");
    free(watched);
}

static void add_beat(const struct beat_lesson *beat, const char *who, struct text *out)
{
    switch (beat->how) {
    case BEAT_NONE:
        break;
    case BEAT_PINGS:
        add_interval(beat, who, "sends a protocol ping", out);
        break;
    case BEAT_PONGS:
        add_interval(beat, who, "sends an unsolicited pong, which nothing answers,", out);
        break;
    case BEAT_WORD:
        add_interval(beat, who,
                     "sends a heartbeat of the application, in words that need no pattern,", out);
        break;
    case BEAT_APPLICATION:
        add_interval(beat, who, "sends a message so evenly that it is taken for a heartbeat,", out);
        add_patterns(beat, "", out);
        break;
    case BEAT_MAYBE:
        add_interval(beat, who, "sends a message that may be a heartbeat,", out);
        remark(out, "",
               "Too few to be sure: take away the '#' if it is one, or look longer "
               "(halfopen init --for 3m).");
        add_patterns(beat, "# ", out);
        break;
    }
}

static bool has_patterns(const struct beat_lesson *beat)
{
    return beat->how == BEAT_APPLICATION || beat->how == BEAT_MAYBE;
}

static void add_heartbeat(const struct init_facts *facts, struct text *out)
{
    const struct lessons *lessons = facts->lessons;
    add_beat(&lessons->client, "The client", out);
    /* One place for patterns: the client's go first. */
    if (!has_patterns(&lessons->client) || !has_patterns(&lessons->server))
        add_beat(&lessons->server, "The server", out);
    if (lessons->client.how == BEAT_NONE && lessons->server.how == BEAT_NONE)
        add_no_beat(facts, out);
    text_add(out, "\n");
}

/* --- Messages, credentials, hooks --- */

static void add_messages(const struct lessons *lessons, struct text *out)
{
    if (lessons->sent > 0)
        remark(out, "",
               "It sends by itself: %llu messages, %.2g a second, beside heartbeats and "
               "first words.",
               (unsigned long long)lessons->sent,
               (double)lessons->sent / nsec_to_seconds(lessons->watched));
    else
        remark(out, "",
               "It sends nothing by itself; hooks.send below lets halfopen ask for messages.");
    if (lessons->id) {
        remark(out, "",
               "Messages of the %s carry a number that counts: by it each is recognised again, "
               "so that loss, repetition and order are seen.",
               lessons->id_from == SIDE_CLIENT ? "client" : "server");
        put(out, "messages:\n  id: ", lessons->id);
    } else {
        remark(out, "",
               "By what a message is recognised again, for loss, repetition and order (PCRE2, "
               "the first group is the id):");
        text_add(out, "# messages:\n#   id: '\"id\":(\\d+)'\n");
    }
    text_add(out, "\n");
}

static void add_auth(const struct lessons *lessons, struct text *out)
{
    if (lessons->query_key)
        remark(out, "",
               "Its URL carries '%s'. A URL ends up in logs; see halfopen explain AUTH-01.",
               lessons->query_key);
    if (!lessons->authenticates) {
        remark(out, "", "No first message that looks like credentials was seen. If there is one:");
        text_add(out, "# auth: {message: '\"type\":\"auth\"', token: \"{env.WS_TOKEN}\"}\n\n");
        return;
    }
    remark(out, "",
           "The first message on a connection looks like credentials%s%s%s. Its value is not "
           "written here.",
           lessons->auth_key ? ": it has '" : "", lessons->auth_key ? lessons->auth_key : "",
           lessons->auth_key ? "'" : "");
    if (lessons->auth_message)
        put(out, "auth:\n  message: ", lessons->auth_message);
    text_addf(out, "%s token: \"{env.WS_TOKEN}\" # the same value from the environment, redacted\n",
              lessons->auth_message ? "  #" : "# auth:\n#  ");
    text_addf(
        out,
        "%s ack: '\"type\":\"auth_ok\"' # how the server acknowledges it, and what halfopen's "
        "own\n%s answer: '{\"type\":\"auth_ok\"}' # server answers where there is no other\n\n",
        lessons->auth_message ? "  #" : "#  ", lessons->auth_message ? "  #" : "#  ");
}

/* "send: {stdin: 'send {n}'}" of "hooks: {send: {stdin: 'send {n}'}}" */
static void add_hook(const struct declaration *declaration, struct text *out)
{
    const char *inner = strchr(declaration->example, '{');
    size_t len = inner ? strlen(inner) : 0;
    if (len < 2)
        return;
    text_addf(out, "#   %.*s # without it %s\n", (int)len - 2, inner + 1, declaration->lack);
}

static void add_sessions(struct text *out)
{
    remark(out, "",
           "How it takes up its session on a new connection. Without these lines, what it says in "
           "its first ten seconds is what it has to say again.");
    text_add(out, "# sessions:\n"
                  "#   subscribe: '\"type\":\"subscribe\",\"topic\":\"(\\w+)\"'\n"
                  "#   resume: '\"type\":\"resume\"' # it asks for what it missed\n"
                  "#   state: '\"session\":\"(\\w+)\"' # the server says which session it is\n\n");
}

static void add_hooks(struct text *out)
{
    remark(out, "",
           "How to make the client act and to hear what its user hears. Rules that need one "
           "are not_tested without it: a line on its stdin, or http: POST http://...");
    text_add(out, "# hooks:\n");
    for (const struct declaration *declaration = declarations; declaration->part; declaration++)
        if (strcmp(declaration->part, "hooks") == 0)
            add_hook(declaration, out);
    text_add(out, "\n");
}

/* --- What is asked --- */

static void add_policy(const struct init_facts *facts, struct text *out)
{
    const struct beat_lesson *beat = &facts->lessons->client;
    char *asked = shown(facts->asked->ping), *seen = shown(beat->interval);
    char *as_typed = typed(beat->interval);
    remark(out, "", "Numbers of your own, instead of the profile's (halfopen explain default).%s",
           beat->beats > 1 ? "" : " For example:");
    if (beat->beats > 1)
        remark(out, "",
               "Asked is a heartbeat every %s; the client's comes every %s. To ask for what it "
               "does today:",
               asked, seen);
    text_addf(out, "# policy: {ping: %s}\n\n", beat->beats > 1 ? as_typed : "25s");
    free(asked);
    free(seen);
    free(as_typed);
}

static void add_rules(const struct init_facts *facts, struct text *out)
{
    long year = strtol(facts->date, NULL, 10) + 1;
    text_add(out, "rules:\n  suite: core # client: all that can be asked of a client\n");
    if (facts->lessons->browser)
        text_add(out,
                 "  profile: browser # its User-Agent is a browser's: no pings, no statuses\n");
    else
        text_add(out, "  # profile: strict # halfopen list profiles\n");
    text_addf(out,
              "  # require: [reconnect.silent_death] # exit 4 unless it was decided\n"
              "  # accept: # a failure somebody answers for until a day\n"
              "  #   reconnect.jitter: {until: %ld-01-31, owner: rt-team, reason: RT-8812}\n",
              year);
}

void init_file_write(const struct init_facts *facts, struct text *out)
{
    add_head(facts, out);
    add_system(facts, out);
    add_client(facts, out);
    add_server(facts, out);
    add_path(facts, out);
    add_heartbeat(facts, out);
    add_messages(facts->lessons, out);
    add_auth(facts->lessons, out);
    add_sessions(out);
    add_hooks(out);
    add_policy(facts, out);
    add_rules(facts, out);
}
