/* What a person sees after the run (DESIGN 4). */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "reports/results.h"

#define PAGE_WIDTH 100

struct page {
    const struct results *results;
    const char *folder;
    bool colour;
    const char *table; /* the newest shown */
    struct text *out;
};

static const char *word_of(enum verdict verdict)
{
    static const char *const words[] = {"----", "----", "PASS", "WARN", "----", "FAIL"};
    return words[verdict];
}

static const char *ink_of(enum verdict verdict)
{
    static const char *const inks[] = {"\x1b[2m",  "\x1b[2m", "\x1b[32m",
                                       "\x1b[33m", "\x1b[2m", "\x1b[1;31m"};
    return inks[verdict];
}

static void add_word(struct page *page, enum verdict verdict)
{
    if (page->colour)
        text_addf(page->out, "%s%s\x1b[0m", ink_of(verdict), word_of(verdict));
    else
        text_add(page->out, word_of(verdict));
}

/* Control bytes of an endpoint's words would move the cursor: also those of U+0080 to U+009F. */
static void add_bytes(struct text *out, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        bool high = byte == 0xc2 && i + 1 < len && (unsigned char)bytes[i + 1] < 0xa0;
        bool control = (byte < 0x20 && byte != '\n') || byte == 0x7f || high;
        text_add_bytes(out, control ? "?" : bytes + i, 1);
        i += high;
    }
}

static void add_words(struct text *out, const char *words)
{
    add_bytes(out, words, strlen(words));
}

static void add_scenario(struct text *out, const struct scenario_result *scenario)
{
    add_words(out, scenario->name);
    if (!scenario->subject)
        return;
    text_add(out, ": ");
    add_words(out, scenario->subject);
}

/* A paragraph between the margin and PAGE_WIDTH; the cursor already stands at the margin. */
static void add_wrapped(struct page *page, int margin, const char *words)
{
    size_t at = (size_t)margin;
    for (const char *word = words ? words : ""; *word;) {
        size_t len = strcspn(word, " \n");
        if (at + len > PAGE_WIDTH && at > (size_t)margin) {
            text_addf(page->out, "\n%*s", margin, "");
            at = (size_t)margin;
        } else if (at > (size_t)margin) {
            text_add(page->out, " ");
        }
        add_bytes(page->out, word, len);
        at += len + 1;
        word += len + strspn(word + len, " \n");
    }
    text_add(page->out, "\n");
}

/* Rules about the same outage bring the same table. */
static bool is_table_new(struct page *page, const char *table)
{
    bool is_new = !page->table || strcmp(page->table, table) != 0;
    page->table = table;
    return is_new;
}

static void add_table(struct page *page, const char *table)
{
    while (*table) {
        size_t len = strcspn(table, "\n");
        text_add(page->out, "       ");
        add_bytes(page->out, table, len);
        text_add(page->out, "\n");
        table += len + (table[len] == '\n');
    }
}

static void add_again(struct page *page, const struct scenario_result *scenario,
                      const struct rule_result *rule)
{
    text_add(page->out, "    Again     ");
    if (scenario->again)
        add_bytes(page->out, scenario->again, strlen(scenario->again));
    else
        text_addf(page->out, "halfopen run %s --seed %llu", scenario->name,
                  (unsigned long long)scenario->seed);
    text_addf(page->out, " --only %s\n", rule->rule->name);
}

/* What somebody knows already of this finding. */
static void add_remark_of(struct page *page, const struct rule_result *rule)
{
    char *remark = rule_remark(rule);
    if (remark) {
        text_add(page->out, "    Standing  ");
        add_wrapped(page, 14, remark);
    }
    free(remark);
}

static void add_block(struct page *page, const struct scenario_result *scenario,
                      const struct rule_result *rule)
{
    add_word(page, rule->verdict);
    text_addf(page->out, "  %s (%s, %s)  ", rule->rule->name, rule->rule->id,
              level_name(rule->rule->level));
    add_scenario(page->out, scenario);
    text_addf(page->out, "%s%s%s\n", rule->accepted ? "  accepted" : "",
              rule_is_known(rule) ? "  known" : "",
              rule->verdict == FAIL && !rule->confirmed ? "  not confirmed" : "");
    text_add(page->out, "    ");
    add_wrapped(page, 4, rule->summary);
    add_remark_of(page, rule);
    if (rule->table && rule->verdict == FAIL && is_table_new(page, rule->table))
        add_table(page, rule->table);
    if (rule->fix) {
        text_add(page->out, "    Fix       ");
        add_wrapped(page, 14, rule->fix);
    }
    if (rule->from > 0 && page->folder)
        text_addf(page->out, "    Evidence  %s/index.html#%s   events %llu-%llu\n", page->folder,
                  rule->rule->id, (unsigned long long)rule->from, (unsigned long long)rule->to);
    if (rule->verdict == FAIL)
        add_again(page, scenario, rule);
    text_add(page->out, "\n");
}

