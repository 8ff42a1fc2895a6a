/* halfopen proxy: a session by hand, with the faults given at the start. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/commands.h"
#include "control/run_start.h"
#include "control/session_setup.h"
#include "control/url.h"
#include "net/ca.h"
#include "net/driver.h"
#include "net/files.h"
#include "net/kernel.h"
#include "net/wall.h"
#include "scenario/load.h"
#include "trace/trace.h"
#include "ws/close.h"

struct proxy_options {
    const char *listen, *upstream, *scenario, *trace, *cert, *key, *ca;
    struct option_words faults;
    uint64_t seed, ready_fd; /* 0: none */
    bool tls, insecure, quiet;
};

#define AT(field) offsetof(struct proxy_options, field)
static const struct option options[] = {
    {"listen", OPTION_TEXT, AT(listen), "HOST:PORT", "where clients connect; port 0: any free one"},
    {"upstream", OPTION_TEXT, AT(upstream), "ADDRESS", "HOST:PORT, ws://... or wss://..."},
    {"fault", OPTION_WORDS, AT(faults), "SPEC",
     "as in 'drop' or 'delay_pong: {delay: 3s, direction: to_client}'; may be given again"},
    {"scenario", OPTION_TEXT, AT(scenario), "FILE", "run its steps on the connections that come"},
    {"trace", OPTION_TEXT, AT(trace), "FILE", "record every event"},
    {"tls", OPTION_FLAG, AT(tls), NULL, "wss:// to the client, with a local CA made on first use"},
    {"tls-cert", OPTION_TEXT, AT(cert), "FILE", "wss:// to the client with this certificate, PEM"},
    {"tls-key", OPTION_TEXT, AT(key), "FILE", "its key, PEM"},
    {"ca", OPTION_TEXT, AT(ca), "FILE", "trust this authority for a wss:// upstream"},
    {"insecure", OPTION_FLAG, AT(insecure), NULL, "do not verify the upstream's certificate"},
    {"seed", OPTION_COUNT, AT(seed), "N", "of all random numbers; default 1"},
    {"quiet", OPTION_FLAG, AT(quiet), NULL, "do not print what happens"},
    {"ready-fd", OPTION_COUNT, AT(ready_fd), "N",
     "write the address in a line there when connections are accepted"},
    {"api", OPTION_LATER, 0, "HOST:PORT", NULL},
    {0},
};

struct session_by_hand {
    struct proxy_options given;
    struct url listen, upstream;
    struct plan *plan;
    struct loop *loop;
    struct run *run;
    struct recorder *recorder;
    struct driver *driver;
    struct tls_context *to_client, *to_server;
    struct flawed flawed; /* certificates for TLS faults */
    FILE *trace;
};

/* --- What a person sees --- */

static bool is_telling(const struct event *ev)
{
    switch ((int)ev->kind) {
    case EV_TCP_OPEN:
    case EV_WS_OPEN:
    case EV_WS_CLOSE:
    case EV_WS_ERROR:
    case EV_TCP_CLOSE:
    case EV_TCP_SHUT:
    case EV_FAULT_ON:
    case EV_FAULT_OFF:
    case EV_HTTP_REQUEST:
    case EV_HTTP_RESPONSE:
    case EV_TLS_FAILED:
        return true;
    case EV_FAULT_ANSWER:
        return strcmp(ev->fault_answer.answer, "done") != 0;
    case EV_TCP_CONNECT:
        return strcmp(ev->tcp_connect.how, "connected") != 0;
    case EV_FAULT_ACT:
        return strcmp(ev->fault_act.verb, "drop") != 0;
    default:
        return false;
    }
}

