/* The writers, each against its golden file in tests/reports (GOLDEN=1 writes them anew), and with
 * words that no writer should trust. */
#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "reports/results.h"
#include "tests/check.h"
#include "ws/utf8.h"

#define FOLDER   "tests/reports"
#define FILE_MAX ((size_t)4 << 20)

/* --- Rules of our own: wording elsewhere does not change the golden files --- */

static const struct rule_desc jitter = {.name = "reconnect.jitter",
                                        .id = "RECON-03",
                                        .title = "Jitter",
                                        .doc = "Delays differ.",
                                        .source = "RFC 6455 7.2.3",
                                        .level = MUST};
static const struct rule_desc backoff = {.name = "reconnect.backoff",
                                         .id = "RECON-02",
                                         .title = "Delays grow",
                                         .doc = "Delays grow.",
                                         .level = MUST};
static const struct rule_desc cap = {.name = "reconnect.cap",
                                     .id = "RECON-04",
                                     .title = "Cap",
                                     .doc = "Delays stop growing.",
                                     .level = SHOULD};
static const struct rule_desc death = {.name = "reconnect.silent_death",
                                       .id = "RECON-01",
                                       .title = "Silent death is noticed",
                                       .doc = "It is noticed.",
                                       .level = MUST};
static const struct rule_desc interval = {.name = "heartbeat.interval",
                                          .id = "HEART-02",
                                          .title = "Heartbeat",
                                          .doc = "It beats.",
                                          .level = MUST};
static const struct rule_desc pressure = {.name = "state.client_backpressure",
                                          .id = "STATE-03",
                                          .title = "Backpressure",
                                          .doc = "It has a bound.",
                                          .level = MUST};

/* --- A run with each verdict --- */

static struct rule_result *add_rule(struct scenario_result *scenario, const struct rule_desc *rule,
                                    enum verdict verdict, const char *summary)
{
    struct rule_result *result = scenario_add_rule(scenario);
    result->rule = rule;
    result->verdict = verdict;
    result->summary = xstrdup(summary);
    return result;
}

static struct scenario_result *add_scenario(struct results *results, const char *name)
{
    struct scenario_result *scenario = results_add_scenario(results);
    scenario->name = xstrdup(name);
    scenario->story = xprintf("The story of %s.", name);
    scenario->speed = 20;
    scenario->seed = 1;
    scenario->clients = 2;
    scenario->wall_s = 4.5;
    scenario->duration = nsec_from_seconds(90);
    scenario->noise = 12 * NSEC_PER_MSEC;
    return scenario;
}

