/* What the endpoints took of the machine, recorded before the run ends. */
#include <stdlib.h>

#include "control/job_parts.h"
#include "control/printed_version.h"

static void record(struct job *job, const struct child *child, struct census *census)
{
    struct usage usage;
    struct event ev = {.kind = EV_PROCESS_USAGE, .client = child->number, .by = BY_PROXY};
    if (!child->process)
        return;
    char *version = printed_version_in(process_output(child->process));
    process_usage(child->process, census, &usage);
    ev.at = nsec_max(driver_now(job->driver), recorder_last(job->recorder));
    ev.process_usage = (struct ev_process_usage){.role = child->role,
                                                 .pid = (uint64_t)process_pid(child->process),
                                                 .cpu = usage.cpu,
                                                 .memory = usage.memory,
                                                 .version = version ? version : ""};
    recorder_emit(job->recorder, ev);
    free(version);
}

void job_record_usage_of(struct job *job, const struct child *child)
{
    struct census *census = census_take();
    record(job, child, census);
    census_free(census);
}

void job_record_usage(struct job *job)
{
    struct census *census = census_take();
    for (unsigned i = 0; i < job->started_clients; i++)
        record(job, &job->clients[i], census);
    record(job, &job->server_child, census);
    census_free(census);
}
