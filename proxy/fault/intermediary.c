/* intermediary: what a named proxy, load balancer or NAT does to a connection. The facts of each
 * stand in scenarios/intermediaries/, a file each; this is the machine they are parameters of. */
#include "fault/lib/head.h"

#include <string.h>

#include "fault/lib/inject.h"
#include "fault/lib/intermediary_parts.h"

static const char *const countings[] = {"none",        "any",           "from_client",
                                        "from_server", "per_direction", NULL};
static const char *const endings[] = {"none", "fin", "rst", "silent", "close_frame", NULL};
static const char *const half_closes[] = {"close_both", "pass_on", NULL};
static const char *const resets[] = {"fin", "rst", "silent", NULL};
static const char *const speakings[] = {"dropped", "rst", "revived", NULL};
static const char *const handlings[] = {"pass", "repair", "strip", NULL};

static const struct param params[] = {
    P_TEXT(
        intermediary, profile, .def = "",
        .doc =
            "whose facts to take: a name of `halfopen list intermediaries`, or a file of your own; "
            "what stands beside it counts instead of the profile's"),
    P_DURATION(intermediary, idle, .def = "60s", .min = "0s", .max = "720h",
               .doc = "silence that ends a tunnel; 0s: none does"),
    P_DURATION(intermediary, idle_from_server, .def = "", .min = "1ms", .max = "720h",
               .doc = "per_direction: the same for the server's silence, when it differs"),
    P_CHOICE(intermediary, counts, .def = "any", .choices = countings,
             .doc =
                 "whose bytes restart the idle timer; per_direction: two timers, either ends it"),
    P_CHOICE(intermediary, idle_to_client, .def = "fin", .choices = endings,
             .doc = "what the client sees when it fires"),
    P_CHOICE(intermediary, idle_to_server, .def = "fin", .choices = endings,
             .doc = "what the server sees when it fires"),
    P_CHOICE(intermediary, client_speaks, .def = "dropped", .choices = speakings,
             .doc = "after a silent end: what the client's next bytes meet"),
    P_CHOICE(intermediary, server_speaks, .def = "dropped", .choices = speakings,
             .doc = "after a silent end: what the server's next bytes meet"),
    P_DURATION(
        intermediary, linger, .def = "0s", .min = "0s", .max = "1h",
        .doc = "after a FIN to the client: so long what it sends is swallowed, then met by RST"),
    P_DURATION(intermediary, lifetime, .def = "0s", .min = "0s", .max = "720h",
               .doc = "a connection ends after so long, idle or busy; 0s: never"),
    P_CHOICE(intermediary, lifetime_to_client, .def = "fin", .choices = endings,
             .doc = "what the client sees then"),
    P_CHOICE(intermediary, lifetime_to_server, .def = "fin", .choices = endings,
             .doc = "what the server sees then"),
    P_COUNT(intermediary, close_code, .def = "1001", .min = "1000", .max = "4999",
            .doc = "code of the Close frame, where one is sent"),
    P_CHOICE(intermediary, client_fin, .def = "close_both", .choices = half_closes,
             .doc = "when the client ends its direction"),
    P_CHOICE(intermediary, server_fin, .def = "close_both", .choices = half_closes,
             .doc = "when the server ends its direction"),
    P_CHOICE(intermediary, client_rst, .def = "fin", .choices = resets,
             .doc = "what the server sees of the client's RST"),
    P_CHOICE(intermediary, server_rst, .def = "fin", .choices = resets,
             .doc = "what the client sees of the server's RST"),
    P_CHOICE(
        intermediary, upgrade, .def = "pass", .choices = handlings,
        .doc =
            "the handshake's request: passed as it is, repaired into a valid one, or without its "
            "hop-by-hop headers"),
    P_SIZE(intermediary, head_limit, .def = "0B", .min = "0B", .max = "1MiB",
           .doc = "a longer request head is refused; 0B: none is"),
    P_SIZE(intermediary, line_limit, .def = "0B", .min = "0B", .max = "1MiB",
           .doc = "a request with a longer line in its head is refused; 0B: none is"),
    P_COUNT(intermediary, head_status, .def = "400", .min = "400", .max = "599",
            .doc = "with this status"),
    P_COUNT(intermediary, refused_status, .def = "502", .min = "400", .max = "599",
            .doc = "what the client gets when the server cannot be reached"),
    P_DURATION(intermediary, handshake_timeout, .def = "0s", .min = "0s", .max = "1h",
               .doc = "a request not answered in this time is given up; 0s: never"),
    P_COUNT(intermediary, timeout_status, .def = "504", .min = "400", .max = "599",
            .doc = "with this status"),
    P_DURATION(intermediary, drain, .def = "", .min = "1ms", .max = "24h",
               .doc =
                   "so long after the fault begins it is drained (reload, deploy); unset: never"),
    P_DURATION(intermediary, drain_grace, .def = "0s", .min = "0s", .max = "24h",
               .doc = "open tunnels go on so long after that, then they end"),
    P_CHOICE(intermediary, drain_to_client, .def = "fin", .choices = endings,
             .doc = "what the client sees then; none: it is never told"),
    P_CHOICE(intermediary, drain_to_server, .def = "fin", .choices = endings,
             .doc = "what the server sees then"),
    P_END,
};

