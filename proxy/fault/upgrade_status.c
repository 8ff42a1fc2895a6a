/* upgrade_status: the handshake is answered by a status other than 101. */
#include "fault/lib/head.h"

#include <string.h>
#include <time.h>

struct upgrade_status {
    uint64_t status;
    nsec retry_after;
    int form;
    char *location, *challenge, *body;
    int then;
};

enum form { FORM_SECONDS, FORM_DATE };

enum then { THEN_FIN, THEN_NOTHING };

static const char *const forms[] = {"seconds", "date", NULL};
static const char *const thens[] = {"fin", "nothing", NULL};

static const struct param params[] = {
    P_COUNT(upgrade_status, status, .def = "503", .min = "200", .max = "599", .doc = "status code"),
    P_DURATION(upgrade_status, retry_after, .def = "", .min = "1s", .max = "24h",
               .doc = "Retry-After, in whole seconds; unset: no such header"),
    P_CHOICE(upgrade_status, form, .def = "seconds", .choices = forms,
             .doc =
                 "Retry-After as a number of seconds or as a date at the endpoint's time of day"),
    P_TEXT(upgrade_status, location, .def = "", .doc = "Location, for redirects"),
    P_TEXT(upgrade_status, challenge, .def = "", .doc = "WWW-Authenticate, for 401"),
    P_TEXT(upgrade_status, body, .def = "", .doc = "text of the response"),
    P_CHOICE(upgrade_status, then, .def = "fin", .choices = thens,
             .doc =
                 "what follows: fin, or nothing: the client's connection stays as it is, for the "
                 "client to end"),
    P_END,
};

/* RFC 9110 5.6.7, whatever the locale. */
static void add_date(struct text *out, int64_t seconds)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm parts;
    time_t at = (time_t)seconds;
    (void)gmtime_r(&at, &parts);
    text_addf(out, "%s, %02d %s %d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday,
              months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
              parts.tm_sec);
}

static void add_retry_after(struct fault *f, struct text *headers)
{
    const struct upgrade_status *cfg = fault_config(f);
    int64_t seconds = cfg->retry_after / NSEC_PER_SEC;
    if (cfg->retry_after <= 0)
        return;
    text_add(headers, "Retry-After: ");
    if (cfg->form == FORM_DATE)
        add_date(headers, fault_time_of_day(f) + seconds);
    else
        text_addf(headers, "%lld", (long long)seconds);
    text_add(headers, "\r\n");
}

static void add_header(struct text *headers, const char *name, const char *value)
{
    if (value && *value)
        text_addf(headers, "%s: %s\r\n", name, value);
}

static void answer(struct fault *f, struct unit *u)
{
    const struct upgrade_status *cfg = fault_config(f);
    struct text headers, response;
    text_init(&headers);
    text_init(&response);
    add_retry_after(f, &headers);
    add_header(&headers, "Location", cfg->location);
    add_header(&headers, "WWW-Authenticate", cfg->challenge);
    http_add_response(&response, (int)cfg->status, text_chars(&headers),
                      cfg->body ? cfg->body : "");
    fault_respond(f, u, text_chars(&response), response.len);
    if (cfg->then == THEN_FIN)
        fault_end(f, TO_CLIENT, CUT_CLOSE); /* behind the answer, whatever holds that back */
    fault_cut(f, SIDE_SERVER, CUT_CLOSE);
    text_fini(&headers);
    text_fini(&response);
}

static void answer_upgrade(struct fault *f, struct unit *u)
{
    if (u->upgrade)
        answer(f, u);
    else
        fault_pass(f, u);
}

static bool has_line_break(const char *text)
{
    return text && strpbrk(text, "\r\n");
}

static bool check(const void *config, const char **param, struct text *why)
{
    const struct upgrade_status *cfg = config;
    if (has_line_break(cfg->location))
        *param = "location";
    else if (has_line_break(cfg->challenge))
        *param = "challenge";
    if (*param)
        text_addf(why, "'%s' has a line break: one line is expected", *param);
    return why->len == 0;
}

const struct fault_desc upgrade_status_fault = {
    .layer = LAYER_UPGRADE,
    .name = "upgrade_status",
    .brief = "answer the handshake with another status than 101",
    .doc =
        "The client sees an HTTP response and the end of the connection (then: nothing leaves that to "
        "it); the server never sees the request. 503 and 429 say come back later, with Retry-After when; 401 and 403 say not with these "
        "credentials; 301 and 307 say elsewhere. A browser's script sees only close code 1006. A good "
        "client waits at least as long as Retry-After says, with jitter, does not repeat a credential "
        "that was refused, and otherwise backs off as after any failure.",
    .example = "upgrade_status: {status: 503, retry_after: 20s}",
    .dirs = DIR_MASK(TO_SERVER),
    .params = params,
    .config_size = sizeof(struct upgrade_status),
    .check = check,
    .ops = {.on_head = answer_upgrade},
};
