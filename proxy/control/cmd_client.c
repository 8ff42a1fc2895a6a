/* halfopen client: the reference client, sound or with one flaw. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/builtin.h"
#include "control/commands.h"
#include "control/policy_options.h"
#include "control/url.h"
#include "net/input.h"
#include "net/wall.h"

struct client_options {
    const char *flaw, *ca;
    uint64_t seed;
    bool insecure, verbose, hooks;
};

static const struct option options[] = {
    {"flaw", OPTION_TEXT, offsetof(struct client_options, flaw), "NAME",
     "behave wrongly in one way (halfopen list flaws)"},
    {"seed", OPTION_COUNT, offsetof(struct client_options, seed), "N",
     "the random numbers; default: different each time"},
    {"ca", OPTION_TEXT, offsetof(struct client_options, ca), "FILE",
     "trust this authority for wss://; default: $SSL_CERT_FILE"},
    {"insecure", OPTION_FLAG, offsetof(struct client_options, insecure), NULL,
     "do not verify the server's certificate"},
    {"verbose", OPTION_FLAG, offsetof(struct client_options, verbose), NULL,
     "print what happens, a line each"},
    {"hooks", OPTION_FLAG, offsetof(struct client_options, hooks), NULL,
     "obey lines of its input, send, close and state, and say when it gives up"},
    {0},
};

/* What drives the client from outside: lines of its input, signals. */
struct outside {
    struct loop *loop;
    struct builtin_client **clients; /* one for each tab */
    size_t count, stopped;
    unsigned signals;
    bool stays; /* when it has given up: until it is told to end */
};

static void print_event(const char *event, const char *detail)
{
    printf("%s%s%s\n", event, *detail ? " " : "", detail);
    fflush(stdout);
}

static void print_gave_up(const char *event, const char *detail)
{
    if (strcmp(event, "gave_up") == 0)
        print_event("gave up:", detail);
}

static void close_all(struct outside *outside, uint16_t code, const char *reason)
{
    for (size_t i = 0; i < outside->count; i++)
        builtin_client_close(outside->clients[i], code, reason);
}

/* Leaves as an application should: says goodbye first. Who cannot wait asks twice. */
static void on_signal(void *context, int number)
{
    struct outside *outside = context;
    (void)number;
    outside->stays = false;
    if (outside->signals++ == 0)
        close_all(outside, 1001, "the process is told to end");
    else
        loop_stop(outside->loop);
}

static void print_state(const struct builtin_client *client)
{
    struct text state;
    text_init(&state);
    builtin_client_tell_state(client, &state);
    print_event("state:", text_chars(&state));
    text_fini(&state);
}

static void on_line(void *context, const char *line, size_t len)
{
    struct outside *outside = context;
    (void)len;
    if (strncmp(line, "send", 4) == 0)
        (void)builtin_client_produce(outside->clients[0], 1); /* its user is told by what arrives */
    if (strcmp(line, "state") == 0)
        print_state(outside->clients[0]);
    if (strcmp(line, "close") != 0)
        return;
    outside->stays = false;
    close_all(outside, 1000, "its application is done");
}

static void on_stopped(void *context)
{
    struct outside *outside = context;
    outside->stopped++;
    if (!outside->stays && outside->stopped >= outside->count)
        loop_stop(outside->loop);
}

static void open_tabs(struct outside *outside, struct builtin_client_config *config)
{
    outside->count = config->policy.tabs;
    outside->clients = xcalloc(outside->count, sizeof(struct builtin_client *));
    for (size_t i = 0; i < outside->count; i++) {
        outside->clients[i] = builtin_client_new(outside->loop, config);
        config->seed++;
    }
}

static void free_tabs(struct outside *outside)
{
    for (size_t i = 0; i < outside->count; i++)
        builtin_client_free(outside->clients[i]);
    free(outside->clients);
}

static struct tls_context *open_tls(const struct client_options *into,
                                    const struct client_policy *policy)
{
    struct text why;
    const char *ca = into->ca ? into->ca : getenv("SSL_CERT_FILE");
    text_init(&why);
    struct tls_context *tls = tls_client_new(
        ca, into->insecure || !policy->verifies ? TLS_TRUST_ANYBODY : TLS_VERIFY, &why);
    if (!tls)
        fprintf(stderr, "halfopen: %s\n", text_chars(&why));
    text_fini(&why);
    return tls;
}

static int serve(const struct client_options *into, const struct client_policy *policy,
                 const struct url *url)
{
    struct tls_context *tls = url->secure ? open_tls(into, policy) : NULL;
    if (url->secure && !tls)
        return EXIT_ENVIRONMENT;
    struct loop *loop = loop_new();
    struct outside outside = {.loop = loop, .stays = into->hooks};
    struct builtin_client_config config = {.host = url->host,
                                           .authority = url->authority,
                                           .target = url->target,
                                           .port = url->port,
                                           .tls = tls,
                                           .policy = *policy,
                                           .seed = into->seed,
                                           .log = into->verbose ? print_event
                                                  : into->hooks ? print_gave_up
                                                                : NULL,
                                           .on_stopped = on_stopped,
                                           .context = &outside};
    /* A seed given is one for all clients of a run; each draws its own numbers all the same. */
    const char *index = getenv("HALFOPEN_INDEX");
    if (index)
        config.seed += strtoull(index, NULL, 10) * UINT64_C(0x9e3779b97f4a7c15);
    open_tabs(&outside, &config);
    loop_on_signal(loop, SIGINT, on_signal, &outside);
    loop_on_signal(loop, SIGTERM, on_signal, &outside);
    struct input *input = into->hooks ? input_new(loop, on_line, &outside) : NULL;
    loop_run(loop);
    input_free(input);
    free_tabs(&outside);
    loop_free(loop);
    tls_context_free(tls);
    return EXIT_COMPLIED;
}

static int run(int argc, char **argv)
{
    struct client_options into = {0};
    struct option_words rest = {0};
    struct client_policy policy;
    struct url url = {0};
    const char *why = NULL;
    struct diag *diag = diag_new();
    int code = EXIT_USAGE;
    into.seed = wall_chance();
    client_policy_defaults(&policy);
    int left = policy_options_take(client_policy_params, &policy, argc, argv, diag);
    options_parse(&client_command, left, argv, &into, &rest, diag);
    if (into.flaw)
        policy_options_flaw(into.flaw, &policy, diag);
    if (rest.count != 1)
        diag_error(diag, (struct place){0}, "client takes one URL, as in ws://127.0.0.1:8080/feed");
    else if (!url_parse(rest.list[0], &url, &why))
        diag_error(diag, (struct place){0}, "'%s' %s", rest.list[0], why);
    code = diag_errors(diag) > 0 ? command_usage_error(&client_command, diag)
                                 : serve(&into, &policy, &url);
    url_fini(&url);
    diag_free(diag);
    return code;
}

const struct command client_command = {
    .name = "client",
    .usage = "client [--flaw NAME] [--PARAMETER VALUE ...] URL",
    .brief = "the reference client, sound or with one flaw",
    .options = options,
    .params = client_policy_params,
    .run = run,
};
