#include "control/request_url.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *server_host(const struct subject *subject)
{
    return subject->server.host ? subject->server.host : "127.0.0.1";
}

static bool is_host_of(const char *written, uint16_t port, const char *host)
{
    struct url url;
    const char *why;
    if (!written || !url_parse_with_port(written, port, &url, &why))
        return false;
    bool same = strcmp(url.host, host) == 0;
    url_fini(&url);
    return same;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0 ||
           strcmp(host, "::1") == 0;
}

static bool may_be_asked(const struct subject *subject, uint16_t port, const char *host)
{
    const struct target_hooks *hooks = subject->hooks;
    /* What is started here listens here. */
    if (is_loopback(host) && is_loopback(server_host(subject)))
        return true;
    return strcmp(host, server_host(subject)) == 0 ||
           is_host_of(subject->server_health, port, host) ||
           (hooks &&
            (is_host_of(hooks->send.url, port, host) || is_host_of(hooks->close.url, port, host) ||
             is_host_of(hooks->gave_up.url, port, host)));
}

bool request_url_parse(const char *written, const struct subject *subject, uint16_t server_port,
                       struct url *out, const char **why)
{
    const char *host = server_host(subject);
    bool six = strchr(host, ':') != NULL;
    char *whole = written[0] == '/' ? xprintf("http://%s%s%s:%u%s", six ? "[" : "", host,
                                              six ? "]" : "", server_port, written)
                                    : xstrdup(written);
    bool good = url_parse_with_port(whole, server_port, out, why);
    free(whole);
    if (good && (out->secure || !may_be_asked(subject, server_port, out->host))) {
        *why = out->secure ? "begins with https://: http:// is expected"
                           : "is at a host that the target file does not name";
        url_fini(out);
        return false;
    }
    return good;
}
