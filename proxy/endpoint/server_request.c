#include "endpoint/server_request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/compress.h"
#include "ws/http.h"
#include "ws/upgrade.h"

struct server_request {
    struct http_reader *reader;
    int status;
    bool deflates;
    struct text extensions; /* of the answer */
};

#define CLIENT_WINDOW_BITS 10 /* a small one: whether the client heeds it shows soon */

struct server_request *server_request_new(void)
{
    struct server_request *request = xcalloc(1, sizeof *request);
    request->reader = http_reader_new(HTTP_REQUEST);
    text_init(&request->extensions);
    return request;
}

void server_request_free(struct server_request *request)
{
    if (!request)
        return;
    http_reader_free(request->reader);
    text_fini(&request->extensions);
    free(request);
}

void server_request_deflate(struct server_request *request)
{
    request->deflates = true;
}

const char *server_request_extensions(const struct server_request *request)
{
    return text_chars(&request->extensions);
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

/* RFC 7692 7.1: what was asked of us is granted, and of the client is asked what tells whether it
 * keeps to an agreement. A window that is too small for us is declined. */
static void agree(struct server_request *request, const struct http_head *head)
{
    struct upgrade_deflate_offer offer;
    char *offered = http_header_copy(head, "Sec-WebSocket-Extensions");
    bool made = upgrade_read_deflate_offer(offered, &offer);
    free(offered);
    if (!request->deflates || !made || offer.server_max_window_bits < COMPRESS_WINDOW_MIN)
        return;
    int bits = offer.client_max_window_bits < CLIENT_WINDOW_BITS ? offer.client_max_window_bits
                                                                 : CLIENT_WINDOW_BITS;
    text_add(&request->extensions, "permessage-deflate; client_no_context_takeover");
    if (offer.client_bits)
        text_addf(&request->extensions, "; client_max_window_bits=%d", bits);
    if (offer.server_max_window_bits < DEFLATE_WINDOW_MAX)
        text_addf(&request->extensions, "; server_max_window_bits=%d",
                  offer.server_max_window_bits);
    if (offer.server_no_context_takeover)
        text_add(&request->extensions, "; server_no_context_takeover");
}

static enum request_progress upgrade(struct server_request *request, const struct http_head *head,
                                     struct http_text key, struct text *answer)
{
    char *written_key = http_text_copy(key);
    char *protocol = first_protocol(head);
    request->status = 101;
    agree(request, head);
    const char *extensions = server_request_extensions(request);
    upgrade_add_switch(answer, written_key, protocol, extensions[0] ? extensions : NULL, NULL);
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
