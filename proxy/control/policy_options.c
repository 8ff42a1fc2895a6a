#include "control/policy_options.h"

#include <string.h>

#include "base/nearest.h"
#include "base/text.h"
#include "endpoint/flaws.h"

static void set(const struct param *param, void *config, const char *value, struct diag *diag)
{
    struct text why;
    text_init(&why);
    if (!param_set(param, config, value, &why))
        diag_error(diag, (struct place){0}, "--%s is '%s': %s", param->name, value,
                   text_chars(&why));
    text_fini(&why);
}

static const struct param *named(const struct param *params, const char *word)
{
    return strncmp(word, "--", 2) == 0 ? param_find(params, word + 2) : NULL;
}

int policy_options_take(const struct param *params, void *config, int argc, char **argv,
                        struct diag *diag)
{
    int left = 0;
    for (int i = 0; i < argc; i++) {
        const struct param *param = named(params, argv[i]);
        if (param && i + 1 < argc)
            set(param, config, argv[++i], diag);
        else if (param)
            diag_error(diag, (struct place){0}, "--%s needs a value", param->name);
        else
            argv[left++] = argv[i];
    }
    return left;
}

void policy_options_help(const struct param *params, FILE *out)
{
    fputs("\nHow it behaves\n", out);
    for (; params->name; params++) {
        bool has_default = params->def && *params->def;
        fprintf(out, "  --%-24s %s%s%s\n", params->name, params->doc ? params->doc : "",
                has_default ? "; default " : "", has_default ? params->def : "");
    }
}

void policy_options_flaw(const char *name, struct client_policy *policy, struct diag *diag)
{
    const char *names[128];
    size_t count = 0;
    if (client_flaw_apply(policy, name))
        return;
    for (const struct flaw *flaw = client_flaws; flaw->name && count < 128; flaw++)
        names[count++] = flaw->name;
    const char *near = nearest_name(name, names, count);
    if (near)
        diag_error(diag, (struct place){0}, "no flaw is called '%s'; did you mean '%s'?", name,
                   near);
    else
        diag_error(diag, (struct place){0}, "no flaw is called '%s' (halfopen list flaws)", name);
}