static void add_detail(const struct event *ev, struct text *out)
{
    switch ((int)ev->kind) {
    case EV_TCP_OPEN:
        text_addf(out, "from %s", ev->tcp_open.peer);
        break;
    case EV_TCP_CONNECT:
        text_addf(out, "%s", ev->tcp_connect.how);
        break;
    case EV_TCP_CLOSE:
        text_addf(out, "%s ended it: %s", side_name(ev->side), ev->tcp_close.how);
        break;
    case EV_TCP_SHUT:
        text_addf(out, "towards the %s: %s, by %s", side_name(ev->side), ev->tcp_shut.how,
                  cause_name(ev->by));
        break;
    case EV_WS_CLOSE:
        text_addf(out, "%s: %llu (%s) %s", side_name(ev->side),
                  (unsigned long long)ev->ws_close.code, close_name((uint16_t)ev->ws_close.code),
                  ev->ws_close.reason);
        break;
    case EV_WS_ERROR:
        text_addf(out, "%s: %s", side_name(ev->side), ev->ws_error.what);
        break;
    case EV_FAULT_ON:
        text_addf(out, "%s, heard by the %s", ev->fault_on.label,
                  ev->side == SIDE_NONE ? "new connections" : side_name(ev->side));
        break;
    case EV_FAULT_OFF:
        text_addf(out, "%s (%s)", ev->fault_off.label, ev->fault_off.why);
        break;
    case EV_FAULT_ACT:
        text_addf(out, "%s: %s %s", ev->fault_act.label, ev->fault_act.verb, ev->fault_act.detail);
        break;
    case EV_FAULT_DICE:
        text_addf(out, "%s %s this connection", ev->fault_dice.label,
                  ev->fault_dice.hit ? "acts on" : "leaves alone");
        break;
    case EV_FAULT_ANSWER:
        text_addf(out, "%s %s %s", ev->fault_answer.action, ev->fault_answer.answer,
                  ev->fault_answer.detail);
        break;
    case EV_TLS_FAILED:
        text_addf(out, "%s, by %s", ev->tls_failed.how, cause_name(ev->by));
        break;
    case EV_HTTP_REQUEST:
        text_addf(out, "%s %s", ev->http_request.method, ev->http_request.target);
        break;
    case EV_HTTP_RESPONSE:
        text_addf(out, "%llu", (unsigned long long)ev->http_response.status);
        break;
    default:
        break;
    }
}

static void print_event(void *context, const struct event *ev)
{
    struct text detail;
    (void)context;
    if (!is_telling(ev))
        return;
    text_init(&detail);
    add_detail(ev, &detail);
    if (ev->conn > 0)
        printf("%9.3f  #%-4u %-14s %s\n", nsec_to_seconds(ev->at), ev->conn, event_name(ev->kind),
               text_chars(&detail));
    else
        printf("%9.3f        %-14s %s\n", nsec_to_seconds(ev->at), event_name(ev->kind),
               text_chars(&detail));
    fflush(stdout);
    text_fini(&detail);
}

/* Nothing is started in a session by hand, and whoever is there needs no prompts. */
static struct plan *without_errands(struct plan *plan, struct diag *diag)
{
    static const struct {
        enum step_kind kind;
        const char *name;
    } errands[] = {{STEP_RESTART, "restart"}, {STEP_REQUEST, "request"}, {STEP_PROMPT, "prompt"}};
    for (size_t i = 0; plan && i < sizeof errands / sizeof *errands; i++)
        if (plan_first(plan, errands[i].kind))
            diag_error(diag, (struct place){0},
                       "--scenario: '%s' is a step for `halfopen run`, which starts the endpoints",
                       errands[i].name);
    return plan;
}

static struct plan *plan_of(const struct proxy_options *given, struct diag *diag)
{
    if (given->scenario)
        return without_errands(scenario_load(given->scenario, diag), diag);
    if (given->faults.count > 0)
        return scenario_of_faults("--fault", given->faults.list, given->faults.count, diag);
    struct plan *plan = plan_new();
    plan->name = xstrdup("session");
    return plan;
}

/* --- The session --- */

