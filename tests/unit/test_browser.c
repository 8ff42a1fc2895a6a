/* Chromium as a client: what it is called, given and asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/browser.h"
#include "tests/check.h"

static char *chromium, *path;

static char *lookup(const char *name)
{
    return strcmp(name, "CHROMIUM") == 0 ? chromium : strcmp(name, "PATH") == 0 ? path : NULL;
}

static void finds(const char *named, const char *where, const char *want)
{
    chromium = (char *)named;
    path = (char *)where;
    char *found = browser_find(lookup);
    CHECK_STR(found ? found : "nothing", want);
    free(found);
}

static void the_variable_goes_first(void)
{
    finds("/bin/sh", "/bin", "/bin/sh");
    finds("sh", "/nowhere:/bin", "/bin/sh");
    finds("/nowhere/chromium", "/bin", "nothing");
}

static void what_is_not_there_is_not_found(void)
{
    finds(NULL, "/nowhere::/dev", "nothing");
    finds(NULL, NULL, "nothing");
    finds("", "", "nothing");
}

static void the_url_is_encoded_in_every_place(void)
{
    char *page = browser_page("http://a/?ws={url}&again={url}#{x}", "ws://127.0.0.1:80/a b?c=d~");
    CHECK_STR(page, "http://a/?ws=ws%3A%2F%2F127.0.0.1%3A80%2Fa%20b%3Fc%3Dd~"
                    "&again=ws%3A%2F%2F127.0.0.1%3A80%2Fa%20b%3Fc%3Dd~#{x}");
    free(page);
}

static void a_command_line_is_quoted(void)
{
    static const char begin[] =
        "exec env HOME=/tmp/p TMPDIR=/tmp/p '/opt/my browser' --headless=new ";
    char *command = browser_command("/opt/my browser", "/tmp/p", "http://a/?b&c", NULL);
    CHECK_INT(strncmp(command, begin, strlen(begin)), 0);
    CHECK_INT(strstr(command, " --user-data-dir=/tmp/p ") != NULL, 1);
    CHECK_INT(strstr(command, " 'http://a/?b&c'") != NULL, 1);
    CHECK_INT(strstr(command, "--no-sandbox") != NULL, geteuid() == 0);
    free(command);
}

static void an_authority_goes_into_its_database(void)
{
    static const char begin[] =
        "mkdir -p /tmp/p/.pki/nssdb && certutil -N --empty-password -d sql:/tmp/p/.pki/nssdb && "
        "certutil -A -t C,, -n halfopen -i '/a b/ca.pem' -d sql:/tmp/p/.pki/nssdb\nexec env ";
    char *command = browser_command("chromium", "/tmp/p", "http://a/", "/a b/ca.pem");
    CHECK_INT(strncmp(command, begin, strlen(begin)), 0);
    free(command);
}

static void pages_of_the_origin_are_counted(void)
{
    const char *list = "[{\"type\":\"page\",\"url\":\"http://a:1/?ws=1\"},"
                       "{\"type\":\"page\",\"url\":\"http://a:1/other\"},"
                       "{\"type\":\"page\",\"url\":\"chrome-error://chromewebdata/\"},"
                       "{\"type\":\"worker\",\"url\":\"http://a:1/w.js\"}, 7, {}]";
    CHECK_INT(browser_count_pages(list, "http://a:1/?ws=2"), 2);
    CHECK_INT(browser_count_pages("{}", "http://a:1/"), -1);
    CHECK_INT(browser_count_pages("", "http://a:1/"), -1);
    CHECK_INT(browser_count_pages("[]", "http://a:1/"), 0);
}

static void a_profile_is_removed_with_all_in_it(void)
{
    char *profile = browser_new_profile();
    char *file = xprintf("%s/DevToolsActivePort", profile);
    CHECK_INT(browser_port(profile), 0);
    FILE *out = fopen(file, "w");
    fputs("40123\n/devtools/browser/x\n", out);
    fclose(out);
    CHECK_INT(browser_port(profile), 40123);
    browser_remove_profile(profile);
    CHECK_INT(access(profile, F_OK), -1);
    free(file);
    free(profile);
}

SUITE(browser, TEST(the_variable_goes_first), TEST(what_is_not_there_is_not_found),
      TEST(the_url_is_encoded_in_every_place), TEST(a_command_line_is_quoted),
      TEST(an_authority_goes_into_its_database), TEST(pages_of_the_origin_are_counted),
      TEST(a_profile_is_removed_with_all_in_it))
