/* restart, request, prompt and route: what a scenario asks of processes, of HTTP servers, of people
 * and of the way to the server. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/own.h"
#include "scenario/load_parts.h"

/* --- restart --- */

static const struct param down_param = {.type = PARAM_DURATION, .max = "24h"};

static void load_who(struct loader *l, const struct node *node, struct restart_step *out)
{
    static const char *const ends[] = {"client", "server", NULL};
    static const enum side sides[] = {SIDE_CLIENT, SIDE_SERVER};
    int choice = field_choice(node, ends, l->diag);
    if (choice >= 0)
        out->who = sides[choice];
}

static void load_ending(struct loader *l, const struct node *node, const char **out)
{
    static const char *const endings[] = {"TERM", "INT", "HUP", "QUIT", "KILL", NULL};
    load_signal_name(l, node, out);
    if (!is_listed(endings, *out))
        diag_error(l->diag, node->place,
                   "'signal' is %s, which ends no process: TERM, INT, HUP, QUIT or KILL", *out);
}

void load_restart(struct loader *l, const struct node *step, const struct node *body)
{
    static const char *const known[] = {"who", "down", "signal", "clients", NULL};
    struct step *out = plan_add_step(l->plan, STEP_RESTART);
    const struct node *who = body, *clients = load_option(l, step, body, "clients");
    if (body->kind == NODE_MAPPING) {
        fields_check(body, known, NULL, "a restart", l->diag);
        who = field_need(body, "who", l->diag);
        const struct node *down = field_find(body, "down"), *signal = field_find(body, "signal");
        if (down)
            (void)field_param(&down_param, down, &out->restart.down, l->diag); /* told */
        if (signal)
            load_ending(l, signal, &out->restart.signal);
    }
    if (who)
        load_who(l, who, &out->restart);
    if (clients && out->restart.who == SIDE_SERVER)
        diag_error(l->diag, clients->key_place, "'clients' does not go with who: server");
    else if (clients)
        load_which_clients(l, clients, &out->restart.of);
    out->what = words_of_step(l->plan, out);
}

/* --- request --- */

struct request_params {
    char *method, *url;
    uint64_t status;
    nsec at_most;
};

static const struct param request_params[] = {
    P_TEXT(request_params, method, .def = "GET", .doc = "method"),
    P_TEXT(request_params, url,
           .doc = "http://HOST:PORT/PATH, {port} is the server's; or a path at the server's port"),
    P_COUNT(request_params, status, .def = "", .min = "100", .max = "599",
            .doc = "what the answer is to be; anything when it is absent"),
    P_DURATION(request_params, at_most, .def = "10s", .min = "1ms", .max = "10m",
               .doc = "how long the answer may take"),
    P_END,
};

static bool is_method(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len < 20 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
}

/* A path or an http URL in one word; whose host it is, is looked at once the target is known. */
static bool is_url(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at == 0x7f)
            return false;
    return text[0] == '/' || strncmp(text, "http://", strlen("http://")) == 0;
}

static void check_request(struct loader *l, const struct node *body,
                          const struct request_params *params)
{
    const struct node *method = field_find(body, "method"), *url = field_find(body, "url");
    if (method && params->method && !is_method(params->method))
        diag_error(l->diag, method->place, "'method' is %s: upper-case letters, as in POST",
                   field_written(method));
    if (url && params->url && !is_url(params->url))
        diag_error(l->diag, url->place,
                   "'url' is %s: a path or an http:// URL without blanks is expected, as in "
                   "/admin/kick",
                   field_written(url));
}

/* One for all requests of a scenario that say what the answer is to be. */
static void expect_answers(struct loader *l)
{
    char *name = xprintf(OWN_PREFIX "%s.requests", l->plan->name ? l->plan->name : "");
    bool there = false;
    for (size_t i = 0; i < l->plan->expect_count; i++)
        there = there || strcmp(l->plan->expect[i].rule, name) == 0;
    if (!there)
        plan_add_assertion(l->plan, name, OWN_REQUESTS, "{}");
    free(name);
}

