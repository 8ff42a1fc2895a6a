#include "control/run_start.h"

#include "base/json.h"

static const char *tests_words(unsigned tests)
{
    if (tests == TESTS_CLIENT)
        return "client";
    if (tests == TESTS_SERVER)
        return "server";
    return tests == TESTS_PATH ? "path" : "both";
}

static void write_expect(const struct plan *plan, struct text *out)
{
    struct json json;
    json_init(&json, out, 0);
    json_array_open(&json, NULL);
    for (size_t i = 0; i < plan->expect_count; i++) {
        json_object_open(&json, NULL);
        json_put_string(&json, "rule", plan->expect[i].rule);
        if (plan->expect[i].own)
            json_put_string(&json, "own", plan->expect[i].own);
        json_put_raw(&json, "params", plan->expect[i].params);
        json_object_close(&json);
    }
    json_array_close(&json);
}

static void write_steps(const struct plan *plan, struct text *out)
{
    struct json json;
    json_init(&json, out, 0);
    json_array_open(&json, NULL);
    for (size_t i = 0; i < plan->step_count; i++)
        json_put_string(&json, NULL, plan->steps[i].what ? plan->steps[i].what : "");
    json_array_close(&json);
}

void run_start_words_init(struct run_start_words *words, const struct run_start *start)
{
    text_init(&words->policy);
    text_init(&words->expect);
    text_init(&words->steps);
    policy_write_json(start->policy, start->origins, &words->policy);
    write_expect(start->plan, &words->expect);
    write_steps(start->plan, &words->steps);
}

void run_start_words_fini(struct run_start_words *words)
{
    text_fini(&words->policy);
    text_fini(&words->expect);
    text_fini(&words->steps);
}

static void emit(struct recorder *recorder, const struct run_start *start,
                 const struct run_start_words *words)
{
    struct event ev = {.kind = EV_RUN_START, .client = -1, .by = BY_PROXY};
    ev.run_start = (struct ev_run_start){.format = 1,
                                         .version = HALFOPEN_VERSION,
                                         .started = start->started,
                                         .scenario = start->plan->name ? start->plan->name : "",
                                         .story = start->plan->story ? start->plan->story : "",
                                         .tests = tests_words(start->plan->tests),
                                         .seed = start->seed,
                                         .speed = start->speed,
                                         .noise = start->noise,
                                         .clients = start->plan->clients,
                                         .profile = start->profile ? start->profile : "default",
                                         .policy = text_chars(&words->policy),
                                         .expect = text_chars(&words->expect),
                                         .steps = text_chars(&words->steps),
                                         .target = start->declared ? start->declared : "{}",
                                         .confirms = start->confirms ? start->confirms : ""};
    recorder_emit(recorder, ev);
}

void run_start_emit(struct recorder *recorder, const struct run_start *start)
{
    struct run_start_words own;
    if (start->words) {
        emit(recorder, start, start->words);
        return;
    }
    run_start_words_init(&own, start);
    emit(recorder, start, &own);
    run_start_words_fini(&own);
}