static bool open_tls(struct session_by_hand *session)
{
    const struct proxy_options *given = &session->given;
    struct text why;
    struct ca ca = {0};
    bool good = true;
    text_init(&why);
    if (given->cert) {
        session->to_client =
            tls_server_new(given->cert, given->key ? given->key : given->cert, &why);
        good = session->to_client != NULL;
    } else if (given->tls && (good = ca_open(&ca, NULL, &why))) {
        session->to_client = tls_server_new(ca.certificate, ca.key, &why);
        good = session->to_client != NULL && flawed_open(&session->flawed, &ca, &why);
        printf("clients must trust %s\n", ca.authority);
        ca_close(&ca);
    }
    if (good && session->upstream.secure) {
        session->to_server =
            tls_client_new(given->ca, given->insecure ? TLS_TRUST_ANYBODY : TLS_VERIFY, &why);
        good = session->to_server != NULL;
    }
    if (!good)
        fprintf(stderr, "halfopen: %s\n", text_chars(&why));
    text_fini(&why);
    return good;
}

static bool open_trace(struct session_by_hand *session)
{
    struct policy policy;
    char started[WALL_DATE_SIZE];
    if (session->given.trace && !(session->trace = fopen(session->given.trace, "w"))) {
        fprintf(stderr, "halfopen: %s: %s\n", session->given.trace, strerror(errno));
        return false;
    }
    wall_date(started);
    policy_defaults(&policy);
    session->recorder = recorder_new(session->trace);
    run_start_emit(session->recorder, &(struct run_start){.plan = session->plan,
                                                          .policy = &policy,
                                                          .started = started,
                                                          .seed = session->given.seed,
                                                          .speed = 1});
    if (!session->given.quiet)
        recorder_listen(session->recorder, print_event, NULL);
    return true;
}

/* Whoever started us reads the address from --ready-fd, which is then closed. */
static bool say_ready(const struct session_by_hand *session, uint16_t port)
{
    int fd = (int)session->given.ready_fd;
    const char *host = session->listen.host;
    bool six = strchr(host, ':') != NULL;
    char *address = xprintf("%s://%s%s%s:%u", session->to_client ? "wss" : "ws", six ? "[" : "",
                            host, six ? "]" : "", port);
    printf("listening on %s, upstream %s\n", address, session->given.upstream);
    fflush(stdout);
    bool written = fd == 0 || dprintf(fd, "%s\n", address) > 0;
    if (!written)
        fprintf(stderr, "halfopen: --ready-fd %d: %s\n", fd, strerror(errno));
    else if (fd > STDERR_FILENO)
        (void)close(fd);
    free(address);
    return written;
}

static bool open_driver(struct session_by_hand *session)
{
    const char *why = NULL;
    struct run_options run_options = {.seed = session->given.seed,
                                      .epoch = wall_seconds(),
                                      .observe =
                                          session->trace != NULL || session->plan->step_count > 0};
    struct driver_config config = {.speed = 1,
                                   .recorder = session->recorder,
                                   .upstream = {.host = session->upstream.host,
                                                .port = session->upstream.port,
                                                .tls = session->to_server},
                                   .tls = session->to_client,
                                   .flawed = session->flawed.expired ? &session->flawed : NULL};
    session->run = run_new(session->plan, session->recorder, &run_options);
    session->driver = driver_new(session->loop, session->run, &config, &why);
    if (!session->driver) {
        fprintf(stderr, "halfopen: upstream '%s': %s\n", session->upstream.host, why);
        return false;
    }
    uint16_t port = driver_listen(session->driver, 0, session->listen.host, session->listen.port,
                                  DRIVER_ONE_FAMILY);
    if (port == 0) {
        fprintf(stderr, "halfopen: cannot listen on %s: %s\n", session->listen.authority,
                strerror(errno));
        return false;
    }
    return say_ready(session, port);
}

static void on_signal(void *context, int number)
{
    (void)number;
    loop_stop(context);
}

/* false: the trace is not whole. */
static bool close_session(struct session_by_hand *session)
{
    if (session->driver) {
        run_end(session->run, RUN_FINISHED, driver_now(session->driver));
        driver_stop(session->driver);
    }
    if (session->run)
        run_free(session->run);
    if (session->driver)
        driver_free(session->driver);
    if (session->recorder)
        recorder_flush(session->recorder);
    bool whole = !session->recorder || !recorder_failed(session->recorder);
    recorder_free(session->recorder);
    whole = (!session->trace || fclose(session->trace) == 0) && whole;
    if (!whole)
        fprintf(stderr, "halfopen: %s: the trace could not be written; is the disk full?\n",
                session->given.trace);
    flawed_close(&session->flawed);
    tls_context_free(session->to_client);
    tls_context_free(session->to_server);
    loop_free(session->loop);
    return whole;
}