/* --- The handshake --- */

static void refuse(struct fault *f, struct unit *request, uint64_t status)
{
    struct intermediary_state *state = fault_state(f);
    struct text response;
    text_init(&response);
    http_add_response(&response, (int)status, NULL, "");
    state->answered = true;
    fault_respond(f, request, text_chars(&response), response.len);
    intermediary_close_both(f, SIDE_CLIENT);
    text_fini(&response);
}

/* A handshake that lacks a header on the way is made whole, as nginx's recipe does. */
static void repair(struct fault *f, struct unit *u, const struct http_head *head)
{
    struct text first;
    struct http_head second;
    text_init(&first);
    http_with_header(head, "Upgrade", "websocket", &first);
    if (http_parse(HTTP_REQUEST, text_chars(&first), first.len, &second)) {
        head_set(f, u, &second, "Connection", "upgrade");
        http_head_fini(&second);
    } else {
        fault_pass(f, u);
    }
    text_fini(&first);
}

static void forward(struct fault *f, struct unit *u)
{
    const struct intermediary *cfg = fault_config(f);
    struct http_head head;
    if (cfg->upgrade == HANDLING_PASS || !head_of_handshake(u, &head)) {
        fault_pass(f, u);
        return;
    }
    if (cfg->upgrade == HANDLING_STRIP)
        head_strip(f, u, &head, HEAD_HTTP_1_1);
    else
        repair(f, u, &head);
    http_head_fini(&head);
}

static size_t longest_line(const struct unit *head)
{
    size_t longest = 0, len = 0;
    for (size_t at = 0; at < head->len; at++) {
        len = head->bytes[at] == '\n' ? 0 : len + 1;
        longest = len > longest ? len : longest;
    }
    return longest;
}

static bool is_too_long(const struct intermediary *cfg, const struct unit *head)
{
    return (cfg->head_limit > 0 && head->len > cfg->head_limit) ||
           (cfg->line_limit > 0 && longest_line(head) > cfg->line_limit);
}

static void take_request(struct fault *f, struct unit *u)
{
    const struct intermediary *cfg = fault_config(f);
    struct intermediary_state *state = fault_state(f);
    if (state->unreachable) {
        refuse(f, u, cfg->refused_status);
    } else if (is_too_long(cfg, u)) {
        refuse(f, u, cfg->head_status);
    } else {
        state->asked = true;
        state->answered = false;
        state->asked_at = fault_now(f);
        forward(f, u);
    }
}