void load_request(struct loader *l, const struct node *step, const struct node *body)
{
    struct request_params params = {0};
    int before = diag_errors(l->diag);
    param_defaults(request_params, &params);
    if (field_is_mapping(body, "{method: POST, url: /admin/kick}", l->diag)) {
        fields_params(request_params, body, &params, NULL, "a request", l->diag);
        check_request(l, body, &params);
    }
    struct step *out = plan_add_step(l->plan, STEP_REQUEST);
    out->request = (struct request_step){.method = xstrdup(params.method ? params.method : ""),
                                         .url = xstrdup(params.url ? params.url : ""),
                                         .status = params.status,
                                         .at_most = params.at_most};
    out->what = words_of_step(l->plan, out);
    if (params.status > 0 && diag_errors(l->diag) == before)
        expect_answers(l);
    param_free(request_params, &params);
    (void)step; /* it has no options of its own */
}

/* --- prompt --- */

#define PROMPT_LIMIT 500

static void load_text(struct loader *l, const struct node *node, struct prompt_step *out)
{
    if (!field_is_scalar(node, "'enable flight mode, then Enter'", l->diag))
        return;
    size_t len = strlen(node->text);
    bool plain = len > 0 && len <= PROMPT_LIMIT;
    for (size_t i = 0; i < len && plain; i++)
        plain = (unsigned char)node->text[i] >= ' ' && node->text[i] != 0x7f;
    if (!plain)
        diag_error(l->diag, node->place,
                   "a prompt is one line of at most %d characters, as in 'enable flight mode, then "
                   "Enter'",
                   PROMPT_LIMIT);
    free(out->text);
    out->text = xstrdup(node->text);
}

void load_prompt(struct loader *l, const struct node *step, const struct node *body)
{
    static const char *const known[] = {"text", "at_most", NULL};
    struct step *out = plan_add_step(l->plan, STEP_PROMPT);
    const struct node *text = body, *at_most = load_option(l, step, body, "at_most");
    out->prompt = (struct prompt_step){.text = xstrdup(""), .at_most = 600 * NSEC_PER_SEC};
    if (body->kind == NODE_MAPPING) {
        fields_check(body, known, NULL, "a prompt", l->diag);
        text = field_need(body, "text", l->diag);
    }
    if (text)
        load_text(l, text, &out->prompt);
    if (at_most)
        (void)field_duration(at_most, &out->prompt.at_most, l->diag); /* told */
    out->what = words_of_step(l->plan, out);
}

/* --- route --- */

/* "a", or "0": the first of server.urls. */
static bool read_backend(const char *text, unsigned *out)
{
    static const char letters[] = "abcdefgh", digits[] = "01234567";
    _Static_assert(PLAN_BACKENDS_LIMIT == 8, "as many letters, as many digits");
    const char *letter = text[0] ? strchr(letters, text[0]) : NULL;
    const char *digit = text[0] ? strchr(digits, text[0]) : NULL;
    if ((!letter && !digit) || text[1] != '\0')
        return false;
    *out = (unsigned)(letter ? letter - letters : digit - digits);
    return true;
}

void load_route(struct loader *l, const struct node *step, const struct node *body)
{
    static const char *const known[] = {"to", NULL};
    unsigned backend = 0;
    (void)step;
    if (!field_is_mapping(body, "{to: b}", l->diag))
        return;
    fields_check(body, known, NULL, "a route", l->diag);
    const struct node *to = field_need(body, "to", l->diag);
    if (!to || !field_is_scalar(to, "b", l->diag))
        return;
    if (!read_backend(to->text, &backend)) {
        diag_error(l->diag, to->place,
                   "'to' is %s: one of server.urls of the target file, the first is a or 0, as in "
                   "route: {to: b}",
                   field_written(to));
        return;
    }
    struct step *out = plan_add_step(l->plan, STEP_ROUTE);
    out->route = backend;
    out->what = words_of_step(l->plan, out);
}
