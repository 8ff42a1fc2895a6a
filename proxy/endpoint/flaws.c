#include "endpoint/flaws.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

#define SET(parameter, value)  {#parameter, value},
#define FLAW(name, brief, ...) {#name, brief, {__VA_ARGS__}},
const struct flaw client_flaws[] = {
#include "endpoint/flaws.def"
    {NULL, NULL, {{NULL, NULL}}}};
const struct flaw server_flaws[] = {
#include "endpoint/server_flaws.def"
    {NULL, NULL, {{NULL, NULL}}}};
#undef FLAW
#undef SET

static const struct flaw *find(const struct flaw *flaws, const char *name)
{
    for (; flaws->name; flaws++)
        if (strcmp(flaws->name, name) == 0)
            return flaws;
    return NULL;
}

static void change(const struct param *table, void *policy, const char *name, const char *value)
{
    struct text why;
    text_init(&why);
    const struct param *param = param_find(table, name);
    assert(param);
    bool set = param_set(param, policy, value, &why);
    assert(set);
    (void)set;
    text_fini(&why);
}

static bool apply(const struct flaw *flaw, const struct param *table, void *policy)
{
    for (int i = 0; flaw && i < FLAW_CHANGES_LIMIT && flaw->changes[i].parameter; i++)
        change(table, policy, flaw->changes[i].parameter, flaw->changes[i].value);
    return flaw != NULL;
}

bool client_flaw_apply(struct client_policy *policy, const char *name)
{
    return apply(find(client_flaws, name), client_policy_params, policy);
}

bool server_flaw_apply(struct server_policy *policy, const char *name)
{
    return apply(find(server_flaws, name), server_policy_params, policy);
}
