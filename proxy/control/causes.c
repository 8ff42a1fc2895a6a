#include "control/causes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- What was seen --- */

static void keep(char **into, const char *text)
{
    if (!text || !*text)
        return;
    free(*into);
    *into = xstrdup(text);
}

static void note_request(struct sightings *seen, const struct ev_http_request *request)
{
    seen->requests++;
    seen->upgrades += request->upgrade;
    seen->selected += request->counts;
    keep(&seen->target, request->target);
    keep(&seen->wrong, request->wrong);
}

static void note_response(struct sightings *seen, const struct ev_http_response *response)
{
    if (seen->upgrades > 0 && response->status >= 200)
        seen->status = response->status;
    keep(&seen->wrong, response->wrong);
}

void sightings_note(struct sightings *seen, const struct event *ev)
{
    switch ((int)ev->kind) {
    case EV_TCP_OPEN:
        seen->connections++;
        break;
    case EV_TCP_CONNECT:
        if (strcmp(ev->tcp_connect.how, "connected") != 0)
            keep(&seen->trouble, ev->tcp_connect.how);
        break;
    case EV_HTTP_REQUEST:
        note_request(seen, &ev->http_request);
        break;
    case EV_HTTP_RESPONSE:
        note_response(seen, &ev->http_response);
        break;
    case EV_WS_OPEN:
        seen->opened++;
        break;
    default:
        break;
    }
}

void sightings_fini(struct sightings *seen)
{
    free(seen->target);
    free(seen->trouble);
    free(seen->wrong);
    *seen = (struct sightings){0};
}

/* --- What it suggests --- */

static void add_cause(struct text *out, const char *sentence)
{
    text_addf(out, "\nlikely cause: %s", sentence);
}

static void add_no_connection(const struct circumstances *round, struct text *out)
{
    const char *command = round->command ? round->command : "";
    bool told = strstr(command, "{url}") || strstr(command, "{port}");
    text_addf(out, "\nnothing connected to 127.0.0.1:%u", round->port);
    if (!told)
        add_cause(
            out, "the command holds neither {url} nor {port}; does the program read HALFOPEN_URL?");
    else
        add_cause(out, "the program does not use the URL it was given, or waits for something else "
                       "before it connects");
}

static void add_no_request(const struct circumstances *round, struct text *out)
{
    if (round->tls)
        add_cause(out, "the TLS handshake failed: the client has to trust the local authority "
                       "(NODE_EXTRA_CA_CERTS, SSL_CERT_FILE and REQUESTS_CA_BUNDLE name it)");
    else
        add_cause(out,
                  "it connected and sent no HTTP request; does it speak TLS (wss://) to a ws:// "
                  "address?");
}

static void add_no_opening(const struct sightings *seen, struct text *out)
{
    const char *target = seen->target ? seen->target : "";
    if (seen->trouble)
        text_addf(out, "\nlikely cause: the server could not be reached: %s", seen->trouble);
    else if (seen->status > 0)
        text_addf(out,
                  "\nlikely cause: the server answered %llu to the upgrade of %s; is the path "
                  "right?",
                  (unsigned long long)seen->status, target);
    else if (seen->wrong)
        text_addf(out, "\nlikely cause: the opening handshake is wrong: %s", seen->wrong);
    else
        text_addf(out, "\nlikely cause: the server did not answer the upgrade of %s", target);
}

void causes_of_silence(const struct sightings *seen, const struct circumstances *round,
                       struct text *out)
{
    if (seen->connections == 0)
        add_no_connection(round, out);
    else if (seen->requests == 0 && !seen->trouble)
        add_no_request(round, out);
    else if (seen->upgrades == 0 && !seen->trouble)
        text_addf(out,
                  "\nlikely cause: it sent HTTP requests, the last one for %s, and none asked for "
                  "a WebSocket",
                  seen->target);
    else if (seen->upgrades > 0 && seen->selected == 0)
        text_addf(out,
                  "\nlikely cause: it opened a WebSocket at %s, which is not among those that "
                  "count (client.sockets of the target file)",
                  seen->target);
    else if (seen->opened == 0)
        add_no_opening(seen, out);
}

void causes_of_exit(const char *how, bool client, size_t left, struct text *out)
{
    static const struct {
        const char *how, *cause;
    } known[] = {
        {"exit 127", "the shell found no such command; is it installed, and in PATH?"},
        {"exit 126", "the command is there and may not be executed"},
        {"signal 9", "somebody killed it; was memory short?"},
        {"signal 11", "the program crashed"},
        {"signal 6", "the program aborted"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(how, known[i].how) == 0) {
            add_cause(out, known[i].cause);
            return;
        }
    if (left > 0)
        text_addf(out,
                  "\nlikely cause: it went into the background, where %zu process%s of it still "
                  "run%s; the command has to stay in the foreground",
                  left, left == 1 ? "" : "es", left == 1 ? "s" : "");
    else if (strcmp(how, "exit 0") == 0)
        add_cause(out, client ? "it had nothing more to do; a client under test stays connected "
                                "until it is ended"
                              : "it went into the background; the command has to stay in the "
                                "foreground");
}

void causes_of_deaf_server(bool started_here, unsigned port, struct text *out)
{
    if (started_here)
        text_addf(out,
                  "\nlikely cause: it listens on another port or address than %u; {port} in the "
                  "command is the port it has to take",
                  port);
    else
        add_cause(out, "it is not running, or listens on another address; --server-cmd starts it");
}
