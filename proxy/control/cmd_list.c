/* halfopen list: what there is, from the descriptors. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "control/commands.h"
#include "control/catalogue.h"

struct list_options {
    bool json;
};

static const struct option options[] = {
    {"json", OPTION_FLAG, offsetof(struct list_options, json), NULL, "as JSON, with parameters"},
    {0},
};

static int print(void (*as_text)(struct text *), void (*as_json)(struct json *), bool json)
{
    struct text out;
    struct json writer;
    text_init(&out);
    if (json) {
        json_init(&writer, &out, 2);
        as_json(&writer);
        text_add(&out, "\n");
    } else {
        as_text(&out);
    }
    fputs(text_chars(&out), stdout);
    text_fini(&out);
    return EXIT_COMPLIED;
}

struct topic {
    const char *name;
    void (*as_text)(struct text *);
    void (*as_json)(struct json *);
};

static const struct topic topics[] = {
    {"rules", catalogue_rules_text, catalogue_rules_json},
    {"faults", catalogue_faults_text, catalogue_faults_json},
    {"scenarios", catalogue_scenarios_text, catalogue_scenarios_json},
    {"suites", catalogue_suites_text, catalogue_suites_json},
    {"profiles", catalogue_profiles_text, catalogue_profiles_json},
    {"intermediaries", catalogue_intermediaries_text, catalogue_intermediaries_json},
    {"flaws", catalogue_flaws_text, catalogue_flaws_json},
};

static int run(int argc, char **argv)
{
    struct list_options into = {0};
    struct option_words rest = {0};
    struct diag *diag = diag_new();
    int code = EXIT_USAGE;
    options_parse(&list_command, argc, argv, &into, &rest, diag);
    const struct topic *topic = NULL;
    for (size_t i = 0; rest.count == 1 && i < sizeof topics / sizeof *topics; i++)
        if (strcmp(topics[i].name, rest.list[0]) == 0)
            topic = &topics[i];
    if (!topic)
        diag_error(
            diag, (struct place){0},
            "list takes one of rules, faults, scenarios, suites, profiles, intermediaries, flaws");
    if (diag_errors(diag) > 0)
        code = command_usage_error(&list_command, diag);
    else if (topic)
        code = print(topic->as_text, topic->as_json, into.json);
    diag_free(diag);
    return code;
}

const struct command list_command = {
    .name = "list",
    .usage = "list rules|faults|scenarios|suites|profiles|intermediaries|flaws [--json]",
    .brief = "what there is",
    .options = options,
    .run = run,
};
