/* The simulated world: one scenario from its first step to run.end in virtual time. The core is
 * driven as net/driver drives it; the endpoints are the real machines of proxy/endpoint; what is
 * simulated is the kernel (socket buffers that fill at both ends, FIN, RST, closed windows), the
 * clock, and how late timers come. The next instant is the least deadline of all who wait. Nothing
 * here is random but by the seed: the same configuration gives the same trace, byte for byte.
 *
 *     struct sim_config cfg;
 *     sim_config_init(&cfg, plan);                         sound endpoints, seed 1
 *     client_flaw_apply(&cfg.client, "no_jitter");
 *     struct text trace = {0};
 *     sim_run(&cfg, &trace);                               JSON lines, run.start to run.end
 *
 * sim_judge reads such a trace with the real reader and judges it as the runner does; sim_verdicts
 * does without the lines. */
#ifndef HALFOPEN_TESTS_SIM_WORLD_H
#define HALFOPEN_TESTS_SIM_WORLD_H

#include "control/judge.h"
#include "core/plan.h"
#include "endpoint/endpoint_policy.h"
#include "trace/policy.h"

/* What all runs of a plan have in common that ask the same policy and declare the same; making it
 * takes as long as a short run. */
struct sim_stage;

struct transcript;

struct sim_config {
    const struct plan *plan;     /* borrowed */
    struct client_policy client; /* of every client; what the plan lets it send comes on top */
    struct server_policy server; /* likewise */
    struct policy policy;        /* asked of the endpoints, for run.start */
    const char *declared;        /* for run.start, and which hooks there are; all by default */
    uint64_t seed;
    nsec lateness; /* every timer comes late by a random time up to this; also run.start's noise */
    size_t
        slice; /* the proxy and the endpoints read random pieces of at most this; 0: all there is */
    size_t send_buffer, receive_buffer; /* of each simulated socket, bytes */
    bool no_server;                     /* whoever connects to it is refused */
    nsec startup; /* clients must be connected by then, else the scenario does not begin */
    nsec limit;   /* the world ends then whatever the scenario says */
    const struct sim_stage *stage; /* borrowed; NULL: made for the run */
    struct transcript *transcript; /* borrowed; kept for sim_same_run; NULL: is not */
    bool memory; /* process.memory of each client once a second, as the runner records on request */
};

/* Sound endpoints, the default policy, seed 1, punctual timers; memory as the plan's rules want it.
 */
void sim_config_init(struct sim_config *, const struct plan *);

struct sim_stage *sim_stage_new(const struct sim_config *);
void sim_stage_free(struct sim_stage *);

/* Why a run ends early whose client is failed as soon as it opens: some flaws do that. */
#define SIM_NEVER_CONNECTED "a client never connected"

/* Appends the trace. Returns the reason in run.end: "finished", or why it ended early. */
const char *sim_run(const struct sim_config *, struct text *trace);
/* Keeps the trace in memory, as the reader would find it; trace_free. lines: appended to as well;
 * NULL: none are written. */
const char *sim_keep(const struct sim_config *, struct text *lines, struct trace **trace);

/* After a run with a transcript: with this client policy instead it would have been the same run.
 */
bool sim_same_run(const struct sim_config *played, const struct client_policy *);

/* Reads the trace (which must be readable: else it aborts with the reader's words); trace_free. */
struct trace *sim_read(const struct text *trace);
/* The nth event of that kind, from 0. NULL: not so many. */
const struct event *sim_event(const struct trace *, enum event_kind, int nth);
int sim_count(const struct trace *, enum event_kind);

/* Reads the trace likewise and judges it. The caller calls scenario_result_fini. */
void sim_judge(const struct text *trace, struct scenario_result *);
/* Judges what was kept. */
void sim_judge_kept(const struct sim_config *, const struct trace *, struct scenario_result *);
/* Runs and judges, with no lines in between. Returns the reason in run.end. */
const char *sim_verdicts(const struct sim_config *, struct scenario_result *);
/* INCONCLUSIVE when the rule was not judged. */
enum verdict sim_verdict(const struct scenario_result *, const char *rule);

/* A scenario file, or steps: as the real loader reads them; aborts with its words. */
struct plan *sim_plan(const char *path);
struct plan *sim_plan_of(const char *yaml);
/* All bundled scenarios of a folder under scenarios/ ("client"), sorted; clients that send a lot
 * send less. The caller frees with sim_plans_free. */
struct sim_plans {
    struct plan **list;
    size_t count;
};
struct sim_plans sim_plans_load(const char *folder);
void sim_plans_free(struct sim_plans *);

#endif