static void add_outage(struct results *results)
{
    struct scenario_result *scenario = add_scenario(results, "refused-reconnects-quick");
    scenario->trace = xstrdup(FOLDER "/traces/refused-reconnects-quick.jsonl");
    scenario->sha256 = xstrdup("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    scenario->again =
        xstrdup("halfopen run refused-reconnects-quick --client 'node app.js {url}' --seed 1");
    scenario->repeated = scenario->confirmed = true;
    scenario->second_seed = 2;
    (void)add_rule(scenario, &backoff, PASS, "the delays grow by x2.0 a retry");
    struct rule_result *failed =
        add_rule(scenario, &jitter, FAIL, "2 clients waited the same (spread +-0 %)");
    failed->fix = xstrdup("multiply each delay by a random number from 0.5 to 1.5");
    failed->table = xstrdup("retry       1        2\nmedian 1.00 s   2.00 s\n");
    failed->measured = xstrdup("{\"half_width\": 0.001, \"longest_delay_s\": 30.02}");
    failed->allowed = xstrdup("{\"half_width_min\": 0.05, \"half_width_asked\": 0.5}");
    failed->from = 5;
    failed->to = 60;
    failed->confirmed = true;
    scenario->processes = xcalloc(1, sizeof *scenario->processes);
    scenario->processes[scenario->process_count++] =
        (struct process_result){.role = xstrdup("client"),
                                .command = xstrdup("node 'app & co.js' ws://127.0.0.1:4711/"),
                                .output = xstrdup("output/refused-reconnects-quick-client-0.log"),
                                .how = xstrdup(""),
                                .version = xstrdup("1.2.3"),
                                .pid = 4711,
                                .memory = 45 << 20,
                                .cpu = 1500 * NSEC_PER_MSEC,
                                .measured = true};
    (void)add_rule(scenario, &cap, INCONCLUSIVE, "the cap was not reached: longest 4.0 s");
}

static void add_silence(struct results *results)
{
    struct scenario_result *scenario = add_scenario(results, "silent-drop");
    scenario->trace = xstrdup(FOLDER "/traces/silent-drop.jsonl");
    struct rule_result *late = add_rule(scenario, &death, WARN, "noticed only after 50.1 s");
    late->fix = xstrdup("ping more often");
    (void)add_rule(scenario, &interval, NOT_APPLICABLE, "the server does the pinging");
    (void)add_rule(scenario, &pressure, NOT_TESTED, "give hooks.send in the target file");
}

static void add_trouble(struct results *results)
{
    struct scenario_result *scenario = add_scenario(results, "stall");
    scenario->trouble = xstrdup("0 of 2 clients connected within 30 s\nits last lines:\nboom");
}

static struct results *one_of_each(void)
{
    struct results *results = results_new();
    results->version = xstrdup("9.9.9");
    results->started = xstrdup("2026-01-02T03:04:05Z");
    results->system = xstrdup("trading-web@4f2c1d0");
    results->target = xstrdup("node app.js {url}, server: built-in");
    results->suite = xstrdup("core");
    results->profile = xstrdup("default");
    results->target_json = xstrdup("{\"client\":\"node app.js {url}\"}");
    results->policy_json =
        xstrdup("{\"ping\":{\"value\":\"25s\",\"origin\":\"target file\"},"
                "\"pong\":{\"value\":\"10s\",\"origin\":\"default profile\"},"
                "\"backoff.cap\":{\"value\":\"60s\",\"origin\":\"<ours> profile\"}}");
    results->host = xstrdup("Linux 6.1 x86_64");
    results->cores = 2;
    results->wall_s = 12;
    results->speed = 20;
    results->seed = 1;
    results->noise = 12 * NSEC_PER_MSEC;
    add_silence(results);
    add_outage(results);
    add_trouble(results);
    results_conclude(results);
    return results;
}

/* --- Files --- */

static char *read_file(const char *folder, const char *name)
{
    char *path = xprintf("%s/%s", folder, name), *bytes = xcalloc(1, FILE_MAX + 1);
    FILE *file = fopen(path, "rb");
    size_t len = file ? fread(bytes, 1, FILE_MAX, file) : 0;
    CHECK(len > 0 && len < FILE_MAX);
    if (file)
        (void)fclose(file);
    free(path);
    return bytes;
}

static void copy_to(const char *golden, const char *bytes)
{
    char *path = xprintf(FOLDER "/%s", golden);
    FILE *file = fopen(path, "wb");
    CHECK(file && fputs(bytes, file) >= 0 && fclose(file) == 0);
    free(path);
}

static void compare(const char *written, const char *golden)
{
    if (getenv("GOLDEN"))
        copy_to(golden, written);
    char *expected = read_file(FOLDER, golden);
    check_str(__FILE__, __LINE__, golden, written, expected);
    free(expected);
}

/* What a writer leaves in a folder of its own. Caller frees. */
static char *written_by(bool (*write)(const struct results *, const char *),
                        const struct results *results, const char *name)
{
    char folder[] = "/tmp/halfopen-reports-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    CHECK(write(results, folder));
    char *bytes = read_file(folder, name), *path = xprintf("%s/%s", folder, name);
    CHECK(unlink(path) == 0 && rmdir(folder) == 0);
    free(path);
    return bytes;
}

static void check_golden(bool (*write)(const struct results *, const char *), const char *name,
                         const char *golden)
{
    struct results *results = one_of_each();
    char *written = written_by(write, results, name);
    compare(written, golden);
    free(written);
    results_free(results);
}

static void results_json_is_the_golden_one(void)
{
    check_golden(report_json, "results.json", "results.json");
}

static void junit_is_the_golden_one(void)
{
    check_golden(report_junit, "junit.xml", "junit.xml");
}

static void html_is_the_golden_one(void)
{
    check_golden(report_html, "index.html", "report.html");
}

static void text_is_the_golden_one(void)
{
    struct results *results = one_of_each();
    struct text out;
    text_init(&out);
    report_text(results, "halfopen-report", INK_PLAIN, &out);
    compare(text_chars(&out), "report.txt");
    text_fini(&out);
    results_free(results);
}

/* --- JUnit --- */

static void say_nothing(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

static bool is_valid_junit(const char *bytes)
{
    xmlSetGenericErrorFunc(NULL, say_nothing);
    xmlDocPtr document =
        xmlReadMemory(bytes, (int)strlen(bytes), "junit.xml", NULL, XML_PARSE_NONET);
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewParserCtxt(FOLDER "/junit.xsd");
    xmlSchemaPtr schema = xmlSchemaParse(parser);
    xmlSchemaValidCtxtPtr context = xmlSchemaNewValidCtxt(schema);
    bool valid = document && schema && context && xmlSchemaValidateDoc(context, document) == 0;
    xmlSetGenericErrorFunc(NULL, NULL);
    xmlSchemaFreeValidCtxt(context);
    xmlSchemaFree(schema);
    xmlSchemaFreeParserCtxt(parser);
    xmlFreeDoc(document);
    return valid;
}

static void junit_keeps_to_its_schema(void)
{
    struct results *results = one_of_each();
    char *written = written_by(report_junit, results, "junit.xml");
    CHECK(is_valid_junit(written));
    CHECK(!is_valid_junit("<testsuites><testsuite name='no counts'/></testsuites>"));
    free(written);
    results_free(results);
}

static void an_accepted_failure_is_no_failure_for_ci(void)
{
    struct results *results = one_of_each();
    results->scenarios[1].rules[1].accepted = true;
    results_conclude(results);
    char *written = written_by(report_junit, results, "junit.xml");
    CHECK(strstr(written, "<failure") == NULL);
    CHECK_CONTAINS(written, "failures=\"0\" errors=\"0\" skipped=\"2\"");
    CHECK(is_valid_junit(written));
    free(written);
    results_free(results);
}

/* --- Links --- */

static void every_link_within_the_page_leads_somewhere(void)
{
    struct results *results = one_of_each();
    char *page = written_by(report_html, results, "index.html");
    size_t links = 0;
    for (const char *at = page; (at = strstr(at, "href='#")) != NULL; links++) {
        at += strlen("href='#");
        char *target = xprintf(" id='%.*s'", (int)strcspn(at, "'"), at);
        check_contains(__FILE__, __LINE__, target, page, target);
        free(target);
    }
    CHECK_INT(links, 12); /* six rules, and each where it was judged */
    free(page);
    results_free(results);
}

static void what_failed_comes_first(void)
{
    struct results *results = one_of_each();
    char *page = written_by(report_html, results, "index.html");
    const char *failed = strstr(page, "id='refused-reconnects-quick'");
    const char *warned = strstr(page, "id='silent-drop'");
    CHECK(failed && warned && failed < warned);
    free(page);
    results_free(results);
}

/* --- Words nobody should trust --- */

static const char hostile[] = "<script>alert('x')</script> & \"quoted\" ]]> \x01\x1b[31m\x7f "
                              "\xff\xfe \xc3\x28 \xed\xa0\x80 caf\xc3\xa9";

static struct results *hostile_results(void)
{
    struct results *results = one_of_each();
    struct scenario_result *scenario = &results->scenarios[1];
    char **words[] = {&results->system,          &results->target,       &scenario->story,
                      &scenario->again,          &scenario->subject,     &scenario->speed_note,
                      &scenario->rules[1].table, &scenario->rules[1].fix};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        free(*words[i]);
        *words[i] = xstrdup(hostile);
    }
    free(scenario->rules[1].summary);
    char *summary = xcalloc(1, sizeof hostile + 100001);
    memset(summary, 'x', 100000);
    memcpy(summary + 100000, hostile, sizeof hostile);
    scenario->rules[1].summary = summary;
    results->scenarios[2].trouble[0] = '<';
    return results;
}

static bool has_control_byte(const char *text)
{
    for (const char *at = text; *at; at++)
        if (((unsigned char)*at < 0x20 && *at != '\n') || *at == 0x7f)
            return true;
    return false;
}

static void check_utf8(const char *bytes)
{
    CHECK(xmlCheckUTF8((const unsigned char *)bytes) == 1);
}

static void html_shows_hostile_words_and_does_not_obey(void)
{
    struct results *results = hostile_results();
    char *page = written_by(report_html, results, "index.html");
    CHECK(strstr(page, "<script") == NULL);
    CHECK_CONTAINS(page,
                   "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;quoted&quot;");
    CHECK(!has_control_byte(page));
    check_utf8(page);
    free(page);
    results_free(results);
}

static void junit_stays_xml_with_hostile_words(void)
{
    struct results *results = hostile_results();
    char *written = written_by(report_junit, results, "junit.xml");
    CHECK(is_valid_junit(written));
    check_utf8(written);
    free(written);
    results_free(results);
}

static void json_stays_json_with_hostile_words(void)
{
    struct results *results = hostile_results();
    char *written = written_by(report_json, results, "results.json");
    json_t *object = json_loads(written, 0, NULL);
    CHECK_STR(json_string_value(json_object_get(object, "halfopen")), "9.9.9");
    CHECK(json_array_size(json_object_get(object, "scenarios")) == 3);
    json_decref(object);
    free(written);
    results_free(results);
}

static void the_terminal_gets_no_control_bytes(void)
{
    struct results *results = hostile_results();
    struct text out;
    text_init(&out);
    report_text(results, "halfopen-report", INK_PLAIN, &out);
    CHECK(!has_control_byte(text_chars(&out)));
    text_fini(&out);
    results_free(results);
}

/* --- Trouble on the terminal --- */

static void add_troubled(struct results *results, const char *name, const char *trouble)
{
    struct scenario_result *scenario = add_scenario(results, name);
    scenario->trouble = xstrdup(trouble);
    add_rule(scenario, &death, INCONCLUSIVE, "nothing to judge");
}

/* Concludes and frees. */
static void check_troubles(struct results *results, const char *said)
{
    struct text out;
    text_init(&out);
    results_conclude(results);
    report_text(results, NULL, INK_PLAIN, &out);
    check_contains(__FILE__, __LINE__, "trouble", text_chars(&out), said);
    text_fini(&out);
    results_free(results);
}

static void the_same_trouble_is_told_once(void)
{
    struct results *results = results_new();
    add_troubled(results, "stall", "ended (output/stall-server.log), port 41\nboom\n\n");
    add_troubled(results, "drop", "ended (output/drop-server.log), port 40999\nboom\n\n");
    check_troubles(results, "\nERROR stall: ended (output/stall-server.log), port 41\nboom\n"
                            "likewise in drop\n\n1 rule: 0 pass");
}

static void many_alike_are_counted(void)
{
    struct results *results = results_new();
    const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_troubled(results, names[i], "it ended");
    check_troubles(results, "\nERROR a: it ended\nlikewise in b, c, d and 2 more\n\n1 rule: ");
}

static void other_trouble_is_told_too(void)
{
    struct results *results = results_new();
    add_troubled(results, "stall", "ended: boom");
    add_troubled(results, "drop", "ended: bang");
    add_troubled(results, "reset", "ended: boo");
    add_troubled(results, "refuse", "ended: boom");
    check_troubles(results, "\nERROR stall: ended: boom\nlikewise in refuse\n\n"
                            "ERROR drop: ended: bang\n\nERROR reset: ended: boo\n\n1 rule: ");
}

/* --- Annotations --- */

static void check_annotations(struct results *results, const char *expected)
{
    struct text out;
    text_init(&out);
    results_conclude(results);
    report_github(results, &out);
    CHECK_STR(text_chars(&out), expected);
    text_fini(&out);
    results_free(results);
}

#define TROUBLE                                                                                    \
    "::error title=stall::0 of 2 clients connected within 30 s%0Aits last lines:%0Aboom\n"
#define JITTER                                                                                     \
    "title=reconnect.jitter (RECON-03%2C must)::refused-reconnects-quick: 2 clients waited the "   \
    "same (spread +-0 %25)%0Afix: multiply each delay by a random number from 0.5 to 1.5\n"

static void an_error_for_what_fails_the_run(void)
{
    check_annotations(one_of_each(), "::error " JITTER TROUBLE);
}

static void what_is_excused_is_no_annotation(void)
{
    struct results *accepted = one_of_each(), *known = one_of_each();
    accepted->scenarios[1].rules[1].accepted = true;
    known->scenarios[1].rules[1].baseline = BASELINE_SAME;
    check_annotations(accepted, TROUBLE);
    check_annotations(known, TROUBLE);
}

static void a_should_rule_is_a_warning_unless_strict(void)
{
    struct results *results = one_of_each(), *strict = one_of_each();
    struct rule_result *failed = &results->scenarios[1].rules[1];
    failed->verdict = PASS;
    results->scenarios[1].rules[2].verdict = FAIL;
    check_annotations(results,
                      "::warning title=reconnect.cap (RECON-04%2C should)::"
                      "refused-reconnects-quick: the cap was not reached: longest 4.0 s\n" TROUBLE);
    strict->strict = true;
    strict->scenarios[1].rules[1].verdict = PASS;
    check_annotations(strict,
                      "::error title=reconnect.silent_death (RECON-01%2C must)::silent-drop: "
                      "noticed only after 50.1 s%0Afix: ping more often\n" TROUBLE);
}

static void what_is_required_or_open_is_annotated(void)
{
    struct results *results = one_of_each();
    results->scenarios[1].rules[1].verdict = INCONCLUSIVE;
    results_require(results, &cap);
    results_require(results, &backoff);
    check_annotations(
        results,
        TROUBLE "::error title=reconnect.cap (RECON-04%2C should)::the target file requires it, "
                "and it was not decided\n::warning " JITTER);
}

static void a_line_stays_a_line_with_hostile_words(void)
{
    struct results *results = one_of_each();
    struct scenario_result *scenario = &results->scenarios[1];
    free(scenario->rules[1].summary);
    free(scenario->rules[1].fix);
    scenario->rules[1].fix = NULL;
    scenario->rules[1].summary = xstrdup("a\r\n::error::b\x1b[31m");
    scenario->file = xstrdup("C:/a,b%\n.yaml");
    check_annotations(
        results, "::error file=C%3A/a%2Cb%25%0A.yaml,title=reconnect.jitter (RECON-03%2C must)::"
                 "refused-reconnects-quick: a%0D%0A::error::b?[31m\n" TROUBLE);
}

/* --- Durations --- */

static void the_slowest_comes_first_and_what_never_began_not_at_all(void)
{
    struct results *results = one_of_each();
    struct text out;
    text_init(&out);
    results->scenarios[0].wall_s = 3;
    results->scenarios[0].estimate_s = 12.25;
    results->scenarios[2].wall_s = 0;
    report_durations(results, &out);
    CHECK_STR(text_chars(&out), "\n  slowest first                  took   estimated\n"
                                "  refused-reconnects-quick      4.5 s       0.0 s   ran twice\n"
                                "  silent-drop                   3.0 s      12.2 s\n");
    text_fini(&out);
    results_free(results);
}

/* --- Where nothing can be written --- */

static void a_folder_that_is_not_there_is_said(void)
{
    struct results *results = one_of_each();
    CHECK(!report_json(results, "/nonexistent/folder"));
    CHECK(!report_html(results, "/nonexistent/folder"));
    CHECK(!report_junit(results, "/nonexistent/folder"));
    results_free(results);
}

SUITE(reports, TEST(results_json_is_the_golden_one), TEST(junit_is_the_golden_one),
      TEST(html_is_the_golden_one), TEST(text_is_the_golden_one),

      TEST(junit_keeps_to_its_schema), TEST(an_accepted_failure_is_no_failure_for_ci),
      TEST(every_link_within_the_page_leads_somewhere), TEST(what_failed_comes_first),
      TEST(html_shows_hostile_words_and_does_not_obey), TEST(junit_stays_xml_with_hostile_words),
      TEST(json_stays_json_with_hostile_words), TEST(the_terminal_gets_no_control_bytes),
      TEST(the_same_trouble_is_told_once), TEST(many_alike_are_counted),
      TEST(other_trouble_is_told_too), TEST(an_error_for_what_fails_the_run),
      TEST(what_is_excused_is_no_annotation), TEST(a_should_rule_is_a_warning_unless_strict),
      TEST(what_is_required_or_open_is_annotated), TEST(a_line_stays_a_line_with_hostile_words),
      TEST(the_slowest_comes_first_and_what_never_began_not_at_all),
      TEST(a_folder_that_is_not_there_is_said))
