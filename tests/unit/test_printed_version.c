#include "control/printed_version.h"

#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

static void expect(const char *output, const char *want)
{
    char *version = printed_version(output, strlen(output));
    check_str(__FILE__, __LINE__, output, version ? version : "none", want);
    free(version);
}

static void a_number_called_a_version_is_one(void)
{
    expect("starting\napp v1.2.3 is listening\n", "1.2.3");
    expect("version: 2.0", "2.0");
    expect("{\"version\":\"3.1.4-rc.1\"}", "3.1.4-rc.1");
    expect("Version 10.20.30+build.7, ready", "10.20.30+build.7");
    expect("trading-web@4.5.6 start", "4.5.6");
    expect("Python/3.11 websockets/12.0.1\n", "12.0.1");
    expect("v1.2.3.\n", "1.2.3");
    expect("v1.2.3-beta.\n", "1.2.3-beta");
}

static void other_numbers_are_none(void)
{
    expect("", "none");
    expect("listening on ws://127.0.0.1:8080/1.2.3.4", "none");
    expect("connected after 1.25 s", "none");
    expect("HTTP/1.1 101 Switching Protocols", "none");
    expect("at 27.11.2026 12.30.15", "none");
    expect("v1.2.3.4", "none");
    expect("eth0/10.0.0.7 up", "none");
}

SUITE(printed_version, TEST(a_number_called_a_version_is_one), TEST(other_numbers_are_none))
