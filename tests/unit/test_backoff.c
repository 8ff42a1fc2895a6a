#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rules/lib/backoff.h"
#include "tests/check.h"

static const struct backoff_policy policy = {
    .base = 1, .factor = 2, .cap = 30, .jitter = 0.5, .eps = 0.025};

/* --- The golden cases --- */

static void check_verdict(const char *name, const json_t *expect, const char *key,
                          enum raw_verdict got)
{
    static const char *const names[] = {"INC", "PASS", "FAIL"};
    check_str(name, 0, key, names[got], json_string_value(json_object_get(expect, key)));
}

/* Limits of no use are astronomically large or small: they are compared relatively. */
static void check_number(const char *name, const json_t *expect, const char *key, double got)
{
    double want = json_number_value(json_object_get(expect, key));
    check_real(name, 0, key, got, want, 1e-6 * fmax(1, fabs(want)));
}

static void check_case(const json_t *golden)
{
    static double rows[BACKOFF_CLIENTS_LIMIT][BACKOFF_DELAYS_LIMIT];
    struct backoff_client clients[BACKOFF_CLIENTS_LIMIT];
    const json_t *lists = json_object_get(golden, "delays");
    const json_t *expect = json_object_get(golden, "expect");
    const char *name = json_string_value(json_object_get(golden, "name"));
    struct backoff got;
    for (size_t k = 0; k < json_array_size(lists); k++) {
        const json_t *list = json_array_get(lists, k);
        for (size_t i = 0; i < json_array_size(list); i++)
            rows[k][i] = json_number_value(json_array_get(list, i));
        clients[k] = (struct backoff_client){.delays = rows[k], .count = json_array_size(list)};
    }
    backoff_estimate(clients, json_array_size(lists), &policy, &got);
    check_verdict(name, expect, "hammer", got.hammer);
    check_verdict(name, expect, "jitter", got.jitter);
    check_verdict(name, expect, "grow", got.growth);
    check_verdict(name, expect, "shape", got.shape);
    check_verdict(name, expect, "cap", got.cap);
    check_verdict(name, expect, "storm", got.storm);
    check_number(name, expect, "h", got.h);
    check_number(name, expect, "h_lo", got.h_lo);
    check_number(name, expect, "h_hi", got.h_hi);
    check_number(name, expect, "tight", got.tight_share);
    check_number(name, expect, "client_share", got.client_share);
    check_number(name, expect, "g", got.g);
    check_number(name, expect, "g_lo", got.g_lo);
    check_number(name, expect, "g_hi", got.g_hi);
    check_number(name, expect, "gf", got.gf);
    check_number(name, expect, "gf_lo", got.gf_lo);
    check_number(name, expect, "gf_hi", got.gf_hi);
    check_number(name, expect, "D", got.log_ratio);
    check_number(name, expect, "plateau_from", (double)got.plateau_from);
    check_number(name, expect, "sync_waves", (double)got.synchronised);
}

static void every_golden_case_is_reproduced(void)
{
    json_t *golden = json_load_file("tests/vectors/backoff.json", 0, NULL);
    CHECK_INT(json_array_size(golden), 39);
    for (size_t i = 0; i < json_array_size(golden); i++)
        check_case(json_array_get(golden, i));
    json_decref(golden);
}

SUITE(backoff, TEST(every_golden_case_is_reproduced))
