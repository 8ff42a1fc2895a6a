/* sessions: how the client takes up its session again, in a target file. */
#include <stdlib.h>

#include "base/pattern.h"
#include "scenario/target_parts.h"

#define EXAMPLE "{subscribe: '\"type\":\"subscribe\"'}"

static void need_group(const struct node *node, struct diag *diag)
{
    struct text why;
    text_init(&why);
    struct pattern *pattern = pattern_new(node->text, &why);
    if (pattern && pattern_groups(pattern) == 0)
        diag_error(diag, node->place,
                   "'%s' is %s: a group says which part is the state, as in "
                   "'\"session\":\"(\\w+)\"'",
                   node->key, field_written(node));
    pattern_free(pattern);
    text_fini(&why);
}

void target_load_sessions(struct target *target, const struct node *sessions, struct diag *diag)
{
    static const char *const known[] = {"subscribe", "resume", "state", NULL};
    if (!field_is_mapping(sessions, EXAMPLE, diag))
        return;
    fields_check(sessions, known, NULL, "'sessions'", diag);
    target_load_pattern(field_find(sessions, "subscribe"), &target->sessions.subscribe, diag);
    target_load_pattern(field_find(sessions, "resume"), &target->sessions.resume, diag);
    target_load_pattern(field_find(sessions, "state"), &target->sessions.state, diag);
    if (target->sessions.state)
        need_group(field_find(sessions, "state"), diag);
}

void target_free_sessions(struct target *target)
{
    free(target->sessions.subscribe);
    free(target->sessions.resume);
    free(target->sessions.state);
}

void target_apply_sessions(const struct target *target, struct plan *plan)
{
    target_replace(&plan->sessions.subscribe, target->sessions.subscribe);
    target_replace(&plan->sessions.resume, target->sessions.resume);
    target_replace(&plan->sessions.state, target->sessions.state);
}

void target_write_sessions(const struct target *target, bool state_known, struct json *json)
{
    bool subscribe = target && target->sessions.subscribe,
         resume = target && target->sessions.resume;
    bool state = state_known || (target && target->sessions.state);
    if (!subscribe && !resume && !state)
        return;
    json_object_open(json, "sessions");
    json_put_bool(json, "subscribe", subscribe);
    json_put_bool(json, "resume", resume);
    json_put_bool(json, "state", state);
    json_object_close(json);
}
