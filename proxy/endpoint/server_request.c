#include "endpoint/server_request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/http.h"
#include "ws/upgrade.h"

struct server_request {
    struct http_reader *reader;
    int status;
};

struct server_request *server_request_new(void)
{
    struct server_request *request = xcalloc(1, sizeof *request);
    request->reader = http_reader_new(HTTP_REQUEST);
    return request;
}

void server_request_free(struct server_request *request)
{
    if (!request)
        return;
    http_reader_free(request->reader);
    free(request);
}

int server_request_status(const struct server_request *request)
{
    return request->status;
}

static enum request_progress respond(struct server_request *request, int status,
                                     const char *headers, struct text *answer)
{
    const char *body = status == 200 ? "halfopen\n" : http_status_words(status);
    request->status = status;
    http_add_response(answer, status, headers, body);
    return REQUEST_ANSWERED;
}

/* The first one offered, or NULL; the caller frees. */
static char *first_protocol(const struct http_head *head)
{
    struct http_text list, element;
    if (!http_header(head, "Sec-WebSocket-Protocol", &list) ||
        !http_list_next(&list, ',', &element))
        return NULL;
    return http_text_copy(element);
}

static enum request_progress upgrade(struct server_request *request, const struct http_head *head,
                                     struct http_text key, struct text *answer)
{
    char *written_key = http_text_copy(key);
    char *protocol = first_protocol(head);
    request->status = 101;
    upgrade_add_switch(answer, written_key, protocol, NULL, NULL);
    free(written_key);
    free(protocol);
    return REQUEST_UPGRADE;
}

static bool is_page(struct http_text target)
{
    static const char *const pages[] = {"/", "/healthz"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (target.len == strlen(pages[i]) && memcmp(target.chars, pages[i], target.len) == 0)
            return true;
    return false;
}

static enum request_progress respond_plain(struct server_request *request,
                                           const struct http_head *head, struct text *answer)
{
    if (!http_text_is(head->method, "GET"))
        return respond(request, 404, NULL, answer);
    if (is_page(head->target))
        return respond(request, 200, NULL, answer);
    return respond(request, 426, "Upgrade: websocket\r\n", answer);
}

static enum request_progress judge(struct server_request *request, const struct http_head *head,
                                   struct text *answer)
{
    struct upgrade_request asked;
    upgrade_read_request(head, &asked);
    if (!asked.asks)
        return respond_plain(request, head, answer);
    if (asked.valid)
        return upgrade(request, head, asked.key, answer);
    if (asked.wrong == UPGRADE_BAD_VERSION) /* RFC 6455 4.2.2, 4.4 */
        return respond(request, 426, "Sec-WebSocket-Version: 13\r\n", answer);
    return respond(request, 400, NULL, answer);
}

enum request_progress server_request_input(struct server_request *request, const uint8_t *bytes,
                                           size_t len, size_t *used, struct text *answer)
{
    switch (http_reader_feed(request->reader, bytes, len, used)) {
    case HTTP_MORE:
        return REQUEST_MORE;
    case HTTP_COMPLETE:
        return judge(request, http_reader_head(request->reader), answer);
    case HTTP_NOT_HTTP:
        return respond(request, 400, NULL, answer);
    case HTTP_TOO_LONG:
        return respond(request, 431, NULL, answer);
    }
    return REQUEST_ANSWERED;
}
