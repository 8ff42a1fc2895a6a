#include "endpoint/client_upgrade.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "ws/http.h"
#include "ws/upgrade.h"
#include "endpoint/comeback.h"

#define LONGEST_RETRY_AFTER_SECONDS 86400

struct client_upgrade {
    char *host, *target, *offer, *headers;
    char *extensions; /* of the response */
    struct rng keys;
    char key[UPGRADE_KEY_ROOM];
    struct http_reader *reader;
    bool trusts;
    int status;
    nsec retry_after;
    struct text problem;
};

struct client_upgrade *client_upgrade_new(const char *host_header, uint64_t seed)
{
    struct client_upgrade *upgrade = xcalloc(1, sizeof *upgrade);
    upgrade->host = xstrdup(host_header);
    upgrade->target = xstrdup("/");
    upgrade->headers = xstrdup("");
    upgrade->offer = xstrdup("");
    upgrade->extensions = xstrdup("");
    upgrade->reader = http_reader_new(HTTP_RESPONSE);
    rng_init(&upgrade->keys, seed, "client.keys", 0);
    text_init(&upgrade->problem);
    return upgrade;
}

void client_upgrade_free(struct client_upgrade *upgrade)
{
    if (!upgrade)
        return;
    http_reader_free(upgrade->reader);
    text_fini(&upgrade->problem);
    free(upgrade->host);
    free(upgrade->target);
    free(upgrade->offer);
    free(upgrade->headers);
    free(upgrade->extensions);
    free(upgrade);
}

void client_upgrade_offer(struct client_upgrade *upgrade, const char *extensions)
{
    free(upgrade->offer);
    upgrade->offer = xstrdup(extensions);
}

const char *client_upgrade_extensions(const struct client_upgrade *upgrade)
{
    return upgrade->extensions;
}

void client_upgrade_trust(struct client_upgrade *upgrade)
{
    upgrade->trusts = true;
}

void client_upgrade_ask(struct client_upgrade *upgrade, const char *target, const char *headers)
{
    free(upgrade->target);
    free(upgrade->headers);
    upgrade->target = xstrdup(target);
    upgrade->headers = xstrdup(headers);
}

/* RFC 6455 4.1: the nonce is selected randomly for each connection. */
static void draw_key(struct client_upgrade *upgrade)
{
    uint8_t random[16];
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)(rng_next(&upgrade->keys) >> 56);
    upgrade_make_key(random, upgrade->key);
}

void client_upgrade_begin(struct client_upgrade *upgrade, struct text *out)
{
    draw_key(upgrade);
    http_reader_reset(upgrade->reader);
    text_clear(&upgrade->problem);
    upgrade->status = 0;
    upgrade->retry_after = RETRY_AFTER_ABSENT;
    struct upgrade_ask ask = {.target = upgrade->target,
                              .host = upgrade->host,
                              .key = upgrade->key,
                              .extensions = upgrade->offer[0] ? upgrade->offer : NULL,
                              .headers = upgrade->headers[0] ? upgrade->headers : NULL};
    upgrade_add_request(out, &ask);
}

static bool read_date(const char *written, time_t *out)
{
    struct tm fields = {0};
    const char *end = strptime(written, "%a, %d %b %Y %H:%M:%S GMT", &fields);
    if (!end || *end != '\0')
        return false;
    *out = timegm(&fields);
    return true;
}

/* RFC 9110 10.2.3: seconds, or a date; a date is measured from the response's own Date, so that no
 * clock is needed and the server's may be wrong. */
static double retry_after_seconds(const char *written, const char *date)
{
    time_t then, now;
    char *end;
    double seconds = strtod(written, &end);
    if (end != written && *end == '\0')
        return seconds;
    if (read_date(written, &then) && read_date(date, &now))
        return (double)(then - now);
    return -1;
}

static void read_retry_after(struct client_upgrade *upgrade, const struct http_head *head)
{
    char *written = http_header_copy(head, "Retry-After");
    char *date = http_header_copy(head, "Date");
    double seconds = written[0] != '\0' ? retry_after_seconds(written, date) : -1;
    if (seconds >= 0 && seconds <= LONGEST_RETRY_AFTER_SECONDS)
        upgrade->retry_after = nsec_from_seconds(seconds);
    free(written);
    free(date);
}

static enum upgrade_progress judge(struct client_upgrade *upgrade, const struct http_head *head)
{
    struct upgrade_response response;
    upgrade_read_response(head, upgrade->key, "", upgrade->offer, &response);
    free(upgrade->extensions);
    upgrade->extensions = http_header_copy(head, "Sec-WebSocket-Extensions");
    upgrade->status = head->status;
    bool yes = head->status == 101 || head->status / 100 == 2;
    if (response.valid || (upgrade->trusts && yes))
        return UPGRADE_DONE;
    if (head->status == 101)
        upgrade_add_wrong(&upgrade->problem, response.wrong);
    else
        text_add(&upgrade->problem, http_status_words(head->status));
    read_retry_after(upgrade, head);
    return UPGRADE_REFUSED;
}

static enum upgrade_progress refuse(struct client_upgrade *upgrade, const char *problem)
{
    text_add(&upgrade->problem, problem);
    return UPGRADE_REFUSED;
}

/* 1xx other than 101 announce the real response (RFC 9110 15.2). */
static bool skip_interim(struct client_upgrade *upgrade)
{
    if (!http_is_interim(http_reader_head(upgrade->reader)))
        return false;
    http_reader_reset(upgrade->reader);
    return true;
}

static enum http_read read_head(struct client_upgrade *upgrade, const uint8_t *bytes, size_t len,
                                size_t *used)
{
    enum http_read result;
    size_t taken;
    *used = 0;
    do {
        result = http_reader_feed(upgrade->reader, bytes + *used, len - *used, &taken);
        *used += taken;
    } while (result == HTTP_COMPLETE && skip_interim(upgrade));
    return result;
}

enum upgrade_progress client_upgrade_input(struct client_upgrade *upgrade, const uint8_t *bytes,
                                           size_t len, size_t *used)
{
    switch (read_head(upgrade, bytes, len, used)) {
    case HTTP_MORE:
        return UPGRADE_MORE;
    case HTTP_COMPLETE:
        return judge(upgrade, http_reader_head(upgrade->reader));
    case HTTP_NOT_HTTP:
        return refuse(upgrade, "not HTTP");
    case HTTP_TOO_LONG:
        return refuse(upgrade, "head too long");
    }
    return refuse(upgrade, "");
}

int client_upgrade_status(const struct client_upgrade *upgrade)
{
    return upgrade->status;
}

nsec client_upgrade_retry_after(const struct client_upgrade *upgrade)
{
    return upgrade->retry_after;
}

const char *client_upgrade_problem(const struct client_upgrade *upgrade)
{
    return text_chars(&upgrade->problem);
}
