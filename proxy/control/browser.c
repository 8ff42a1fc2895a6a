#include "control/browser.h"

#include <ftw.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/command.h"

#define REMOVING_FILES 16 /* open at a time */

/* --- Which program --- */

static char *program_in_path(const char *path, const char *name)
{
    while (path && *path) {
        size_t len = strcspn(path, ":");
        char *program = xprintf("%.*s/%s", (int)len, path, name);
        if (len > 0 && access(program, X_OK) == 0)
            return program;
        free(program);
        path += len + (path[len] == ':');
    }
    return NULL;
}

char *browser_find(char *(*lookup)(const char *name))
{
    static const char *const names[] = {"chromium", "chromium-browser", "google-chrome", NULL};
    const char *given = lookup("CHROMIUM"), *path = lookup("PATH");
    if (given && strchr(given, '/'))
        return access(given, X_OK) == 0 ? xstrdup(given) : NULL;
    if (given && *given)
        return program_in_path(path, given);
    for (int i = 0; names[i]; i++) {
        char *program = program_in_path(path, names[i]);
        if (program)
            return program;
    }
    return NULL;
}

/* --- How it is started --- */

/* RFC 3986 2.3: what need not be encoded anywhere */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~", c);
}

char *browser_encoded(const char *url)
{
    struct text out;
    text_init(&out);
    for (; *url; url++)
        if (is_unreserved(*url))
            text_add_bytes(&out, url, 1);
        else
            text_addf(&out, "%%%02X", (unsigned)(unsigned char)*url);
    return text_take(&out);
}

char *browser_page(const char *page, const char *url)
{
    static const char place[] = "{url}";
    struct text out;
    char *encoded = browser_encoded(url);
    text_init(&out);
    for (const char *at; (at = strstr(page, place)) != NULL; page = at + strlen(place)) {
        text_add_bytes(&out, page, (size_t)(at - page));
        text_add(&out, encoded);
    }
    text_add(&out, page);
    free(encoded);
    return text_take(&out);
}

/* Chromium takes no other authorities than those of its user's NSS database. Without certutil it
 * starts all the same, and trusts nobody new. */
static void add_trust(struct text *out, const char *profile, const char *authority)
{
    char *folder = xprintf("%s/.pki/nssdb", profile), *database = xprintf("sql:%s", folder);
    text_add(out, "mkdir -p ");
    command_add_quoted(out, folder);
    text_add(out, " && certutil -N --empty-password -d ");
    command_add_quoted(out, database);
    text_add(out, " && certutil -A -t C,, -n halfopen -i ");
    command_add_quoted(out, authority);
    text_add(out, " -d ");
    command_add_quoted(out, database);
    text_add(out, "\n");
    free(folder);
    free(database);
}

/* What it leaves in its home and in the folder of temporary files goes with the profile. */
static void add_home(struct text *out, const char *profile)
{
    static const char *const places[] = {"HOME", "TMPDIR"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *place = xprintf("%s=%s", places[i], profile);
        command_add_quoted(out, place);
        text_add(out, " ");
        free(place);
    }
}

char *browser_command(const char *program, const char *profile, const char *page,
                      const char *authority)
{
    struct text out;
    text_init(&out);
    if (authority)
        add_trust(&out, profile, authority);
    text_add(&out, "exec env ");
    add_home(&out, profile);
    command_add_quoted(&out, program);
    text_add(&out, " --headless=new --no-first-run --no-default-browser-check --disable-extensions "
                   "--disable-background-networking --disable-component-update --disable-sync "
                   "--disable-gpu --mute-audio --remote-debugging-port=0 ");
    if (geteuid() == 0) /* which its sandbox refuses */
        text_add(&out, "--no-sandbox ");
    char *folder = xprintf("--user-data-dir=%s", profile);
    command_add_quoted(&out, folder);
    text_add(&out, " ");
    command_add_quoted(&out, page);
    free(folder);
    return text_take(&out);
}

/* --- Its profile --- */

char *browser_new_profile(void)
{
    const char *where = getenv("TMPDIR");
    char *profile = xprintf("%s/halfopen-browser-XXXXXX", where && *where ? where : "/tmp");
    if (mkdtemp(profile))
        return profile;
    free(profile);
    return NULL;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    (void)remove(path); /* what cannot be removed stays */
    return 0;
}

void browser_remove_profile(const char *profile)
{
    (void)nftw(profile, remove_one, REMOVING_FILES, FTW_DEPTH | FTW_PHYS); /* likewise */
}

uint16_t browser_port(const char *profile)
{
    unsigned long port = 0;
    char line[16];
    char *path = xprintf("%s/DevToolsActivePort", profile);
    FILE *file = fopen(path, "r");
    if (file && fgets(line, sizeof line, file) && strchr(line, '\n'))
        port = strtoul(line, NULL, 10);
    if (file)
        (void)fclose(file); /* it was read only */
    free(path);
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* --- What it shows --- */

static size_t origin_length(const char *page)
{
    const char *host = strstr(page, "://");
    return host ? (size_t)(host - page) + 3 + strcspn(host + 3, "/?#") : strlen(page);
}

int browser_count_pages(const char *list, const char *page)
{
    int count = 0;
    size_t i;
    json_t *root = json_loads(list, 0, NULL), *entry;
    if (!json_is_array(root)) {
        json_decref(root);
        return -1;
    }
    json_array_foreach(root, i, entry)
    {
        const char *url = json_string_value(json_object_get(entry, "url"));
        const char *type = json_string_value(json_object_get(entry, "type"));
        count += url && type && strcmp(type, "page") == 0 &&
                 strncmp(url, page, origin_length(page)) == 0;
    }
    json_decref(root);
    return count;
}