static void add_blocks(struct page *page, enum verdict verdict)
{
    for (size_t s = 0; s < page->results->scenario_count; s++) {
        const struct scenario_result *scenario = &page->results->scenarios[s];
        for (size_t r = 0; r < scenario->rule_count; r++)
            if (scenario->rules[r].verdict == verdict)
                add_block(page, scenario, &scenario->rules[r]);
    }
}

static const char *open_word(enum verdict verdict)
{
    return verdict == NOT_TESTED ? "not tested" : "inconclusive";
}

/* Decided by another scenario: nothing is open about it. */
static bool is_decided(const struct results *results, const struct rule_desc *rule)
{
    for (size_t i = 0; i < results->rule_count; i++) {
        enum verdict verdict = results->rules[i].verdict;
        if (rule_is(results->rules[i].rule, rule))
            return verdict == PASS || verdict == WARN || verdict == FAIL;
    }
    return false;
}

/* What trouble left undecided is told with the trouble. */
static bool is_open(const struct scenario_result *scenario, const struct rule_result *rule)
{
    return rule->verdict == NOT_TESTED || (rule->verdict == INCONCLUSIVE && !scenario->trouble);
}

struct open_one {
    const struct scenario_result *scenario;
    const struct rule_result *rule;
};

static bool is_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool is_open_alike(const struct rule_result *a, const struct rule_result *b)
{
    return a->verdict == b->verdict && rule_is(a->rule, b->rule) && is_same(a->summary, b->summary);
}

static void add_open_one(struct page *page, const struct open_one *one, bool shows_line)
{
    add_word(page, one->rule->verdict);
    text_addf(page->out, "  %s (%s)  ", one->rule->rule->name, open_word(one->rule->verdict));
    add_scenario(page->out, one->scenario);
    text_add(page->out, "\n    ");
    add_wrapped(page, 4, one->rule->summary);
    if (shows_line) {
        text_add(page->out, "    ");
        add_wrapped(page, 4, one->rule->fix);
    }
    add_remark_of(page, one->rule);
}

/* What several scenarios leave open for the same reason is told once, and so is a line to add. */
static void add_unless_told(struct page *page, const struct open_one *told, size_t count,
                            const struct open_one *one)
{
    bool shows_line = one->rule->verdict == NOT_TESTED && one->rule->fix;
    for (size_t i = 0; i < count; i++) {
        if (is_open_alike(told[i].rule, one->rule))
            return;
        shows_line = shows_line && !is_same(told[i].rule->fix, one->rule->fix);
    }
    add_open_one(page, one, shows_line);
}

static size_t count_results(const struct results *results)
{
    size_t count = 0;
    for (size_t s = 0; s < results->scenario_count; s++)
        count += results->scenarios[s].rule_count;
    return count;
}

static void add_open_ones(struct page *page)
{
    struct open_one *open = xcalloc(count_results(page->results) + 1, sizeof *open);
    size_t count = 0;
    for (size_t s = 0; s < page->results->scenario_count; s++) {
        const struct scenario_result *scenario = &page->results->scenarios[s];
        for (size_t r = 0; r < scenario->rule_count; r++) {
            const struct rule_result *rule = &scenario->rules[r];
            if (!is_open(scenario, rule) || is_decided(page->results, rule->rule))
                continue;
            open[count] = (struct open_one){scenario, rule};
            add_unless_told(page, open, count, &open[count]);
            count++;
        }
    }
    free(open);
    if (count > 0)
        text_add(page->out, "\n");
}

/* --- Trouble around the endpoints --- */

#define DIGITS       "0123456789"
#define ALIKE_LISTED 3 /* scenarios named behind the first */

/* But for each scenario's own name, and for numbers such as ports. */
static bool is_same_trouble(const struct scenario_result *a, const struct scenario_result *b)
{
    const char *left = a->trouble, *right = b->trouble;
    size_t left_len = strlen(a->name), right_len = strlen(b->name);
    while (*left && *right) {
        bool named = left_len > 0 && strncmp(left, a->name, left_len) == 0 &&
                     strncmp(right, b->name, right_len) == 0;
        size_t left_digits = strspn(left, DIGITS), right_digits = strspn(right, DIGITS);
        bool counted = left_digits > 0 && right_digits > 0;
        if (!named && !counted && *left != *right)
            return false;
        left += named ? left_len : counted ? left_digits : 1;
        right += named ? right_len : counted ? right_digits : 1;
    }
    return *left == *right;
}