static int serve(struct session_by_hand *session)
{
    files_raise(NULL);
    session->loop = loop_new();
    int code = EXIT_ENVIRONMENT;
    if (open_tls(session) && open_trace(session) && open_driver(session)) {
        code = EXIT_COMPLIED;
        loop_on_signal(session->loop, SIGINT, on_signal, session->loop);
        loop_on_signal(session->loop, SIGTERM, on_signal, session->loop);
        driver_start(session->driver);
        loop_run(session->loop);
    }
    return close_session(session) ? code : EXIT_ENVIRONMENT;
}

static void check_addresses(struct session_by_hand *session, struct diag *diag)
{
    const char *why = NULL;
    const struct proxy_options *given = &session->given;
    if (!given->listen || !given->upstream)
        diag_error(diag, (struct place){0}, "--listen and --upstream are both needed");
    if (given->listen && !url_parse(given->listen, &session->listen, &why))
        diag_error(diag, (struct place){0}, "--listen: '%s' %s", given->listen, why);
    if (given->upstream && !url_parse(given->upstream, &session->upstream, &why))
        diag_error(diag, (struct place){0}, "--upstream: '%s' %s", given->upstream, why);
    if (given->ready_fd > INT_MAX)
        diag_error(diag, (struct place){0}, "--ready-fd is no descriptor");
    if (given->scenario && given->faults.count > 0)
        diag_error(diag, (struct place){0}, "--scenario and --fault: give one of them");
}

/* What its faults need of the connections and of this machine. */
static int check_plan(struct session_by_hand *session, struct diag *diag)
{
    const struct proxy_options *given = &session->given;
    bool tls = given->tls || given->cert;
    plan_fall_back(session->plan, kernel_why_not);
    setup_check_tls(session->plan, tls, session->upstream.secure, diag);
    const struct fault_step *fault = plan_wants_authority(session->plan);
    if (fault && given->cert)
        diag_error(diag, (struct place){0},
                   "'%s' shows a certificate of the local authority: give --tls, not --tls-cert",
                   fault->desc->name);
    if (diag_errors(diag) > 0)
        return EXIT_USAGE;
    fault = plan_unmet(session->plan, kernel_why_not);
    if (!fault)
        return EXIT_COMPLIED;
    diag_error(diag, (struct place){0},
               "%s is not to be had: %s; or give it a fallback, as in fallback: drop",
               fault->desc->name, kernel_why_not(fault_needs(fault->desc, fault->config)));
    return EXIT_ENVIRONMENT;
}

static int run(int argc, char **argv)
{
    struct session_by_hand session = {.given = {.seed = 1}};
    struct option_words rest = {0};
    struct diag *diag = diag_new();
    int code = EXIT_USAGE;
    options_parse(&proxy_command, argc, argv, &session.given, &rest, diag);
    if (rest.count > 0)
        diag_error(diag, (struct place){0}, "proxy takes options only; '%s' is none", rest.list[0]);
    check_addresses(&session, diag);
    if (diag_errors(diag) > 0) {
        code = command_usage_error(&proxy_command, diag);
    } else if (!(session.plan = plan_of(&session.given, diag))) {
        diag_print(diag, stderr);
    } else if ((code = check_plan(&session, diag)) != EXIT_COMPLIED) {
        diag_print(diag, stderr);
    } else {
        code = serve(&session);
    }
    plan_free(session.plan);
    url_fini(&session.listen);
    url_fini(&session.upstream);
    diag_free(diag);
    return code;
}

const struct command proxy_command = {
    .name = "proxy",
    .usage = "proxy --listen HOST:PORT --upstream ADDRESS [--fault SPEC ...]",
    .brief = "a session by hand: break what passes through",
    .options = options,
    .run = run,
};
