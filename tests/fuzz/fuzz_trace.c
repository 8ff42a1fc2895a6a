#include <assert.h>
#include <string.h>

#include "rules/rule.h"
#include "tests/fuzz/fuzz.h"
#include "trace/recorder.h"

/* A trace that was read writes and reads again as itself, and every rule has something to say of
 * it. */
static void check_trace(const struct trace *trace)
{
    struct text once, twice;
    struct diag *diag = diag_new();
    text_init(&once);
    text_init(&twice);
    for (size_t i = 0; i < trace->count; i++) {
        event_write(&trace->events[i], &once);
        text_add(&once, "\n");
    }
    struct trace *again = trace_parse("again", once.chars, once.len, diag);
    assert(again && again->count == trace->count);
    for (size_t i = 0; i < again->count; i++) {
        event_write(&again->events[i], &twice);
        text_add(&twice, "\n");
    }
    assert(strcmp(text_chars(&once), text_chars(&twice)) == 0);
    for (size_t i = 0; all_rules[i]; i++) {
        struct findings findings;
        findings_init(&findings);
        rule_judge(all_rules[i], trace, NULL, &findings);
        assert(findings_worst(&findings));
        findings_fini(&findings);
    }
    trace_free(again);
    diag_free(diag);
    text_fini(&once);
    text_fini(&twice);
}

void fuzz_trace(const uint8_t *bytes, size_t len)
{
    struct diag *diag = diag_new();
    struct trace *trace = trace_parse("x", (const char *)bytes, len, diag);
    assert((trace == NULL) == (diag_errors(diag) > 0));
    if (trace)
        check_trace(trace);
    trace_free(trace);
    diag_free(diag);
}
