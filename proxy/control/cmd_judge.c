/* halfopen judge: saved traces again, offline; the same verdicts as when they were recorded. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/mem.h"
#include "control/commands.h"
#include "control/judge.h"

#define TRACES_LIMIT 1024

struct judge_options {
    const char *only, *report;
    bool json, strict, quiet;
};

static const struct option options[] = {
    {"only", OPTION_TEXT, offsetof(struct judge_options, only), "GLOB", "only these rules"},
    {"report", OPTION_TEXT, offsetof(struct judge_options, report), "DIR",
     "write results.json, junit.xml and index.html there"},
    {"json", OPTION_FLAG, offsetof(struct judge_options, json), NULL, "results on stdout"},
    {"strict", OPTION_FLAG, offsetof(struct judge_options, strict), NULL,
     "SHOULD rules and warnings count too"},
    {"quiet", OPTION_FLAG, offsetof(struct judge_options, quiet), NULL, "only the exit code"},
    {0},
};

struct traces {
    char *paths[TRACES_LIMIT];
    size_t count;
};

/* --- Which traces, in which order --- */

/* The place of a trace in the results of the run that wrote it; behind all others when it has none.
 */
static size_t place_of(const json_t *results, const char *path)
{
    size_t place;
    json_t *scenario;
    json_array_foreach(json_object_get(results, "scenarios"), place, scenario)
    {
        const char *trace = json_string_value(json_object_get(scenario, "trace"));
        const char *name = trace ? strrchr(trace, '/') : NULL, *end = strrchr(path, '/');
        if (name && end && strcmp(name, end) == 0)
            return place;
    }
    return SIZE_MAX;
}

static int by_place(const void *a, const void *b, void *results)
{
    const char *one = *(char *const *)a, *other = *(char *const *)b;
    size_t first = place_of(results, one), second = place_of(results, other);
    if (first != second)
        return first < second ? -1 : 1;
    return strcmp(one, other);
}

static bool is_trace(const char *name)
{
    size_t len = strlen(name);
    return len > 6 && strcmp(name + len - 6, ".jsonl") == 0;
}

/* In the order of results_file, where there is one, then by name. */
static void add_folder(struct traces *traces, const char *folder, const char *results_file)
{
    json_error_t error;
    json_t *results = json_load_file(results_file, 0, &error);
    size_t from = traces->count;
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL && traces->count < TRACES_LIMIT)
        if (is_trace(entry->d_name))
            traces->paths[traces->count++] = xprintf("%s/%s", folder, entry->d_name);
    if (dir)
        (void)closedir(dir);
    qsort_r(traces->paths + from, traces->count - from, sizeof *traces->paths, by_place, results);
    json_decref(results);
}

/* A trace, a folder of them, or a report folder. */
static void add_written(struct traces *traces, const char *written, struct diag *diag)
{
    struct stat info;
    size_t before = traces->count;
    if (stat(written, &info) != 0) {
        diag_error(diag, (struct place){0}, "%s: there is no such file", written);
        return;
    }
    if (!S_ISDIR(info.st_mode)) {
        if (traces->count < TRACES_LIMIT)
            traces->paths[traces->count++] = xstrdup(written);
        return;
    }
    char *inside = xprintf("%s/traces", written), *results = xprintf("%s/results.json", written);
    add_folder(traces, stat(inside, &info) == 0 ? inside : written, results);
    free(inside);
    free(results);
    if (traces->count == before)
        diag_error(diag, (struct place){0}, "%s: holds no trace (*.jsonl)", written);
}

static struct scenario_result *result_of_trace(struct results *results, const char *trace)
{
    for (size_t i = 0; i < results->scenario_count; i++)
        if (results->scenarios[i].trace && strcmp(results->scenarios[i].trace, trace) == 0)
            return &results->scenarios[i];
    return NULL;
}

static bool same_file(const char *path, const char *relative)
{
    size_t path_len = strlen(path), relative_len = strlen(relative);
    return path_len >= relative_len && strcmp(path + path_len - relative_len, relative) == 0;
}

/* A second run, which speaks about the first; its run.start names it. */
struct second {
    char *confirms;
    struct scenario_result result;
};

struct judging {
    struct results *results;
    struct second *seconds;
    size_t second_count;
    const char *only;
};

static void keep_second(struct judging *judging, const char *confirms,
                        const struct scenario_result *result)
{
    size_t size = (judging->second_count + 1) * sizeof *judging->seconds;
    judging->seconds = xrealloc(judging->seconds, size);
    judging->seconds[judging->second_count++] = (struct second){xstrdup(confirms), *result};
}

