/* The two ends in a target file: how each is started and reached. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/target_parts.h"

/* --- The client --- */

static void load_env(struct target *target, const struct node *env, struct diag *diag)
{
    if (!field_is_mapping(env, "{NODE_ENV: test}", diag))
        return;
    target->client.env = xcalloc(env->count + 1, sizeof *target->client.env);
    for (const struct node *child = env->first; child; child = child->next) {
        char *value = NULL;
        if (!field_copy(child, &value, diag))
            continue;
        target->client.env[target->client.env_count++] =
            (struct variable){.name = xstrdup(child->key), .value = value};
    }
}

static void load_sockets(struct target *target, const struct node *sockets, struct diag *diag)
{
    static const char *const known[] = {"path", "protocol", "host", NULL};
    if (!field_is_mapping(sockets, "{path: /feed}", diag))
        return;
    fields_check(sockets, known, NULL, "'sockets'", diag);
    (void)field_copy(field_find(sockets, "path"), &target->client.path, diag);         /* told */
    (void)field_copy(field_find(sockets, "protocol"), &target->client.protocol, diag); /* told */
    (void)field_copy(field_find(sockets, "host"), &target->client.host, diag);         /* told */
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* {url} is where the page is told the address of its WebSocket: each client has a port of its own.
 */
static void load_browser(struct target *target, const struct node *client, struct diag *diag)
{
    const struct node *browser = field_find(client, "browser"), *tabs = field_find(client, "tabs");
    const struct node *command = field_find(client, "command");
    if (tabs && !browser)
        diag_error(diag, tabs->key_place, "'tabs' are a browser's: it goes with 'browser'");
    if (tabs)
        (void)field_count(tabs, "1", "16", &target->client.tabs, diag); /* told; stays 1 */
    if (!browser || !field_copy(browser, &target->client.browser, diag))
        return;
    if (command)
        diag_error(diag, browser->key_place, "a client is a command or a browser, not both");
    if (!begins(browser->text, "http://") && !begins(browser->text, "https://"))
        diag_error(diag, browser->place, "'browser' is %s: it begins with http:// or https://",
                   field_written(browser));
    else if (!strstr(browser->text, "{url}"))
        diag_error(diag, browser->place,
                   "'browser' is %s: the page has to be told its WebSocket's address, as in "
                   "\"http://localhost:5173/?ws={url}\"",
                   field_written(browser));
    else if (browser->text[strcspn(browser->text, " \t\r\n")])
        diag_error(diag, browser->place, "'browser' is %s: a URL holds no blank",
                   field_written(browser));
}

void target_load_client(struct target *target, const struct node *client, struct diag *diag)
{
    static const char *const known[] = {"command", "browser", "tabs", "env", "sockets", NULL};
    static const char *const later[] = {"external", "listen", NULL};
    if (!field_is_mapping(client, "{command: 'node app.js {url}'}", diag))
        return;
    target->client.given = true;
    fields_check(client, known, later, "a client", diag);
    const struct node *env = field_find(client, "env"), *sockets = field_find(client, "sockets");
    (void)field_copy(field_find(client, "command"), &target->client.command, diag); /* told */
    load_browser(target, client, diag);
    if (env)
        load_env(target, env, diag);
    if (sockets)
        load_sockets(target, sockets, diag);
}

/* --- The server --- */

static void load_url(const struct node *node, char **out, struct diag *diag)
{
    if (!node || !field_copy(node, out, diag))
        return;
    if (!begins(node->text, "ws://") && !begins(node->text, "wss://"))
        diag_error(diag, node->place, "'%s' is %s: it begins with ws:// or wss://",
                   node->key ? node->key : "urls", field_written(node));
}

static size_t scheme_length(const char *url)
{
    return strcspn(url, ":");
}

/* One way to all of them: a client that is sent elsewhere must not notice by the scheme. */
static void load_urls(struct target *target, const struct node *urls, struct diag *diag)
{
    if (!field_is_list(urls, "[ws://10.0.0.1:8080/feed, ws://10.0.0.2:8080/feed]", diag))
        return;
    if (urls->count < 2 || urls->count > PLAN_BACKENDS_LIMIT) {
        diag_error(diag, urls->key_place, "'urls' are %zu: at least 2, at most %d backends",
                   urls->count, PLAN_BACKENDS_LIMIT);
        return;
    }
    size_t count = 0;
    char **list = target->server.urls = xcalloc(urls->count + 1, sizeof *list);
    for (const struct node *child = urls->first; child; child = child->next) {
        load_url(child, &list[count], diag);
        if (list[count] && begins(list[count], "ws") &&
            scheme_length(list[count]) != scheme_length(list[0]))
            diag_error(diag, child->place, "some of 'urls' begin with ws://, some with wss://");
        count += list[count] != NULL;
    }
    if (count > 0)
        target->server.url = xstrdup(list[0]);
}

/* It is asked in plain HTTP, and from this machine. */
static void load_health(const struct node *node, char **out, struct diag *diag)
{
    if (!node || !field_copy(node, out, diag))
        return;
    if (!begins(node->text, "http://"))
        diag_error(diag, node->place, "'%s' is %s: it begins with http://", node->key,
                   field_written(node));
    else if (node->text[strcspn(node->text, " \t\r\n")])
        diag_error(diag, node->place, "'%s' is %s: a URL holds no blank", node->key,
                   field_written(node));
}

static char *beside_file(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || !slash)
        return xstrdup(path);
    return xprintf("%.*s/%s", (int)(slash - file), file, path);
}

static void load_tls(struct target *target, const struct node *tls, struct diag *diag)
{
    static const char *const known[] = {"ca", "verify", NULL};
    if (!field_is_mapping(tls, "{ca: ca.pem, verify: true}", diag))
        return;
    fields_check(tls, known, NULL, "'tls'", diag);
    const struct node *ca = field_find(tls, "ca"), *verify = field_find(tls, "verify");
    if (ca && field_is_scalar(ca, "ca.pem", diag))
        target->server.ca = beside_file(target->file, ca->text);
    if (verify)
        (void)field_flag(verify, &target->server.verify, diag); /* told */
}

void target_load_server(struct target *target, const struct node *server, struct diag *diag)
{
    static const char *const known[] = {"command", "url", "urls", "health", "tls", NULL};
    static const char *const later[] = {"host", NULL};
    if (!field_is_mapping(server, "{url: 'ws://127.0.0.1:8080/feed'}", diag))
        return;
    target->server.given = true;
    fields_check(server, known, later, "a server", diag);
    const struct node *command = field_find(server, "command"), *url = field_find(server, "url");
    const struct node *tls = field_find(server, "tls");
    const struct node *urls = field_find(server, "urls");
    if (!command && !url && !urls)
        diag_error(diag, server->key_place, "'server' needs a command, a url or urls");
    if (urls && (command || url))
        diag_error(diag, urls->key_place, "'urls' does not go with '%s': it names all backends",
                   command ? "command" : "url");
    if (urls)
        load_urls(target, urls, diag);
    (void)field_copy(command, &target->server.command, diag); /* told */
    load_url(url, &target->server.url, diag);
    load_health(field_find(server, "health"), &target->server.health, diag);
    if (tls)
        load_tls(target, tls, diag);
}
