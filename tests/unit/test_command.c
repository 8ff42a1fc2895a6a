#include "tests/check.h"

#include <signal.h>
#include <stdlib.h>

#include "net/command.h"

static void check_command(const char *command, const char *url, const char *want)
{
    struct command_values values = {.url = url, .index = 2, .port = 8080, .hook_port = 9100};
    char *got = command_substitute(command, &values);
    CHECK_STR(got, want);
    free(got);
}

#define URL "ws://127.0.0.1:4711/feed"

static void braces_become_the_url(void)
{
    check_command("node app.js {url}", URL, "node app.js " URL);
}

static void a_dollar_before_them_goes_too(void)
{
    check_command("node app.js ${url}", URL, "node app.js " URL);
}

static void index_and_port_are_numbers(void)
{
    check_command("run {index} ${port} {hook_port}", URL, "run 2 8080 9100");
}

static void other_braces_stay(void)
{
    check_command("awk '{print}' ${HOME} {} {urls}", URL, "awk '{print}' ${HOME} {} {urls}");
}

static void a_value_that_is_not_given_stays_as_written(void)
{
    check_command("node {url}", NULL, "node {url}");
}

static void what_the_shell_would_read_is_quoted(void)
{
    check_command("node {url}", "ws://h/p?a=1&b=$(id)", "node 'ws://h/p?a=1&b=$(id)'");
}

static void a_quote_in_a_value_is_quoted(void)
{
    check_command("node {url}", "a'b", "node 'a'\\''b'");
}

static void an_empty_value_is_still_an_argument(void)
{
    check_command("node {url}", "", "node ''");
}

static void inside_double_quotes_it_is_escaped(void)
{
    check_command("node \"{url}\"", "h?a=$b`\"\\", "node \"h?a=\\$b\\`\\\"\\\\\"");
}

static void inside_single_quotes_they_are_left_and_entered_again(void)
{
    check_command("node '{url}'", "a'b&c", "node 'a'\\''b&c'");
}

static void an_escaped_quote_opens_nothing(void)
{
    check_command("echo \\' {url}", "a&b", "echo \\' 'a&b'");
}

static void secrets_are_not_shown(void)
{
    char *got = command_redacted("node app.js --token=abc 'ws://h/?key=1&x=2'");
    CHECK_STR(got, "node app.js --token=*** 'ws://h/?key=***&x=2'");
    free(got);
}

static void check_exit(int status, const char *want)
{
    struct text out;
    text_init(&out);
    command_exit_words(status, &out);
    CHECK_STR(text_chars(&out), want);
    text_fini(&out);
}

static void an_exit_has_its_code(void)
{
    check_exit(1 << 8, "exit 1");
}

static void a_kill_has_its_signal(void)
{
    check_exit(SIGKILL, "signal 9");
}

SUITE(command, TEST(braces_become_the_url), TEST(a_dollar_before_them_goes_too),
      TEST(index_and_port_are_numbers), TEST(other_braces_stay),
      TEST(a_value_that_is_not_given_stays_as_written), TEST(what_the_shell_would_read_is_quoted),
      TEST(a_quote_in_a_value_is_quoted), TEST(an_empty_value_is_still_an_argument),
      TEST(inside_double_quotes_it_is_escaped),
      TEST(inside_single_quotes_they_are_left_and_entered_again),
      TEST(an_escaped_quote_opens_nothing), TEST(secrets_are_not_shown), TEST(an_exit_has_its_code),
      TEST(a_kill_has_its_signal))
