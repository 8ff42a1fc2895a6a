#include <assert.h>

#include "scenario/load.h"
#include "tests/fuzz/fuzz.h"

/* A scenario becomes a plan, or there is an error that says where. */
void fuzz_yaml(const uint8_t *bytes, size_t len)
{
    struct diag *diag = diag_new();
    struct text said;
    struct plan *plan = scenario_parse("x.yaml", (const char *)bytes, len, diag);
    text_init(&said);
    diag_add_text(diag, &said);
    assert((plan == NULL) == (diag_errors(diag) > 0));
    assert(diag_problems(diag) == 0 || said.len > 0);
    if (plan)
        plan_free(plan);
    text_fini(&said);
    diag_free(diag);
}