static bool is_told(const struct results *results, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (results->scenarios[i].trouble &&
            is_same_trouble(&results->scenarios[i], &results->scenarios[index]))
            return true;
    return false;
}

static void add_alike(struct page *page, size_t index)
{
    const struct results *results = page->results;
    size_t count = 0;
    for (size_t i = index + 1; i < results->scenario_count; i++) {
        const struct scenario_result *other = &results->scenarios[i];
        if (!other->trouble || !is_same_trouble(&results->scenarios[index], other))
            continue;
        if (count < ALIKE_LISTED) {
            text_add(page->out, count == 0 ? "likewise in " : ", ");
            add_scenario(page->out, other);
        }
        count++;
    }
    if (count > ALIKE_LISTED)
        text_addf(page->out, " and %zu more", count - ALIKE_LISTED);
    if (count > 0)
        text_add(page->out, "\n");
}

static void add_trouble(struct page *page, size_t index)
{
    const struct scenario_result *scenario = &page->results->scenarios[index];
    size_t len = strlen(scenario->trouble);
    while (len > 0 && scenario->trouble[len - 1] == '\n')
        len--;
    text_add(page->out, "ERROR ");
    add_scenario(page->out, scenario);
    text_add(page->out, ": ");
    add_bytes(page->out, scenario->trouble, len);
    text_add(page->out, "\n");
    add_alike(page, index);
    text_add(page->out, "\n");
}

static void add_troubles(struct page *page)
{
    for (size_t i = 0; i < page->results->scenario_count; i++)
        if (page->results->scenarios[i].trouble && !is_told(page->results, i))
            add_trouble(page, i);
}

/* --- Remarks --- */

static void add_note(struct page *page, const struct scenario_result *scenario, const char *between,
                     const char *words)
{
    text_add(page->out, "note  ");
    add_scenario(page->out, scenario);
    text_add(page->out, between);
    add_words(page->out, words);
    text_add(page->out, "\n\n");
}

static void add_notes(struct page *page)
{
    for (size_t s = 0; s < page->results->scenario_count; s++) {
        const struct scenario_result *scenario = &page->results->scenarios[s];
        if (scenario->speed_note)
            add_note(page, scenario, " ran ", scenario->speed_note);
        if (scenario->replaced)
            add_note(page, scenario, ": ", scenario->replaced);
    }
}

static const char *why_undecided(const struct results *results, const struct rule_desc *rule)
{
    static const char *const words[] = {
        [NOT_APPLICABLE] = "not applicable",
        [NOT_TESTED] = "not tested",
        [INCONCLUSIVE] = "inconclusive",
    };
    for (size_t i = 0; i < results->rule_count; i++)
        if (rule_is(results->rules[i].rule, rule))
            return words[results->rules[i].verdict];
    return "no scenario of this run expects it";
}

/* What the target file requires and did not get. */
static void add_required(struct page *page)
{
    const struct results *results = page->results;
    for (size_t i = 0; i < results->required_count; i++) {
        const struct rule_desc *rule = results->required[i];
        if (results_is_undecided(results, rule))
            text_addf(page->out, "required  %s (%s) was not decided: %s\n\n", rule->name, rule->id,
                      why_undecided(results, rule));
    }
}

static void add_tally(struct page *page)
{
    const struct results *results = page->results;
    text_addf(
        page->out, "%zu rule%s: %zu pass, %zu warn, %zu FAIL, %zu inconclusive, %zu not tested",
        results->rule_count, results->rule_count == 1 ? "" : "s", results_count(results, PASS),
        results_count(results, WARN), results_count(results, FAIL),
        results_count(results, INCONCLUSIVE), results_count(results, NOT_TESTED));
    if (results_count(results, NOT_APPLICABLE) > 0)
        text_addf(page->out, ", %zu not applicable", results_count(results, NOT_APPLICABLE));
    if (results->wall_s > 0)
        text_addf(page->out, "        %.0f s", results->wall_s);
    text_add(page->out, "\n");
    if (page->folder)
        text_addf(page->out, "Report %s/index.html   junit.xml   results.json\n", page->folder);
    text_addf(page->out, "exit %d: %s (halfopen explain exit)\n", results->exit_code,
              results_exit_words(results));
}

void report_text(const struct results *results, const char *folder, enum ink ink, struct text *out)
{
    struct page page = {
        .results = results, .folder = folder, .colour = ink == INK_COLOUR, .out = out};
    text_add(out, "\n");
    add_blocks(&page, FAIL);
    add_blocks(&page, WARN);
    add_troubles(&page);
    add_open_ones(&page);
    add_notes(&page);
    add_required(&page);
    add_tally(&page);
}
