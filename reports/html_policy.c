/* The numbers that were asked of the endpoint, and who asked for each. */
#include <jansson.h>
#include <string.h>

#include "base/units.h"
#include "reports/html_parts.h"

static const char *member(const json_t *entry, const char *name)
{
    const char *text = json_string_value(json_object_get(entry, name));
    return text ? text : "";
}

/* "default profile", or "default" where no file was read. */
static bool is_own(const json_t *entry)
{
    return strncmp(member(entry, "origin"), "default", strlen("default")) != 0;
}

static size_t count_own(json_t *policy)
{
    const char *name;
    json_t *entry;
    size_t own = 0;
    json_object_foreach(policy, name, entry)
    {
        own += is_own(entry);
    }
    return own;
}

/* Recorded to the byte, read by people. */
static void add_quantity(const struct param *param, const char *value, struct text *out)
{
    uint64_t bytes;
    const char *why;
    if (param && param->type == PARAM_SIZE && units_size(value, &bytes, &why))
        units_add_size(out, bytes);
    else
        html_add(out, value);
}

static void add_value(const char *name, const json_t *entry, struct text *out)
{
    const struct param *param = param_find(policy_params, name);
    bool own = is_own(entry);
    text_add(out, "<tr><td><code>");
    html_add(out, name);
    text_addf(out, "</code></td><td>%s", own ? "<b>" : "");
    add_quantity(param, member(entry, "value"), out);
    text_addf(out, "%s</td><td>", own ? "</b>" : "");
    html_add(out, member(entry, "origin"));
    text_add(out, "</td><td class='dim'>");
    html_add(out, param ? param->doc : "");
    text_add(out, "</td></tr>");
}

void html_policy(const struct results *results, struct text *out)
{
    json_error_t error;
    const char *name;
    json_t *entry;
    json_t *policy = results->policy_json ? json_loads(results->policy_json, 0, &error) : NULL;
    if (json_object_size(policy) > 0) {
        size_t own = count_own(policy);
        text_add(out, "<details class='policy'><summary>What was asked, in numbers: profile ");
        html_add(out, results->profile ? results->profile : "default");
        if (own > 0)
            text_addf(out, ", %zu value%s not the default", own, own == 1 ? "" : "s");
        text_add(out, "</summary><div class='scroll'><table>"
                      "<thead><tr><th>value</th><th>asked</th><th>from</th><th>meaning</th></tr>"
                      "</thead><tbody>");
        json_object_foreach(policy, name, entry)
        {
            add_value(name, entry, out);
        }
        text_add(out, "</tbody></table></div></details>");
    }
    json_decref(policy);
}
