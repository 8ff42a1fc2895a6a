/* junit.xml: a testsuite per scenario, a testcase per rule. */
#include <errno.h>
#include <libxml/xmlwriter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "reports/results.h"

/* XML 1.0 has no way to say most control characters, and libxml2 does not filter them; broken UTF-8
 * makes a document unreadable. Both become U+FFFD. */
static size_t character_len(const unsigned char *at)
{
    int len = 4;
    int value = xmlGetUTF8Char(at, &len);
    bool legal = value == '\t' || value == '\n' || value == '\r' ||
                 (value >= 0x20 && value < 0xd800) || (value >= 0xe000 && value <= 0xfffd) ||
                 value >= 0x10000;
    return value > 0 && legal ? (size_t)len : 0;
}

static char *clean(const char *words)
{
    struct text out;
    text_init(&out);
    for (const char *at = words ? words : ""; *at;) {
        char four[5] = {0};
        strncpy(four, at, 4);
        size_t len = character_len((const unsigned char *)four);
        if (len == 0)
            text_add(&out, "\xef\xbf\xbd");
        else
            text_add_bytes(&out, at, len);
        at += len ? len : 1;
    }
    return text_take(&out);
}

static void attribute(xmlTextWriterPtr xml, const char *name, const char *value)
{
    char *cleaned = clean(value);
    (void)xmlTextWriterWriteAttribute(xml, BAD_CAST name, BAD_CAST cleaned);
    free(cleaned);
}

static void attribute_owned(xmlTextWriterPtr xml, const char *name, char *value)
{
    attribute(xml, name, value);
    free(value);
}

static void start(xmlTextWriterPtr xml, const char *name)
{
    (void)xmlTextWriterStartElement(xml, BAD_CAST name);
}

static void end(xmlTextWriterPtr xml)
{
    (void)xmlTextWriterEndElement(xml);
}

static void words_of(xmlTextWriterPtr xml, char *words)
{
    char *cleaned = clean(words);
    (void)xmlTextWriterWriteString(xml, BAD_CAST cleaned);
    free(cleaned);
    free(words);
}

static void write_failure(xmlTextWriterPtr xml, const struct rule_result *rule)
{
    start(xml, "failure");
    attribute(xml, "message", rule->summary);
    attribute(xml, "type", rule->rule->id);
    words_of(xml,
             xprintf("%s\n\nfix: %s\nmeasured: %s\nallowed: %s\nevidence: events %llu-%llu\n%s",
                     rule->summary, rule->fix ? rule->fix : "see the report", rule->measured,
                     rule->allowed, (unsigned long long)rule->from, (unsigned long long)rule->to,
                     rule->table ? rule->table : ""));
    end(xml);
}

/* With the reason: a failure that is skipped says who answers for it. */
static void write_skipped(xmlTextWriterPtr xml, const struct rule_result *rule)
{
    char *remark = rule_remark(rule);
    start(xml, "skipped");
    attribute_owned(xml, "message",
                    xprintf("%s%s%s: %s", verdict_name(rule->verdict), remark ? ", " : "",
                            remark ? remark : "", rule->summary));
    end(xml);
    free(remark);
}

static void write_rule(xmlTextWriterPtr xml, const struct scenario_result *scenario,
                       const struct rule_result *rule)
{
    start(xml, "testcase");
    attribute(xml, "classname", scenario->name);
    attribute(xml, "name", rule->rule->name);
    attribute(xml, "time", "0");
    if (rule->verdict == FAIL && !rule_is_excused(rule)) {
        write_failure(xml, rule);
    } else if (rule->verdict != PASS && rule->verdict != WARN) {
        write_skipped(xml, rule);
    } else if (rule->verdict == WARN) {
        start(xml, "system-out");
        words_of(xml, xprintf("warning: %s", rule->summary));
        end(xml);
    }
    end(xml);
}

static size_t count(const struct scenario_result *scenario, bool failures)
{
    size_t found = 0;
    for (size_t i = 0; i < scenario->rule_count; i++) {
        const struct rule_result *rule = &scenario->rules[i];
        bool failed = rule->verdict == FAIL && !rule_is_excused(rule);
        bool skipped = !failed && rule->verdict != PASS && rule->verdict != WARN;
        found += failures ? failed : skipped;
    }
    return found;
}

static void write_trouble(xmlTextWriterPtr xml, const struct scenario_result *scenario)
{
    if (!scenario->trouble)
        return;
    start(xml, "testcase");
    attribute(xml, "classname", scenario->name);
    attribute(xml, "name", "environment");
    start(xml, "error");
    attribute(xml, "message", scenario->trouble);
    attribute(xml, "type", "environment");
    end(xml);
    end(xml);
}

static void write_scenario(xmlTextWriterPtr xml, const struct scenario_result *scenario)
{
    size_t errors = scenario->trouble ? 1 : 0;
    start(xml, "testsuite");
    attribute_owned(xml, "name",
                    scenario->subject ? xprintf("%s (%s)", scenario->name, scenario->subject)
                                      : xstrdup(scenario->name));
    attribute_owned(xml, "tests", xprintf("%zu", scenario->rule_count + errors));
    attribute_owned(xml, "failures", xprintf("%zu", count(scenario, true)));
    attribute_owned(xml, "errors", xprintf("%zu", errors));
    attribute_owned(xml, "skipped", xprintf("%zu", count(scenario, false)));
    attribute_owned(xml, "time", xprintf("%.3f", scenario->wall_s));
    for (size_t i = 0; i < scenario->rule_count; i++)
        write_rule(xml, scenario, &scenario->rules[i]);
    write_trouble(xml, scenario);
    end(xml);
}

bool report_junit(const struct results *results, const char *folder)
{
    char *path = xprintf("%s/junit.xml", folder);
    errno = 0;
    xmlTextWriterPtr xml = xmlNewTextWriterFilename(path, 0);
    free(path);
    if (!xml)
        return false;
    (void)xmlTextWriterSetIndent(xml, 1);
    (void)xmlTextWriterStartDocument(xml, NULL, "UTF-8", NULL);
    start(xml, "testsuites");
    attribute(xml, "name", "halfopen");
    for (size_t i = 0; i < results->scenario_count; i++)
        write_scenario(xml, &results->scenarios[i]);
    end(xml);
    bool written = xmlTextWriterEndDocument(xml) >= 0;
    xmlFreeTextWriter(xml);
    return written;
}
