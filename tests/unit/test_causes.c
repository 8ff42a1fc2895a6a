#include "control/causes.h"

#include <string.h>

#include "tests/check.h"

/* What is said when these were seen. */
static void check_silence(const struct sightings *seen, const struct circumstances *round,
                          const char *part)
{
    struct text out;
    text_init(&out);
    causes_of_silence(seen, round, &out);
    CHECK_CONTAINS(text_chars(&out), part);
    text_fini(&out);
}

static void a_command_without_a_url_is_the_likeliest_cause(void)
{
    const struct sightings nothing = {0};
    check_silence(&nothing, &(struct circumstances){.command = "node app.js", .port = 4711},
                  "neither {url} nor {port}");
    check_silence(&nothing, &(struct circumstances){.command = "node app.js {url}", .port = 4711},
                  "does not use the URL");
    check_silence(&nothing, &(struct circumstances){.command = "node app.js {url}", .port = 4711},
                  "nothing connected to 127.0.0.1:4711");
}

static void a_connection_without_a_request_is_a_matter_of_tls(void)
{
    const struct sightings seen = {.connections = 3};
    check_silence(&seen, &(struct circumstances){.tls = true}, "has to trust the local authority");
    check_silence(&seen, &(struct circumstances){.tls = false}, "does it speak TLS");
}

static void requests_without_an_upgrade_are_told_with_their_path(void)
{
    const struct sightings seen = {.connections = 1, .requests = 1, .target = (char *)"/status"};
    check_silence(&seen, &(struct circumstances){0}, "for /status, and none asked for a WebSocket");
}

static void a_websocket_that_does_not_count_is_told(void)
{
    const struct sightings seen = {
        .connections = 1, .requests = 1, .upgrades = 1, .opened = 0, .target = (char *)"/vite"};
    check_silence(&seen, &(struct circumstances){0},
                  "at /vite, which is not among those that count");
}

static void a_status_is_told_before_what_is_wrong_with_the_handshake(void)
{
    struct sightings seen = {.connections = 1,
                             .requests = 1,
                             .upgrades = 1,
                             .selected = 1,
                             .status = 404,
                             .target = (char *)"/feed",
                             .wrong = (char *)"no Sec-WebSocket-Key"};
    check_silence(&seen, &(struct circumstances){0}, "answered 404 to the upgrade of /feed");
    seen.status = 0;
    check_silence(&seen, &(struct circumstances){0}, "handshake is wrong: no Sec-WebSocket-Key");
    seen.trouble = (char *)"refused";
    check_silence(&seen, &(struct circumstances){0}, "could not be reached: refused");
}

static void clients_that_opened_have_no_cause(void)
{
    const struct sightings seen = {
        .connections = 2, .requests = 2, .upgrades = 2, .selected = 2, .opened = 2};
    struct text out;
    text_init(&out);
    causes_of_silence(&seen, &(struct circumstances){0}, &out);
    CHECK_STR(text_chars(&out), "");
    text_fini(&out);
}

static void check_exit(const char *how, bool client, size_t left, const char *want)
{
    struct text out;
    text_init(&out);
    causes_of_exit(how, client, left, &out);
    CHECK_CONTAINS(text_chars(&out), want);
    CHECK(*want || text_chars(&out)[0] == '\0');
    text_fini(&out);
}

static void exits_of_the_shell_are_told_apart(void)
{
    check_exit("exit 127", true, 0, "no such command");
    check_exit("exit 126", true, 0, "may not be executed");
    check_exit("exit 0", true, 0, "stays connected");
    check_exit("exit 0", false, 0, "foreground");
    check_exit("signal 11", true, 0, "crashed");
    check_exit("exit 1", true, 0, "");
    check_exit("exit 0", true, 1, "1 process of it still runs");
    check_exit("exit 0", false, 3, "3 processes of it still run;");
    check_exit("exit 127", true, 1, "no such command");
}

static void events_are_counted_by_what_they_are(void)
{
    struct sightings seen = {0};
    sightings_note(&seen, &(struct event){.kind = EV_TCP_OPEN});
    sightings_note(&seen,
                   &(struct event){.kind = EV_TCP_CONNECT, .tcp_connect = {.how = "connected"}});
    sightings_note(&seen, &(struct event){.kind = EV_HTTP_REQUEST,
                                          .http_request = {.target = "/a", .wrong = ""}});
    sightings_note(&seen, &(struct event){.kind = EV_HTTP_RESPONSE,
                                          .http_response = {.status = 200, .wrong = ""}});
    CHECK_INT(seen.status, 0); /* it answered no upgrade */
    sightings_note(
        &seen, &(struct event){
                   .kind = EV_HTTP_REQUEST,
                   .http_request = {.target = "/b", .wrong = "", .upgrade = true, .counts = true}});
    sightings_note(&seen, &(struct event){.kind = EV_HTTP_RESPONSE,
                                          .http_response = {.status = 503, .wrong = ""}});
    CHECK_INT(seen.connections, 1);
    CHECK_INT(seen.requests, 2);
    CHECK_INT(seen.upgrades, 1);
    CHECK_INT(seen.selected, 1);
    CHECK_INT(seen.status, 503);
    CHECK_STR(seen.target, "/b");
    CHECK(!seen.trouble && !seen.wrong);
    sightings_fini(&seen);
}

SUITE(causes, TEST(a_command_without_a_url_is_the_likeliest_cause),
      TEST(a_connection_without_a_request_is_a_matter_of_tls),
      TEST(requests_without_an_upgrade_are_told_with_their_path),
      TEST(a_websocket_that_does_not_count_is_told),
      TEST(a_status_is_told_before_what_is_wrong_with_the_handshake),
      TEST(clients_that_opened_have_no_cause), TEST(exits_of_the_shell_are_told_apart),
      TEST(events_are_counted_by_what_they_are))
