#include "control/job_hooks.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "control/job_parts.h"
#include "net/fetch.h"
#include "rules/rule.h"
#include "ws/redact.h"

#define ASK_PATIENCE  (5 * NSEC_PER_SEC) /* real: for the answer of an HTTP hook */
#define POLL_EVERY    NSEC_PER_SEC       /* target: an HTTP hook is asked so often */
#define POLL_LEAST    (20 * NSEC_PER_MSEC)
#define HEARD_EVERY   NSEC_PER_SEC /* target: of what a client repeats no more is written */
#define WAITING_LIMIT 10000        /* requests to one client that wait for the one before */
#define DETAIL_BYTES  200

/* What one client is to be asked by HTTP. */
struct asking_http {
    struct asking_http *next;
    enum hook hook;
    uint64_t number;
    nsec asked; /* target */
};

struct hooked {
    struct timer poll; /* must stay first */
    struct job_hooks *hooks;
    unsigned client;
    uint16_t port;
    struct asking_http *first, **last; /* the first is under way: one after the other, in order */
    size_t waiting;
    struct fetch *ask, *look;
    uint64_t state_asked; /* by a line of its input, and not answered; 0: it is not */
    bool gave_up;         /* as its newest HTTP answer says */
    nsec heard;           /* target: when that was last written */
};

struct job_hooks {
    struct job *job;
    const struct target_hooks *declared;
    struct pattern *gave_up; /* NULL: no pattern tells */
    struct pattern *state;   /* NULL: all of the answer */
    bool listens;            /* the scenario began and is not over */
    struct hooked clients[PLAN_CLIENTS_LIMIT];
};

static nsec target_now(const struct job_hooks *hooks)
{
    return driver_now(hooks->job->driver);
}

static struct hook_values values_of(const struct hooked *client, uint64_t number)
{
    return (struct hook_values){.number = number, .index = client->client, .port = client->port};
}

/* --- Asking --- */

static void answer(struct hooked *client, enum hook hook, uint64_t number, enum hook_way way,
                   const char *what, nsec asked)
{
    struct job_hooks *hooks = client->hooks;
    run_hook_answer(hooks->job->run, client->client, hook, number, hook_way_name(way), what, asked,
                    target_now(hooks));
    driver_touch(hooks->job->driver);
}

static void ask_by_stdin(struct hooked *client, const struct target_hook *how, enum hook hook,
                         uint64_t number)
{
    const struct child *child = &client->hooks->job->clients[client->client];
    struct hook_values values = values_of(client, number);
    char *line = hook_filled(how->line, &values);
    bool taken = process_send(child->process, line);
    if (hook == HOOK_STATE && taken)
        client->state_asked = number;
    answer(client, hook, number, HOOK_BY_STDIN, taken ? "taken" : "it does not read its input",
           target_now(client->hooks));
    free(line);
}

static struct fetch *fetch(struct hooked *client, const struct target_hook *how, uint64_t number,
                           void (*on_done)(void *, int, const char *, size_t, const char *))
{
    struct hook_values values = values_of(client, number);
    char *filled = hook_filled(how->url, &values);
    const char *why = NULL;
    struct url url;
    struct fetch *started = NULL;
    if (url_parse(filled, &url, &why)) {
        const struct fetch_request request = {.method = how->method,
                                              .host = url.host,
                                              .authority = url.authority,
                                              .target = url.target,
                                              .port = url.port,
                                              .patience = ASK_PATIENCE,
                                              .on_done = on_done,
                                              .context = client};
        started = fetch_start(client->hooks->job->loop, client->hooks->job->dialer, &request);
        url_fini(&url);
    }
    free(filled);
    return started;
}

static const struct target_hook *hook_of(const struct job_hooks *hooks, enum hook hook)
{
    const struct target_hooks *declared = hooks->declared;
    return hook == HOOK_SEND    ? &declared->send
           : hook == HOOK_CLOSE ? &declared->close
                                : &declared->state;
}

static void ask_next(struct hooked *client);

static void done_asking(struct hooked *client, const char *what)
{
    struct asking_http *done = client->first;
    client->ask = NULL;
    client->first = done->next;
    if (!client->first)
        client->last = &client->first;
    client->waiting--;
    answer(client, done->hook, done->number, HOOK_BY_HTTP, what, done->asked);
    free(done);
}

/* The pattern's first group, else all that it matched lies in; nothing where it does not match. */
static void tell_state(struct hooked *client, uint64_t number, enum hook_way way, const char *text,
                       size_t len)
{
    struct job_hooks *hooks = client->hooks;
    size_t from = 0, found = len;
    if (hooks->state && !pattern_matches(hooks->state, text, len))
        found = 0;
    else if (hooks->state && pattern_groups(hooks->state) > 0 &&
             !pattern_find(hooks->state, text, len, &from, &found))
        from = found = 0;
    run_hook_state(hooks->job->run, client->client, number, hook_way_name(way), text + from, found,
                   target_now(hooks));
    driver_touch(hooks->job->driver);
}