static void take_answer(struct fault *f, struct unit *u)
{
    struct intermediary_state *state = fault_state(f);
    struct http_head head;
    state->answered = true;
    if (head_of_switch(u, &head)) {
        state->phase = PHASE_TUNNEL;
        state->last[TO_SERVER] = state->last[TO_CLIENT] = fault_now(f);
        http_head_fini(&head);
    }
    fault_pass(f, u);
}

static void take_head(struct fault *f, struct unit *u)
{
    const struct intermediary_state *state = fault_state(f);
    if (state->phase != PHASE_HANDSHAKE)
        fault_drop(f, u);
    else if (u->dir == TO_SERVER)
        take_request(f, u);
    else
        take_answer(f, u);
    intermediary_set_timer(f);
}

static void answer_for_server(struct fault *f)
{
    const struct intermediary *cfg = fault_config(f);
    struct intermediary_state *state = fault_state(f);
    state->unreachable = true;
    if (state->asked)
        refuse(f, NULL, cfg->refused_status);
    intermediary_set_timer(f);
}

/* --- The tunnel --- */

static void begin(struct fault *f)
{
    struct intermediary_state *state = fault_state(f);
    state->began = state->last[TO_SERVER] = state->last[TO_CLIENT] = fault_now(f);
    state->phase = fault_is_open(f) ? PHASE_TUNNEL : PHASE_HANDSHAKE;
    intermediary_set_timer(f);
}

static void note(struct fault *f, enum dir d)
{
    struct intermediary_state *state = fault_state(f);
    if (state->phase != PHASE_TUNNEL)
        return;
    state->last[d] = fault_now(f);
    intermediary_set_timer(f);
}

static enum speaks meets(const struct fault *f, enum dir d)
{
    const struct intermediary *cfg = fault_config(f);
    return (enum speaks)(d == TO_SERVER ? cfg->client_speaks : cfg->server_speaks);
}

/* The flow is known again. What the other side's TCP has sent in vain meanwhile it sends again. */
static void revive(struct fault *f, struct unit *u)
{
    struct intermediary_state *state = fault_state(f);
    state->phase = PHASE_TUNNEL;
    state->last[u->dir] = fault_now(f);
    fault_let_go(f, u->dir == TO_SERVER ? TO_CLIENT : TO_SERVER);
    fault_pass(f, u);
    intermediary_set_timer(f);
}

/* The first bytes after the flow was forgotten. A revived flow that ends at a side which was reset
 * leads to a host that knows nothing of it, and answers with RST. */
static void speak(struct fault *f, struct unit *u)
{
    struct intermediary_state *state = fault_state(f);
    enum dir d = u->dir, back = d == TO_SERVER ? TO_CLIENT : TO_SERVER;
    bool lost = state->reset[back] || meets(f, back) != SPEAKS_REVIVED || u->end == CUT_RST;
    if (meets(f, d) == SPEAKS_REVIVED && !state->reset[back]) {
        revive(f, u);
    } else if (meets(f, d) == SPEAKS_DROPPED && !lost) {
        fault_hold(f, u, NEVER);
    } else {
        fault_drop(f, u);
        if (meets(f, d) == SPEAKS_DROPPED)
            return;
        state->reset[d] = true;
        fault_cut(f, d == TO_SERVER ? SIDE_CLIENT : SIDE_SERVER, CUT_RST);
    }
}

static void carry(struct fault *f, struct unit *u)
{
    const struct intermediary_state *state = fault_state(f);
    if (state->phase == PHASE_FORGOTTEN)
        speak(f, u);
    else if (state->phase == PHASE_LINGERS || state->phase == PHASE_ENDED)
        fault_drop(f, u);
    else
        fault_pass(f, u);
}

static void take_fin(struct fault *f, struct unit *u, int half_close)
{
    if (half_close == HALF_CLOSE_PASS_ON) {
        fault_pass(f, u);
        return;
    }
    fault_drop(f, u);
    intermediary_close_both(f, u->dir == TO_SERVER ? SIDE_SERVER : SIDE_CLIENT);
}

