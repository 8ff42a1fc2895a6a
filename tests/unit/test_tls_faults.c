/* The faults in TLS: what each makes of a handshake, or of an end. */
#include "tests/check.h"
#include "tests/unit/fault_bench.h"

static void check_attempt(const char *yaml, const char *want)
{
    struct bench *b = bench_new(yaml);
    bench_attempt(b);
    CHECK_STR(bench_did(b), want);
    bench_stop(b);
    CHECK_STR(bench_did(b), "");
    bench_free(b);
}

static void certificates_are_wrong_in_one_way(void)
{
    check_attempt("tls_expired: {}", "tls expired 0");
    check_attempt("tls_wrong_name: {}", "tls wrong name 0");
    check_attempt("tls_untrusted: {}", "tls untrusted 0");
}

static void an_alert_has_the_number_of_its_name(void)
{
    check_attempt("tls_alert: {}", "tls alert 40");
    check_attempt("tls_alert: {alert: handshake_failure}", "tls alert 40");
    check_attempt("tls_alert: {alert: bad_certificate}", "tls alert 42");
    check_attempt("tls_alert: {alert: certificate_expired}", "tls alert 45");
    check_attempt("tls_alert: {alert: unknown_ca}", "tls alert 48");
    check_attempt("tls_alert: {alert: access_denied}", "tls alert 49");
    check_attempt("tls_alert: {alert: protocol_version}", "tls alert 70");
    check_attempt("tls_alert: {alert: insufficient_security}", "tls alert 71");
    check_attempt("tls_alert: {alert: internal_error}", "tls alert 80");
    check_attempt("tls_alert: {alert: unrecognized_name}", "tls alert 112");
    check_attempt("tls_alert: {alert: no_application_protocol}", "tls alert 120");
}

static void a_version_has_its_number(void)
{
    check_attempt("tls_downgrade: {highest: 1.0}", "tls downgrade 769");
    check_attempt("tls_downgrade: {}", "tls downgrade 770");
    check_attempt("tls_downgrade: {highest: 1.2}", "tls downgrade 771");
}

static void a_stalled_handshake_waits_until_the_fault_is_over(void)
{
    check_attempt("tls_stall: {}", "tls stall 0; hang for ever");
}

static void truncation_ends_the_legs_it_names(void)
{
    struct bench *b = bench_new("tls_truncate: {}");
    bench_start(b);
    CHECK_STR(bench_did(b), "cut server truncate; cut client truncate");
    bench_free(b);
    b = bench_new("tls_truncate: {direction: to_client}");
    bench_start(b);
    CHECK_STR(bench_did(b), "cut client truncate");
    bench_free(b);
}

static void they_say_that_they_need_tls(void)
{
    static const char *const names[] = {"tls_alert",     "tls_downgrade", "tls_expired",
                                        "tls_stall",     "tls_truncate",  "tls_untrusted",
                                        "tls_wrong_name"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(fault_find(names[i])->tls);
    CHECK(!fault_find("fin")->tls);
}

SUITE(tls_faults, TEST(certificates_are_wrong_in_one_way),
      TEST(an_alert_has_the_number_of_its_name), TEST(a_version_has_its_number),
      TEST(a_stalled_handshake_waits_until_the_fault_is_over),
      TEST(truncation_ends_the_legs_it_names), TEST(they_say_that_they_need_tls))
