/* Every bundled story is told to its end, and each fault in it happens. The steps begin when all
 * clients are connected: a fault on the handshake needs a connection that is lost first. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/flaws.h"
#include "scenario/find.h"
#include "tests/check.h"
#include "tests/sim/world.h"
#include "tests/spread.h"

/* By an act, or, where acts cannot be seen, by having begun. */
static bool happened(const struct trace *trace, const struct fault_desc *fault)
{
    enum event_kind kind = fault->door ? EV_FAULT_ON : EV_FAULT_ACT;
    const struct event *ev;
    for (size_t i = 0; (ev = trace_next(trace, &i, kind));)
        if (strcmp(fault->door ? ev->fault_on.fault : ev->fault_act.fault, fault->name) == 0)
            return true;
    return false;
}

/* Needs a client that asks for a subprotocol. */
static const char *const beyond_the_built_in_client[] = {"server-forgot-the-protocol"};

static bool is_beyond(const struct plan *plan)
{
    for (size_t i = 0; i < sizeof beyond_the_built_in_client / sizeof(char *); i++)
        if (strcmp(plan->name, beyond_the_built_in_client[i]) == 0)
            return true;
    return false;
}

enum telling { SOUND, WITHOUT_HEARTBEAT, TALKATIVE, TELLINGS };

static struct trace *tell(const char *path, enum telling telling)
{
    struct sim_config cfg;
    struct trace *trace;
    struct plan *plan = sim_plan(path);
    if (telling == TALKATIVE) {
        plan->client = (struct builtin_client_options){.sends = 20000, .message_bytes = 200};
        plan->server.echo = true;
    }
    sim_config_init(&cfg, plan);
    if (telling == WITHOUT_HEARTBEAT)
        CHECK(client_flaw_apply(&cfg.client, "no_heartbeat"));
    CHECK_STR(sim_keep(&cfg, NULL, &trace), "finished");
    plan_free(plan);
    return trace;
}

/* The first step whose fault did nothing; NULL: all did. */
static const struct step *idle_step(const struct plan *plan, const struct trace *trace)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == STEP_FAULT && !happened(trace, plan->steps[i].fault.desc))
            return &plan->steps[i];
    return NULL;
}

/* Some faults wait for a flaw, others for something to act on. */
static void check_faults(const char *path)
{
    struct plan *plan = sim_plan(path);
    const struct step *idle = NULL;
    for (int telling = 0; telling < TELLINGS; telling++) {
        struct trace *trace = tell(path, (enum telling)telling);
        idle = idle_step(plan, trace);
        trace_free(trace);
        if (!idle || is_beyond(plan))
            break;
    }
    CHECK_STR(idle && !is_beyond(plan) ? idle->label : plan->name, plan->name);
    plan_free(plan);
}

static void check_piece(void *context, size_t piece, struct text *out)
{
    check_faults(((const struct paths *)context)->paths[piece]);
}

static void every_story_is_told_to_its_end_and_its_faults_happen(void)
{
    struct paths paths;
    paths_init(&paths);
    find_all_scenarios("scenarios", &paths);
    CHECK(paths.count >= 30);
    spread(paths.count, check_piece, &paths, NULL);
    paths_fini(&paths);
}

SUITE(stories, TEST(every_story_is_told_to_its_end_and_its_faults_happen))
