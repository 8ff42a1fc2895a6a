#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/pattern.h"

#include <assert.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MATCH_LIMIT 100000 /* steps of backtracking: some milliseconds */
#define GROUPS      2      /* the whole and the first */

struct pattern {
    char *written;
    pcre2_code *code;
    pcre2_match_context *limits;
    pcre2_match_data *found;
};

struct pattern *pattern_new(const char *written, struct text *why)
{
    int error = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)written, PCRE2_ZERO_TERMINATED, PCRE2_DUPNAMES,
                                     &error, &at, NULL);
    if (!code) {
        PCRE2_UCHAR words[200];
        (void)pcre2_get_error_message(error, words, sizeof words); /* cut when too long */
        text_addf(why, "no pattern (PCRE2), %s after %zu characters", (const char *)words,
                  (size_t)at);
        return NULL;
    }
    struct pattern *pattern = xcalloc(1, sizeof *pattern);
    pattern->written = xstrdup(written);
    pattern->code = code;
    pattern->limits = pcre2_match_context_create(NULL);
    pattern->found = pcre2_match_data_create(GROUPS, NULL);
    if (!pattern->limits || !pattern->found)
        abort();                                               /* out of memory */
    (void)pcre2_set_match_limit(pattern->limits, MATCH_LIMIT); /* always 0 */
    return pattern;
}

struct pattern *pattern_known(const char *written)
{
    struct text why;
    text_init(&why);
    struct pattern *pattern = written ? pattern_new(written, &why) : NULL;
    assert(!written || pattern);
    text_fini(&why);
    return pattern;
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_match_data_free(pattern->found);
    pcre2_match_context_free(pattern->limits);
    pcre2_code_free(pattern->code);
    free(pattern->written);
    free(pattern);
}

const char *pattern_written(const struct pattern *pattern)
{
    return pattern ? pattern->written : "";
}

bool pattern_matches(const struct pattern *pattern, const void *bytes, size_t len)
{
    return pcre2_match(pattern->code, len > 0 ? bytes : "", len, 0, 0, pattern->found,
                       pattern->limits) >= 0;
}

size_t pattern_groups(const struct pattern *pattern)
{
    uint32_t count = 0;
    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_CAPTURECOUNT, &count); /* always 0 */
    return count;
}

bool pattern_find(const struct pattern *pattern, const void *bytes, size_t len, size_t *from,
                  size_t *found_len)
{
    if (!pattern_matches(pattern, bytes, len))
        return false;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(pattern->found);
    if (pattern_groups(pattern) == 0 || at[2] == PCRE2_UNSET || at[3] < at[2])
        return false;
    *from = at[2];
    *found_len = at[3] - at[2];
    return true;
}
