#include "scenario/environment.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define OPENING "{env."

void secrets_remember(struct secrets *secrets, const char *value)
{
    if (!secrets || !value[0])
        return;
    for (size_t i = 0; i < secrets->count; i++)
        if (strcmp(secrets->values[i], value) == 0)
            return;
    secrets->values = xrealloc(secrets->values, (secrets->count + 1) * sizeof *secrets->values);
    secrets->values[secrets->count++] = xstrdup(value);
}

void secrets_fini(struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        free(secrets->values[i]);
    free(secrets->values);
    *secrets = (struct secrets){0};
}

static void expand_scalar(struct node *node, char *(*lookup)(const char *), struct secrets *secrets,
                          struct diag *diag)
{
    struct text out;
    const char *rest = node->text, *open;
    if (!strstr(rest, OPENING))
        return;
    text_init(&out);
    while ((open = strstr(rest, OPENING)) && strchr(open, '}')) {
        const char *name = open + strlen(OPENING), *close = strchr(open, '}');
        char *variable = xstrndup(name, (size_t)(close - name));
        const char *value = lookup(variable);
        if (!value)
            diag_error(diag, node->place, "'%s' is not in the environment", variable);
        else
            secrets_remember(secrets, value);
        text_add_bytes(&out, rest, (size_t)(open - rest));
        text_add(&out, value ? value : "");
        free(variable);
        rest = close + 1;
    }
    text_add(&out, rest);
    node->written = node->text;
    node->text = text_take(&out);
}

/* Without quotes, YAML takes {env.NAME} for a mapping. */
static bool lacks_quotes(const struct node *node)
{
    return node->kind == NODE_MAPPING && node->count == 1 &&
           strncmp(node->first->key, "env.", strlen("env.")) == 0;
}

void environment_expand(struct node *node, char *(*lookup)(const char *), struct secrets *secrets,
                        struct diag *diag)
{
    if (lacks_quotes(node)) {
        diag_error(diag, node->place, "'{%s}' needs quotes around it", node->first->key);
        node->kind = NODE_BROKEN;
        return;
    }
    if (node->kind == NODE_SCALAR)
        expand_scalar(node, lookup, secrets, diag);
    for (struct node *child = node->first; child; child = child->next)
        environment_expand(child, lookup, secrets, diag);
}
