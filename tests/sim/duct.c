#include "tests/sim/duct.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/run_start.h"
#include "tests/sim/world.h"

#define GOT_LIMIT_BYTES ((size_t)256 << 20)

static size_t on_output(void *driver, enum side to, const uint8_t *bytes, size_t len)
{
    struct duct *duct = driver;
    size_t taken = len < duct->room[to] ? len : duct->room[to];
    if (duct->room[to] != SIZE_MAX)
        duct->room[to] -= taken;
    return buf_append(&duct->got[to], bytes, taken);
}

static void on_action(void *driver, struct action action)
{
    struct duct *duct = driver;
    switch (action.kind) {
    case ACTION_CONNECT:
        duct->connect_wanted = true;
        return;
    case ACTION_CUT:
        duct->finished[action.side] = true;
        duct->reset[action.side] = action.how == CUT_RST || action.how == CUT_VANISH;
        return;
    case ACTION_CLOSE_WINDOW:
    case ACTION_OPEN_WINDOW:
    case ACTION_DEAFEN:
        return;
    }
}

static void on_over(void *driver)
{
    struct duct *duct = driver;
    duct->session = NULL;
    duct->finished[SIDE_CLIENT] = duct->finished[SIDE_SERVER] = true;
}

static const struct session_ops session_ops = {
    .on_output = on_output, .on_action = on_action, .on_over = on_over};

static void settle(struct duct *duct)
{
    for (int turns = 0; turns < 8; turns++) {
        run_settle(duct->run, duct->now);
        if (!duct->connect_wanted)
            return;
        duct->connect_wanted = false;
        if (duct->session)
            session_connected(duct->session, duct->now);
    }
}

void duct_init(struct duct *duct, struct plan *plan, uint64_t seed)
{
    struct policy policy;
    struct run_options options = {.seed = seed, .observe = true};
    *duct = (struct duct){.plan = plan};
    for (int side = 0; side < DUCT_SIDES; side++) {
        buf_init(&duct->got[side], GOT_LIMIT_BYTES);
        duct->room[side] = SIZE_MAX;
    }
    policy_defaults(&policy);
    duct->recorder = recorder_new(NULL);
    recorder_copy_to(duct->recorder, &duct->trace);
    run_start_emit(duct->recorder,
                   &(struct run_start){.plan = plan, .policy = &policy, .seed = seed, .speed = 1});
    duct->run = run_new(plan, duct->recorder, &options);
    run_start(duct->run, 0);
    struct session *session =
        run_accept(duct->run, 0, "127.0.0.1:40000", "ipv4", &session_ops, duct, 0);
    if (session_admission(session) != REFUSE)
        duct->session = session;
    settle(duct);
}

void duct_end_run(struct duct *duct)
{
    run_end(duct->run, "finished", duct->now);
}

void duct_fini(struct duct *duct)
{
    duct_end_run(duct);
    run_free(duct->run);
    recorder_free(duct->recorder);
    plan_free(duct->plan);
    for (int side = 0; side < DUCT_SIDES; side++)
        buf_fini(&duct->got[side]);
    text_fini(&duct->trace);
}

bool duct_send(struct duct *duct, enum side from, const void *bytes, size_t len)
{
    if (!duct->session || !session_wants_input(duct->session, from))
        return false;
    uint8_t *exact = xmalloc(len + 1); /* reading past the piece is caught by a sanitizer */
    if (len > 0)
        memcpy(exact, bytes, len);
    session_input(duct->session, from, exact, len, duct->now);
    free(exact);
    settle(duct);
    return true;
}

void duct_send_all(struct duct *duct, enum side from, const struct buf *bytes, size_t slice,
                   struct rng *rng)
{
    const uint8_t *at = buf_bytes(bytes);
    size_t left = buf_len(bytes);
    while (left > 0 && duct->session) {
        size_t most = slice > 0 && slice < left ? slice : left;
        size_t len = rng && slice > 1 ? (size_t)rng_between(rng, 1, (int64_t)most) : most;
        if (!duct_send(duct, from, at, len)) {
            if (duct->room[side_other(from)] == SIZE_MAX)
                return;
            duct_give_room(duct, side_other(from), 64 << 10);
            continue;
        }
        at += len;
        left -= len;
    }
}

void duct_end(struct duct *duct, enum side from, enum cut how)
{
    if (duct->session)
        session_end(duct->session, from, how, how == CUT_FIN ? "fin" : "rst", duct->now);
    settle(duct);
}

void duct_give_room(struct duct *duct, enum side to, size_t more)
{
    if (duct->room[to] != SIZE_MAX)
        duct->room[to] += more;
    if (duct->session)
        session_writable(duct->session, to, duct->now);
    settle(duct);
}

void duct_until(struct duct *duct, nsec now)
{
    for (nsec due; (due = run_deadline(duct->run)) <= now;) {
        duct->now = nsec_max(duct->now, due);
        run_expire(duct->run, duct->now);
        settle(duct);
        if (run_deadline(duct->run) <= due) /* what is due again at once waits for the next call */
            break;
    }
    duct->now = now;
    run_expire(duct->run, now);
    settle(duct);
}

struct plan *duct_plan(const char *steps)
{
    char *yaml = xprintf("scenario: duct\nstory: One connection.\ntests: client\nsteps:\n%s"
                         "  - wait: 24h\n",
                         steps);
    struct plan *plan = sim_plan_of(yaml);
    free(yaml);
    return plan;
}