static void take_reset(struct fault *f, struct unit *u, int reset)
{
    static const enum ending as[] = {END_FIN, END_RST, END_SILENT};
    struct intermediary_state *state = fault_state(f);
    fault_drop(f, u);
    state->phase = PHASE_ENDED;
    intermediary_end_side(f, u->dir == TO_SERVER ? SIDE_SERVER : SIDE_CLIENT, as[reset],
                          as[reset] == END_FIN ? IN_ORDER : AT_ONCE);
}

static void take_end(struct fault *f, struct unit *u)
{
    const struct intermediary *cfg = fault_config(f);
    const struct intermediary_state *state = fault_state(f);
    bool client = u->dir == TO_SERVER;
    if (state->phase == PHASE_FORGOTTEN)
        speak(f, u);
    else if (state->phase == PHASE_LINGERS || state->phase == PHASE_ENDED)
        fault_drop(f, u);
    else if (u->end == CUT_RST)
        take_reset(f, u, client ? cfg->client_rst : cfg->server_rst);
    else
        take_fin(f, u, client ? cfg->client_fin : cfg->server_fin);
    intermediary_set_timer(f);
}

static void come_due(struct fault *f)
{
    const struct intermediary *cfg = fault_config(f);
    struct intermediary_state *state = fault_state(f);
    nsec now = fault_now(f);
    if (state->phase == PHASE_LINGERS) {
        state->phase = PHASE_ENDED;
        fault_cut(f, SIDE_CLIENT, CUT_CLOSE);
    } else if (intermediary_unanswered_at(cfg, state) <= now) {
        refuse(f, NULL, cfg->timeout_status);
    } else if (intermediary_drained_at(cfg, state) <= now) {
        intermediary_end_both(f, cfg->drain_to_client, cfg->drain_to_server);
    } else if (intermediary_lifetime_at(cfg, state) <= now) {
        intermediary_end_both(f, cfg->lifetime_to_client, cfg->lifetime_to_server);
    } else if (intermediary_idle_at(cfg, state) <= now) {
        intermediary_end_idle(f);
    }
    intermediary_set_timer(f);
}

static bool begins_with(const char *text, const char *part)
{
    return strncmp(text, part, strlen(part)) == 0;
}

/* How something ends that never ends need not be known. */
static bool uses(const void *config, const char *param)
{
    const struct intermediary *cfg = config;
    if (begins_with(param, "drain_"))
        return cfg->drain > 0;
    if (begins_with(param, "lifetime_to_"))
        return cfg->lifetime > 0;
    if (begins_with(param, "idle_to_"))
        return cfg->idle > 0 && cfg->counts != COUNTS_NONE;
    return true;
}

const struct fault_desc intermediary_fault = {
    .layer = LAYER_INTERMEDIARY,
    .name = "intermediary",
    .brief = "treat connections as a named proxy or NAT does",
    .doc =
        "Idle timers, life limits, what each end sees when they fire, half-closes, resets, the handshake, "
        "reloads: as nginx, HAProxy, a cloud balancer or a NAT does it. The facts come from the profile, "
        "each with its source and how certain it is (halfopen explain nginx); what nobody knows has to be "
        "given. Nothing else is touched. A good endpoint beats more often than the idle timer, with room "
        "for one lost beat, comes back with backoff and jitter when it is cut all the same, and does not "
        "take the FIN of a proxy for the peer's word. A silent end acknowledges bytes that arrive, as "
        "every proxy on this machine must; a NAT would not (see blackhole).",
    .example = "intermediary: {profile: nginx, idle: 20s}",
    .dirs = DIR_BOTH,
    .presets = "intermediaries",
    .params = params,
    .uses = uses,
    .config_size = sizeof(struct intermediary),
    .state_size = sizeof(struct intermediary_state),
    .ops = {.on_start = begin,
            .on_head = take_head,
            .on_bytes = carry,
            .on_end = take_end,
            .on_traffic = note,
            .on_timer = come_due,
            .on_unreachable = answer_for_server},
};