static void on_asked(void *context, int status, const char *body, size_t len, const char *why)
{
    struct hooked *client = context;
    char *what = *why                            ? xstrdup(why)
                 : status >= 200 && status < 300 ? xstrdup("taken")
                                                 : xprintf("HTTP %d", status);
    const struct asking_http done = *client->first;
    done_asking(client, what);
    if (done.hook == HOOK_STATE && strcmp(what, "taken") == 0)
        tell_state(client, done.number, HOOK_BY_HTTP, body, len);
    free(what);
    ask_next(client);
}

static void ask_next(struct hooked *client)
{
    while (client->first && !client->ask) {
        const struct asking_http *next = client->first;
        client->ask = fetch(client, hook_of(client->hooks, next->hook), next->number, on_asked);
        if (!client->ask)
            done_asking(client, "its URL is no address");
    }
}

static void ask_by_http(struct hooked *client, enum hook hook, uint64_t number)
{
    nsec now = target_now(client->hooks);
    if (client->waiting >= WAITING_LIMIT) {
        answer(client, hook, number, HOOK_BY_HTTP, "too many requests wait for an answer", now);
        return;
    }
    struct asking_http *added = xmalloc(sizeof *added);
    *added = (struct asking_http){.hook = hook, .number = number, .asked = now};
    *client->last = added;
    client->last = &added->next;
    client->waiting++;
    ask_next(client);
}

static void on_hook(void *context, unsigned index, enum hook hook, uint64_t number)
{
    struct job_hooks *hooks = context;
    struct hooked *client = &hooks->clients[index];
    const struct target_hook *how = hook_of(hooks, hook);
    if (!child_alive(&hooks->job->clients[index]))
        answer(client, hook, number, how->way, "it has exited", target_now(hooks));
    else if (how->way == HOOK_BY_STDIN)
        ask_by_stdin(client, how, hook, number);
    else
        ask_by_http(client, hook, number);
}

/* --- Signals --- */

int job_signal_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"TERM", SIGTERM}, {"INT", SIGINT},   {"HUP", SIGHUP},
                   {"QUIT", SIGQUIT}, {"KILL", SIGKILL}, {"STOP", SIGSTOP},
                   {"CONT", SIGCONT}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].number;
    return 0;
}

static void on_signal(void *context, unsigned index, const char *name)
{
    struct job_hooks *hooks = context;
    struct job *job = hooks->job;
    struct child *child = &job->clients[index];
    if (!child_alive(child))
        return;
    struct event ev = {
        .kind = EV_PROCESS_SIGNAL, .client = child->number, .side = SIDE_CLIENT, .by = BY_PROXY};
    ev.at = nsec_max(target_now(hooks), recorder_last(job->recorder));
    ev.process_signal =
        (struct ev_process_signal){.pid = (uint64_t)process_pid(child->process), .name = name};
    recorder_emit(job->recorder, ev);
    child->signalled = true;
    process_signal(child->process, job_signal_number(name));
}

/* --- Hearing --- */

static void hear(struct hooked *client, const char *text, size_t len)
{
    struct job_hooks *hooks = client->hooks;
    struct text words, detail;
    nsec now = target_now(hooks);
    if (!hooks->listens || (client->heard >= 0 && now < client->heard + HEARD_EVERY))
        return;
    client->heard = now;
    text_init(&words);
    text_init(&detail);
    redact_words(text, len < DETAIL_BYTES ? len : DETAIL_BYTES, &words);
    redact_secrets(hooks->job->spec.subject->secrets, text_chars(&words), &detail);
    run_heard(hooks->job->run, client->client, "gave_up",
              hook_way_name(hooks->declared->gave_up.way), text_chars(&detail), now);
    driver_touch(hooks->job->driver);
    text_fini(&words);
    text_fini(&detail);
}

void job_hooks_on_line(struct job_hooks *hooks, unsigned client, const char *line, size_t len)
{
    struct hooked *hooked = &hooks->clients[client];
    if (!hooks->listens)
        return;
    if (hooks->gave_up && hooks->declared->gave_up.way == HOOK_BY_LOG &&
        pattern_matches(hooks->gave_up, line, len))
        hear(hooked, line, len);
    if (hooked->state_asked == 0 || !pattern_matches(hooks->state, line, len))
        return;
    tell_state(hooked, hooked->state_asked, HOOK_BY_STDIN, line, len);
    hooked->state_asked = 0;
}