/* A second run whose first is not here speaks for itself. */
static void merge_second(struct results *results, struct second *second)
{
    for (size_t i = 0; i < results->scenario_count; i++) {
        struct scenario_result *result = &results->scenarios[i];
        if (result->second_trace || !result->trace || !same_file(result->trace, second->confirms))
            continue;
        judge_merge(result, &second->result);
        result->second_trace = xstrdup(second->result.trace);
        scenario_result_fini(&second->result);
        return;
    }
    *results_add_scenario(results) = second->result;
}

/* Whatever the order in which they were read, the first runs are all there by now. */
static void merge_seconds(struct judging *judging)
{
    for (size_t i = 0; i < judging->second_count; i++) {
        merge_second(judging->results, &judging->seconds[i]);
        free(judging->seconds[i].confirms);
    }
    free(judging->seconds);
}

/* How it ended decides about the exit code beside the verdicts, as when it was recorded. */
static void note_ending(struct results *results, const struct trace *trace,
                        struct scenario_result *result)
{
    enum run_ending ending = trace_ending(trace);
    result->interrupted = ending == ENDING_MISSING || ending == ENDING_EARLY;
    results->interrupted = results->interrupted || ending == ENDING_EARLY;
    if (ending == ENDING_TROUBLE)
        result->trouble = xstrdup(trace->reason);
}

static bool judge_file(struct judging *judging, const char *path)
{
    struct results *results = judging->results;
    struct diag *diag = diag_new();
    struct trace *trace = trace_read(path, diag);
    char hash[65];
    diag_print(diag, stderr);
    diag_free(diag);
    if (!trace || result_of_trace(results, path)) {
        trace_free(trace);
        return trace != NULL;
    }
    struct scenario_result result = {.trace = xstrdup(path)};
    judge_trace(trace, judging->only, &result);
    result.sha256 = digest_sha256_file(path, hash) ? xstrdup(hash) : NULL;
    note_ending(results, trace, &result);
    if (trace->start->confirms && *trace->start->confirms)
        keep_second(judging, trace->start->confirms, &result);
    else
        *results_add_scenario(results) = result;
    if (!results->started) {
        results->started = xstrdup(trace->start->started);
        results->profile = xstrdup(trace->start->profile);
        results->target_json = xstrdup(trace->start->target);
        results->policy_json = xstrdup(trace->start->policy);
        results->seed = trace->start->seed;
        results->speed = trace->start->speed;
        results->noise = trace->noise;
    }
    trace_free(trace);
    return true;
}

static bool write_reports(const struct results *results, const char *folder)
{
    (void)mkdir(folder, 0777);
    if (report_json(results, folder) && report_junit(results, folder) &&
        report_html(results, folder))
        return true;
    fprintf(stderr, "halfopen: the report could not be written to %s\n", folder);
    return false;
}

static void print(const struct results *results, const struct judge_options *into)
{
    struct text out;
    text_init(&out);
    if (into->json)
        results_add_json(results, &out);
    else if (!into->quiet)
        report_text(results, into->report, INK_PLAIN, &out);
    fputs(text_chars(&out), stdout);
    text_fini(&out);
}

static int judge_all(const struct traces *traces, const struct judge_options *into)
{
    struct results *results = results_new();
    struct judging judging = {.results = results, .only = into->only};
    bool read = true;
    results->version = xstrdup(HALFOPEN_VERSION);
    results->strict = into->strict;
    for (size_t i = 0; i < traces->count; i++)
        read = judge_file(&judging, traces->paths[i]) && read;
    merge_seconds(&judging);
    results_conclude(results);
    int code = read ? results->exit_code : EXIT_USAGE;
    bool any = results->scenario_count > 0;
    if (any && into->report && !write_reports(results, into->report))
        code = EXIT_ENVIRONMENT;
    if (any)
        print(results, into);
    results_free(results);
    return code;
}

static int run(int argc, char **argv)
{
    struct judge_options into = {0};
    struct option_words rest = {0};
    struct traces traces = {0};
    struct diag *diag = diag_new();
    options_parse(&judge_command, argc, argv, &into, &rest, diag);
    if (rest.count == 0)
        diag_error(diag, (struct place){0},
                   "judge takes traces or report folders, as in: halfopen judge halfopen-report");
    for (size_t i = 0; i < rest.count; i++)
        add_written(&traces, rest.list[i], diag);
    int code = diag_errors(diag) > 0 ? command_usage_error(&judge_command, diag)
                                     : judge_all(&traces, &into);
    for (size_t i = 0; i < traces.count; i++)
        free(traces.paths[i]);
    diag_free(diag);
    return code;
}

const struct command judge_command = {
    .name = "judge",
    .usage = "judge TRACE|DIR ... [--only GLOB] [--report DIR] [--json]",
    .brief = "saved traces again, offline",
    .options = options,
    .run = run,
};
