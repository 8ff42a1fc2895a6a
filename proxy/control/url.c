#include "control/url.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

struct scheme {
    const char *prefix;
    bool secure;
    uint16_t port; /* 0: must be written */
};

static const struct scheme schemes[] = {
    {"ws://", false, 80},    {"wss://", true, 443}, {"http://", false, 80},
    {"https://", true, 443}, {"tcp://", false, 0},  {"", false, 0},
};

static const struct scheme *scheme_of(const char *written)
{
    const struct scheme *scheme = schemes;
    while (strncmp(written, scheme->prefix, strlen(scheme->prefix)) != 0)
        scheme++;
    return scheme;
}

static bool parse_port(const char *digits, size_t len, uint16_t *port)
{
    char copy[8];
    const char *why;
    uint64_t value;
    if (len == 0 || len >= sizeof copy)
        return false;
    memcpy(copy, digits, len);
    copy[len] = '\0';
    if (!units_count(copy, &value, &why) || value > 65535)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* Splits host:port or [host]:port. */
static bool parse_authority(const char *start, size_t len, struct url *url, uint16_t standard)
{
    const char *host = start, *end = start + len, *colon;
    size_t host_len;
    if (len > 0 && *start == '[') {
        const char *bracket = memchr(start, ']', len);
        if (!bracket)
            return false;
        host = start + 1;
        host_len = (size_t)(bracket - host);
        colon = bracket + 1 < end && bracket[1] == ':' ? bracket + 1 : NULL;
    } else {
        colon = memchr(start, ':', len);
        host_len = colon ? (size_t)(colon - start) : len;
    }
    url->port = standard;
    if (colon && !parse_port(colon + 1, (size_t)(end - colon - 1), &url->port))
        return false;
    if (host_len == 0 || (!colon && standard == 0))
        return false;
    url->host = xstrndup(host, host_len);
    url->authority = xstrndup(start, len);
    return true;
}

bool url_parse(const char *written, struct url *url, const char **why)
{
    const struct scheme *scheme = scheme_of(written);
    const char *start = written + strlen(scheme->prefix);
    size_t len = strcspn(start, "/?#");
    *url = (struct url){.secure = scheme->secure};
    if (!*scheme->prefix && strstr(written, "://")) {
        *why = "has a scheme that is not ws:// or wss://";
        return false;
    }
    if (!parse_authority(start, len, url, scheme->port)) {
        *why = "is no address, as in ws://127.0.0.1:8080/feed or 127.0.0.1:8080";
        return false;
    }
    const char *rest = start + len;
    size_t rest_len = strcspn(rest, "#");
    url->target = *rest == '/' ? xstrndup(rest, rest_len) : xprintf("/%.*s", (int)rest_len, rest);
    return true;
}

bool url_parse_with_port(const char *written, uint16_t port, struct url *url, const char **why)
{
    static const char hole[] = "{port}";
    const char *at = strstr(written, hole);
    if (!at)
        return url_parse(written, url, why);
    char *filled =
        xprintf("%.*s%u%s", (int)(at - written), written, (unsigned)port, at + sizeof hole - 1);
    bool parsed = url_parse(filled, url, why);
    free(filled);
    return parsed;
}

void url_fini(struct url *url)
{
    free(url->host);
    free(url->target);
    free(url->authority);
    *url = (struct url){0};
}
