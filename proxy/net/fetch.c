#include "net/fetch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ws/http.h"

struct fetch {
    struct timer patience; /* must stay first */
    struct loop *loop;
    struct peer *peer; /* NULL: the name was not found */
    char *request;
    size_t request_len, sent;
    struct http_reader *head;
    struct http_body framing;
    bool head_done;
    int status;
    struct text body;
    void (*on_done)(void *context, int status, const char *body, size_t len, const char *why);
    void *context;
    const char *why; /* of a request that failed before it began */
};

void fetch_cancel(struct fetch *fetch)
{
    if (!fetch)
        return;
    loop_timer_set(fetch->loop, &fetch->patience, NEVER);
    if (fetch->peer)
        peer_forget(fetch->peer);
    http_reader_free(fetch->head);
    text_fini(&fetch->body);
    free(fetch->request);
    free(fetch);
}

/* Last thing anybody does with it. */
static void finish(struct fetch *fetch, const char *why)
{
    fetch->on_done(fetch->context, *why ? 0 : fetch->status, text_chars(&fetch->body),
                   fetch->body.len, why);
    fetch_cancel(fetch);
}

static void on_patience_over(struct timer *timer, nsec now)
{
    struct fetch *fetch = (struct fetch *)timer;
    (void)now;
    finish(fetch, fetch->why ? fetch->why : "it did not answer in time");
}

/* --- Sending --- */

static void send_more(struct fetch *fetch)
{
    fetch->sent +=
        peer_write(fetch->peer, fetch->request + fetch->sent, fetch->request_len - fetch->sent);
}

static void on_ready(struct peer *peer)
{
    send_more(peer_owner(peer));
}

static void on_failed(struct peer *peer, const char *how)
{
    struct fetch *fetch = peer_owner(peer);
    char *why = xprintf("no connection: %s", how);
    finish(fetch, why);
    free(why);
}

/* --- The answer --- */

static void take_body(struct fetch *fetch, const uint8_t *bytes, size_t len)
{
    size_t part = http_body_feed(&fetch->framing, bytes, len);
    size_t space = FETCH_BODY_LIMIT - fetch->body.len;
    text_add_bytes(&fetch->body, (const char *)bytes, part < space ? part : space);
}

static bool is_whole(const struct fetch *fetch)
{
    return fetch->head_done &&
           (http_body_is_done(&fetch->framing) || fetch->body.len == FETCH_BODY_LIMIT);
}

/* false: what came is no answer. */
static bool take_head(struct fetch *fetch, const uint8_t *bytes, size_t len, size_t *taken)
{
    enum http_read read = http_reader_feed(fetch->head, bytes, len, taken);
    if (read == HTTP_MORE)
        return true;
    if (read != HTTP_COMPLETE)
        return false;
    const struct http_head *head = http_reader_head(fetch->head);
    fetch->status = head->status;
    if (http_is_interim(head)) {
        http_reader_reset(fetch->head);
        return true;
    }
    http_body_response(&fetch->framing, head, HTTP_ASKED_OTHER);
    fetch->head_done = true;
    return true;
}

static void on_data(struct peer *peer, const uint8_t *bytes, size_t len)
{
    struct fetch *fetch = peer_owner(peer);
    while (len > 0 && !fetch->head_done) {
        size_t taken = 0;
        if (!take_head(fetch, bytes, len, &taken)) {
            finish(fetch, "what answered does not speak HTTP");
            return;
        }
        bytes += taken;
        len -= taken;
    }
    if (fetch->head_done)
        take_body(fetch, bytes, len);
    if (is_whole(fetch))
        finish(fetch, "");
}

static void on_end(struct peer *peer, enum io_result how)
{
    struct fetch *fetch = peer_owner(peer);
    bool whole = fetch->head_done && fetch->framing.framing == HTTP_UNTIL_CLOSE && how == IO_EOF;
    finish(fetch, whole ? "" : "the connection ended before the answer");
}

static const struct peer_ops ops = {.on_open = on_ready,
                                    .on_failed = on_failed,
                                    .on_data = on_data,
                                    .on_writable = on_ready,
                                    .on_end = on_end};

struct fetch *fetch_start(struct loop *loop, struct dialer *dialer,
                          const struct fetch_request *request)
{
    struct fetch *fetch = xcalloc(1, sizeof *fetch);
    struct text head;
    text_init(&head);
    text_addf(&head,
              "%s %s HTTP/1.%d\r\nHost: %s\r\nUser-Agent: halfopen\r\nContent-Length: 0\r\n"
              "Connection: close\r\n\r\n",
              request->method, request->target, request->http_1_1, request->authority);
    fetch->patience.on_due = on_patience_over;
    fetch->loop = loop;
    fetch->request_len = head.len;
    fetch->request = text_take(&head);
    fetch->head = http_reader_new(HTTP_RESPONSE);
    text_init(&fetch->body);
    fetch->on_done = request->on_done;
    fetch->context = request->context;
    fetch->peer =
        dialer_connect(dialer, request->host, request->port, NULL, &ops, fetch, &fetch->why);
    nsec patience = fetch->peer ? request->patience : 0;
    loop_timer_set(loop, &fetch->patience, nsec_add(loop_now(), patience));
    return fetch;
}
