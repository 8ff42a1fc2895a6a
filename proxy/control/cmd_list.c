/* halfopen list: what there is, from the descriptors. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/nearest.h"
#include "control/commands.h"
#include "control/catalogue.h"
#include "control/docs.h"

struct list_options {
    bool json, markdown;
};

static const struct option options[] = {
    {"json", OPTION_FLAG, offsetof(struct list_options, json), NULL, "as JSON, with parameters"},
    {"markdown", OPTION_FLAG, offsetof(struct list_options, markdown), NULL,
     "rules, faults, intermediaries: the reference page"},
    {0},
};

struct topic {
    const char *name;
    void (*as_text)(struct text *);
    void (*as_json)(struct json *);
    void (*as_markdown)(struct text *); /* NULL: there is no page */
};

static const struct topic topics[] = {
    {"rules", catalogue_rules_text, catalogue_rules_json, docs_rules},
    {"faults", catalogue_faults_text, catalogue_faults_json, docs_faults},
    {"scenarios", catalogue_scenarios_text, catalogue_scenarios_json, NULL},
    {"suites", catalogue_suites_text, catalogue_suites_json, NULL},
    {"profiles", catalogue_profiles_text, catalogue_profiles_json, NULL},
    {"intermediaries", catalogue_intermediaries_text, catalogue_intermediaries_json,
     docs_intermediaries},
    {"flaws", catalogue_flaws_text, catalogue_flaws_json, NULL},
};

static int print(const struct topic *topic, const struct list_options *wanted)
{
    struct text out;
    struct json writer;
    text_init(&out);
    if (wanted->markdown) {
        topic->as_markdown(&out);
    } else if (wanted->json) {
        json_init(&writer, &out, 2);
        topic->as_json(&writer);
        text_add(&out, "\n");
    } else {
        topic->as_text(&out);
    }
    fputs(text_chars(&out), stdout);
    text_fini(&out);
    return EXIT_COMPLIED;
}

static void refuse_topic(const struct option_words *rest, struct diag *diag)
{
    const char *names[sizeof topics / sizeof *topics];
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        names[i] = topics[i].name;
    const char *near = rest->count == 1
                           ? nearest_name(rest->list[0], names, sizeof topics / sizeof *topics)
                           : NULL;
    diag_error(
        diag, (struct place){0},
        "list takes one of rules, faults, scenarios, suites, profiles, intermediaries, flaws");
    if (near)
        diag_hint(diag, "did you mean '%s'?", near);
}

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
        refuse_topic(&rest, diag);
    if (topic && into.markdown && !topic->as_markdown)
        diag_error(diag, (struct place){0},
                   "--markdown is there for rules, faults and intermediaries");
    if (diag_errors(diag) > 0)
        code = command_usage_error(&list_command, diag);
    else if (topic)
        code = print(topic, &into);
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