void job_hooks_on_exit(struct job_hooks *hooks, unsigned client, const char *how)
{
    const struct target_hook *gave_up = &hooks->declared->gave_up;
    char code[16];
    if (gave_up->way != HOOK_BY_EXIT || hooks->job->clients[client].signalled)
        return;
    (void)snprintf(code, sizeof code, "exit %d", gave_up->code); /* fits */
    if (gave_up->code < 0 || strcmp(code, how) == 0)
        hear(&hooks->clients[client], how, strlen(how));
}

static void plan_look(struct hooked *client)
{
    const struct job *job = client->hooks->job;
    nsec wait = (nsec)((double)POLL_EVERY / job->spec.speed);
    loop_timer_set(job->loop, &client->poll, nsec_add(loop_now(), nsec_max(wait, POLL_LEAST)));
}

static void on_looked(void *context, int status, const char *body, size_t len, const char *why)
{
    struct hooked *client = context;
    bool gave_up = !*why && pattern_matches(client->hooks->gave_up, body, len);
    (void)status;
    client->look = NULL;
    if (gave_up && !client->gave_up)
        hear(client, body, len);
    client->gave_up = gave_up;
    plan_look(client);
}

static void on_look_due(struct timer *timer, nsec now)
{
    struct hooked *client = (struct hooked *)timer;
    (void)now;
    if (child_alive(&client->hooks->job->clients[client->client]))
        client->look = fetch(client, &client->hooks->declared->gave_up, 0, on_looked);
}

/* --- Life --- */

static bool plan_cares(const struct plan *plan)
{
    for (size_t i = 0; i < plan->expect_count; i++) {
        const struct rule_desc *rule = rule_find(plan->expect[i].rule);
        if (rule && (rule->declares & DECLARES_GAVE_UP))
            return true;
    }
    for (size_t i = 0; i < plan->step_count; i++)
        for (size_t u = 0; plan->steps[i].kind == STEP_WAIT && u < plan->steps[i].wait.count; u++)
            if (plan->steps[i].wait.any[u].condition == UNTIL_GAVE_UP)
                return true;
    return false;
}

static struct pattern *compile(const char *written)
{
    struct text why;
    if (!written)
        return NULL;
    text_init(&why);
    struct pattern *pattern = pattern_new(written, &why); /* the loader had it compiled before */
    text_fini(&why);
    return pattern;
}

struct job_hooks *job_hooks_open(struct job *job)
{
    struct job_hooks *hooks = xcalloc(1, sizeof *hooks);
    hooks->job = job;
    hooks->declared = subject_hooks(job->spec.subject);
    hooks->gave_up = compile(hooks->declared->gave_up.pattern);
    hooks->state = compile(hooks->declared->state.pattern);
    for (unsigned i = 0; i < job->spec.plan->clients; i++) {
        struct hooked *client = &hooks->clients[i];
        *client =
            (struct hooked){.poll.on_due = on_look_due, .hooks = hooks, .client = i, .heard = -1};
        client->last = &client->first;
        client->port = target_hooks_use(hooks->declared, HOOK_BY_HTTP) ? job_free_port() : 0;
    }
    run_watch_hooks(job->run, declares_read_json(job->spec.subject->declared), on_hook, hooks);
    run_watch_signals(job->run, on_signal, hooks);
    return hooks;
}

void job_hooks_start(struct job_hooks *hooks)
{
    const struct plan *plan = hooks->job->spec.plan;
    hooks->listens = true;
    for (unsigned i = 0; i < plan->clients; i++)
        if (hooks->declared->gave_up.way == HOOK_BY_HTTP && plan_cares(plan))
            plan_look(&hooks->clients[i]);
}

void job_hooks_stop(struct job_hooks *hooks)
{
    hooks->listens = false;
    for (unsigned i = 0; i < hooks->job->spec.plan->clients; i++) {
        struct hooked *client = &hooks->clients[i];
        loop_timer_set(hooks->job->loop, &client->poll, NEVER);
        fetch_cancel(client->ask);
        fetch_cancel(client->look);
        client->ask = client->look = NULL;
    }
}

void job_hooks_free(struct job_hooks *hooks)
{
    if (!hooks)
        return;
    job_hooks_stop(hooks);
    for (unsigned i = 0; i < hooks->job->spec.plan->clients; i++)
        while (hooks->clients[i].first) {
            struct asking_http *next = hooks->clients[i].first->next;
            free(hooks->clients[i].first);
            hooks->clients[i].first = next;
        }
    pattern_free(hooks->gave_up);
    pattern_free(hooks->state);
    free(hooks);
}

bool job_hooks_want_input(const struct job_hooks *hooks)
{
    return target_hooks_use(hooks->declared, HOOK_BY_STDIN);
}

bool job_hooks_want_lines(const struct job_hooks *hooks)
{
    return hooks->declared->gave_up.way == HOOK_BY_LOG ||
           hooks->declared->state.way == HOOK_BY_STDIN;
}

uint16_t job_hooks_port(const struct job_hooks *hooks, unsigned client)
{
    return hooks->clients[client].port;
}
