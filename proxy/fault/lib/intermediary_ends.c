/* How an intermediary ends a connection, and when it is due to. */
#include "fault/lib/inject.h"
#include "fault/lib/intermediary_parts.h"

/* --- Ends --- */

static void cut_side(struct fault *f, enum side side, enum cut how, enum order order)
{
    if (order == IN_ORDER)
        fault_end(f, side == SIDE_CLIENT ? TO_CLIENT : TO_SERVER, how);
    else
        fault_cut(f, side, how);
}

void intermediary_end_side(struct fault *f, enum side side, enum ending how, enum order order)
{
    const struct intermediary *cfg = fault_config(f);
    struct intermediary_state *state = fault_state(f);
    switch (how) {
    case END_NONE:
        return;
    case END_CLOSE_FRAME:
        (void)inject_close(f, side == SIDE_CLIENT ? TO_CLIENT : TO_SERVER,
                           (unsigned)cfg->close_code, ""); /* full: then the end comes without */
        cut_side(f, side, CUT_CLOSE, IN_ORDER);
        return;
    case END_FIN:
        if (side == SIDE_CLIENT && cfg->linger > 0) {
            state->phase = PHASE_LINGERS;
            state->lingers_until = nsec_add(fault_now(f), cfg->linger);
        }
        cut_side(f, side,
                 state->phase == PHASE_LINGERS && side == SIDE_CLIENT ? CUT_FIN : CUT_CLOSE, order);
        return;
    case END_RST:
        cut_side(f, side, CUT_RST, order);
        return;
    case END_SILENT:
        fault_cut(f, side, CUT_SILENT);
        return;
    }
}

void intermediary_end_both(struct fault *f, int to_client, int to_server)
{
    struct intermediary_state *state = fault_state(f);
    state->phase = PHASE_ENDED;
    intermediary_end_side(f, SIDE_SERVER, (enum ending)to_server, AT_ONCE);
    intermediary_end_side(f, SIDE_CLIENT, (enum ending)to_client, AT_ONCE);
}

void intermediary_close_both(struct fault *f, enum side in_order)
{
    struct intermediary_state *state = fault_state(f);
    state->phase = PHASE_ENDED;
    intermediary_end_side(f, SIDE_SERVER, END_FIN, in_order == SIDE_SERVER ? IN_ORDER : AT_ONCE);
    intermediary_end_side(f, SIDE_CLIENT, END_FIN, in_order == SIDE_CLIENT ? IN_ORDER : AT_ONCE);
}

/* Nothing is sent and the next packet of either side finds out, which has to be seen to be met. */
static bool forgets_only(const struct intermediary *cfg)
{
    return cfg->idle_to_client == END_SILENT && cfg->idle_to_server == END_SILENT &&
           (cfg->client_speaks != SPEAKS_DROPPED || cfg->server_speaks != SPEAKS_DROPPED);
}

void intermediary_end_idle(struct fault *f)
{
    const struct intermediary *cfg = fault_config(f);
    struct intermediary_state *state = fault_state(f);
    if (forgets_only(cfg))
        state->phase = PHASE_FORGOTTEN;
    else
        intermediary_end_both(f, cfg->idle_to_client, cfg->idle_to_server);
}

/* --- When --- */

static nsec after(nsec from, nsec length)
{
    return length > 0 ? nsec_add(from, length) : NEVER;
}

nsec intermediary_idle_at(const struct intermediary *cfg, const struct intermediary_state *state)
{
    nsec client = state->last[TO_SERVER], server = state->last[TO_CLIENT];
    nsec other = cfg->idle_from_server > 0 ? cfg->idle_from_server : cfg->idle;
    if (state->phase != PHASE_TUNNEL)
        return NEVER;
    switch ((enum counts)cfg->counts) {
    case COUNTS_NONE:
        return NEVER;
    case COUNTS_ANY:
        return after(nsec_max(client, server), cfg->idle);
    case COUNTS_FROM_CLIENT:
        return after(client, cfg->idle);
    case COUNTS_FROM_SERVER:
        return after(server, cfg->idle);
    case COUNTS_PER_DIRECTION:
        return nsec_min(after(client, cfg->idle), after(server, other));
    }
    return NEVER;
}

static bool is_alive(const struct intermediary_state *state)
{
    return state->phase == PHASE_TUNNEL || state->phase == PHASE_FORGOTTEN;
}

nsec intermediary_lifetime_at(const struct intermediary *cfg,
                              const struct intermediary_state *state)
{
    return is_alive(state) ? after(state->began, cfg->lifetime) : NEVER;
}

nsec intermediary_drained_at(const struct intermediary *cfg, const struct intermediary_state *state)
{
    return is_alive(state) ? nsec_add(after(state->began, cfg->drain), cfg->drain_grace) : NEVER;
}

nsec intermediary_unanswered_at(const struct intermediary *cfg,
                                const struct intermediary_state *state)
{
    bool waits = state->phase == PHASE_HANDSHAKE && state->asked && !state->answered;
    return waits ? after(state->asked_at, cfg->handshake_timeout) : NEVER;
}

void intermediary_set_timer(struct fault *f)
{
    const struct intermediary *cfg = fault_config(f);
    const struct intermediary_state *state = fault_state(f);
    nsec at = nsec_min(intermediary_idle_at(cfg, state), intermediary_lifetime_at(cfg, state));
    at = nsec_min(
        at, nsec_min(intermediary_drained_at(cfg, state), intermediary_unanswered_at(cfg, state)));
    fault_wake(f, state->phase == PHASE_LINGERS ? state->lingers_until : at);
}
