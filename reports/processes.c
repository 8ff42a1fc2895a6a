/* The processes that played the endpoints, from the trace of their scenario. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/units.h"
#include "reports/html_parts.h"

static struct process_result *process_with(struct scenario_result *result, uint64_t pid)
{
    for (size_t i = result->process_count; i-- > 0;)
        if (result->processes[i].pid == pid)
            return &result->processes[i];
    return NULL;
}

static void add_process(struct scenario_result *result, const struct event *ev)
{
    size_t size = (result->process_count + 1) * sizeof *result->processes;
    result->processes = xrealloc(result->processes, size);
    result->processes[result->process_count++] =
        (struct process_result){.role = xstrdup(ev->process_start.role),
                                .command = xstrdup(ev->process_start.command),
                                .output = xstrdup(ev->process_start.output),
                                .how = xstrdup(""),
                                .version = xstrdup(""),
                                .client = ev->client,
                                .pid = ev->process_start.pid};
}

static void replace(char **field, const char *with)
{
    free(*field);
    *field = xstrdup(with);
}

static void note_usage(struct scenario_result *result, const struct ev_process_usage *usage)
{
    struct process_result *process = process_with(result, usage->pid);
    if (!process)
        return;
    process->measured = true;
    process->cpu = usage->cpu;
    process->memory = usage->memory;
    replace(&process->version, usage->version);
}

void scenario_note_processes(struct scenario_result *result, const struct trace *trace)
{
    const struct event *ev;
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_PROCESS_START)) != NULL;)
        add_process(result, ev);
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_PROCESS_USAGE)) != NULL;)
        note_usage(result, &ev->process_usage);
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_PROCESS_EXIT)) != NULL;) {
        struct process_result *process = process_with(result, ev->process_exit.pid);
        if (process)
            replace(&process->how, ev->process_exit.how);
    }
}

void process_result_fini(struct process_result *process)
{
    free(process->role);
    free(process->command);
    free(process->output);
    free(process->how);
    free(process->version);
}

/* --- As a table --- */

static void add_cell(struct text *out, const char *words)
{
    text_add(out, "<td>");
    html_add(out, words);
    text_add(out, "</td>");
}

static void add_taken(const struct process_result *process, struct text *out)
{
    text_add(out, "<td class='num'>");
    if (process->measured)
        text_addf(out, "%.2f s", nsec_to_seconds(process->cpu));
    text_add(out, "</td><td class='num'>");
    if (process->measured)
        units_add_size(out, process->memory);
    text_add(out, "</td>");
}

static void add_row(const struct process_result *process, struct text *out)
{
    text_add(out, "<tr><td>");
    html_add(out, process->role);
    if (process->client >= 0)
        text_addf(out, " %d", process->client);
    text_addf(out, "</td><td class='num'>%llu</td><td class='mono'>",
              (unsigned long long)process->pid);
    html_add(out, process->command);
    text_add(out, "</td>");
    add_cell(out, process->version);
    add_taken(process, out);
    add_cell(out, process->how);
    text_add(out, "<td><a href='");
    html_add(out, process->output);
    text_add(out, "'>output</a></td></tr>");
}

void html_processes(const struct scenario_result *scenario, struct text *out)
{
    if (scenario->process_count == 0)
        return;
    text_addf(out,
              "<details><summary>Processes: %zu</summary><div class='scroll'><table><tr><th></th>"
              "<th class='num'>pid</th><th>command</th><th>version</th><th class='num'>CPU</th>"
              "<th class='num'>memory</th><th>ended</th><th></th></tr>",
              scenario->process_count);
    for (size_t i = 0; i < scenario->process_count; i++)
        add_row(&scenario->processes[i], out);
    text_add(out, "</table></div></details>");
}
