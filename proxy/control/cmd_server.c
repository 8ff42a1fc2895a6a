/* halfopen server: the reference server, sound or with one flaw. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "control/builtin.h"
#include "control/commands.h"
#include "control/policy_options.h"
#include "net/files.h"
#include "control/url.h"
#include "endpoint/flaws.h"
#include "ws/close.h"

struct server_options {
    const char *flaw, *listen, *cert, *key;
    bool verbose;
};

static const struct option options[] = {
    {"listen", OPTION_TEXT, offsetof(struct server_options, listen), "HOST:PORT",
     "default 127.0.0.1:8080"},
    {"flaw", OPTION_TEXT, offsetof(struct server_options, flaw), "NAME",
     "behave wrongly in one way"},
    {"tls-cert", OPTION_TEXT, offsetof(struct server_options, cert), "FILE", "certificate, PEM"},
    {"tls-key", OPTION_TEXT, offsetof(struct server_options, key), "FILE", "its key, PEM"},
    {"verbose", OPTION_FLAG, offsetof(struct server_options, verbose), NULL,
     "print what happens, a line each"},
    {0},
};

static void print_event(const char *event, const char *detail)
{
    printf("%s%s%s\n", event, *detail ? " " : "", detail);
    fflush(stdout);
}

struct outside {
    struct loop *loop;
    struct builtin_server *server;
    unsigned signals;
};

static void on_empty(void *context)
{
    loop_stop(((struct outside *)context)->loop);
}

/* RFC 6455 7.4.1: 1001, a server going down. The second signal does not wait for the clients. */
static void on_signal(void *context, int number)
{
    struct outside *outside = context;
    (void)number;
    if (outside->signals++ > 0 ||
        builtin_server_close(outside->server, CLOSE_GOING_AWAY, "the server is told to end",
                             on_empty, outside))
        loop_stop(outside->loop);
}

static int serve(const struct server_options *into, const struct server_policy *policy,
                 const struct url *url)
{
    struct tls_context *tls = NULL;
    struct text why;
    text_init(&why);
    if (into->cert &&
        !(tls = tls_server_new(into->cert, into->key ? into->key : into->cert, &why))) {
        fprintf(stderr, "halfopen: %s\n", text_chars(&why));
        text_fini(&why);
        return EXIT_ENVIRONMENT;
    }
    text_fini(&why);
    files_raise(NULL);
    struct loop *loop = loop_new();
    struct builtin_server *server = builtin_server_new(loop, url->host, url->port, tls, policy, 1,
                                                       into->verbose ? print_event : NULL);
    struct outside outside = {.loop = loop, .server = server};
    if (!server) {
        fprintf(stderr, "halfopen: cannot listen on %s: %s\n", url->authority, strerror(errno));
    } else {
        printf("listening on %s://%s:%u/\n", tls ? "wss" : "ws", url->host,
               builtin_server_port(server));
        fflush(stdout);
        loop_on_signal(loop, SIGINT, on_signal, &outside);
        loop_on_signal(loop, SIGTERM, on_signal, &outside);
        loop_run(loop);
    }
    int code = server ? EXIT_COMPLIED : EXIT_ENVIRONMENT;
    builtin_server_free(server);
    loop_free(loop);
    tls_context_free(tls);
    return code;
}

static int run(int argc, char **argv)
{
    struct server_options into = {.listen = "127.0.0.1:8080"};
    struct option_words rest = {0};
    struct server_policy policy;
    struct url url = {0};
    const char *why = NULL;
    struct diag *diag = diag_new();
    server_policy_defaults(&policy);
    int left = policy_options_take(server_policy_params, &policy, argc, argv, diag);
    options_parse(&server_command, left, argv, &into, &rest, diag);
    if (rest.count > 0)
        diag_error(diag, (struct place){0}, "server takes options only; '%s' is none",
                   rest.list[0]);
    if (into.flaw && !server_flaw_apply(&policy, into.flaw))
        diag_error(diag, (struct place){0}, "no flaw of the server is called '%s'", into.flaw);
    if (!url_parse(into.listen, &url, &why))
        diag_error(diag, (struct place){0}, "--listen: '%s' %s", into.listen, why);
    int code = diag_errors(diag) > 0 ? command_usage_error(&server_command, diag)
                                     : serve(&into, &policy, &url);
    url_fini(&url);
    diag_free(diag);
    return code;
}

const struct command server_command = {
    .name = "server",
    .usage = "server [--listen HOST:PORT] [--PARAMETER VALUE ...]",
    .brief = "the reference server, mute unless told otherwise",
    .options = options,
    .params = server_policy_params,
    .run = run,
};
