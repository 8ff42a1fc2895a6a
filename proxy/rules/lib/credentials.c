#include "rules/lib/credentials.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define LONGEST_LIFE (2000000000 * NSEC_PER_SEC) /* nobody writes a longer one */

/* --- What a connection shows --- */

/* engine.io's session of its polling, which some connections have and others need not. */
static bool is_polling_session(const struct event *ev)
{
    return strcmp(ev->http_credential.place, "query") == 0 &&
           strcasecmp(ev->http_credential.name, "sid") == 0;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t len = strlen(name), ending_len = strlen(ending);
    return len >= ending_len && strcasecmp(name + len - ending_len, ending) == 0;
}

/* What is sent with every request, whoever asks: the credential may be another, in a message. */
static bool goes_along(const struct event *ev)
{
    const char *place = ev->http_credential.place;
    return strcmp(place, "cookie") == 0 ||
           (strcmp(place, "query") == 0 && ends_with(ev->http_credential.name, "key"));
}

/* PHPSESSID, connect.sid */
static bool is_named(const struct event *ev)
{
    const char *place = ev->http_credential.place, *name = ev->http_credential.name;
    bool cookie = strcmp(place, "cookie") == 0;
    bool listed = ev->http_credential.listed || (cookie && ends_with(name, "sid"));
    return listed && (cookie || strcmp(place, "query") == 0) && !is_polling_session(ev);
}

static bool is_one(const struct event *ev)
{
    if (ev->by != BY_ENDPOINT || ev->side == SIDE_SERVER)
        return false;
    if (ev->kind == EV_WS_AUTH)
        return strcmp(ev->ws_auth.what, "auth") == 0;
    return ev->kind == EV_HTTP_CREDENTIAL &&
           (is_named(ev) || ev->http_credential.listed ||
            strcmp(ev->http_credential.shape, "word") != 0 ||
            strcmp(ev->http_credential.place, "authorization") == 0);
}

static int by_conn(const void *a, const void *b)
{
    const struct event *x = *(const struct event *const *)a, *y = *(const struct event *const *)b;
    if (x->conn != y->conn)
        return x->conn < y->conn ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static bool is_data(const struct event *ev)
{
    const char *kind = ev->kind == EV_WS_FRAME ? ev->ws_frame.kind : ev->ws_message.kind;
    return ev->side == SIDE_CLIENT && ev->by == BY_ENDPOINT && !*kind;
}

static bool client_speaks(const struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        if (event_is_message(&trace->events[i]) && is_data(&trace->events[i]))
            return true;
    return false;
}

void credentials_of(const struct trace *trace, struct credentials *out)
{
    *out = (struct credentials){0};
    for (size_t i = 0; i < trace->count; i++)
        out->count += is_one(&trace->events[i]);
    out->list = xcalloc(out->count + 1, sizeof *out->list);
    out->count = 0;
    for (size_t i = 0; i < trace->count; i++)
        if (is_one(&trace->events[i]))
            out->list[out->count++] = &trace->events[i];
    qsort(out->list, out->count, sizeof *out->list, by_conn);
    out->unread = !trace_declares(trace, DECLARES_AUTH) && client_speaks(trace);
}

void credentials_fini(struct credentials *all)
{
    free(all->list);
    *all = (struct credentials){0};
}

bool credential_is_certain(const struct credentials *all, const struct event *ev)
{
    if (credential_is_message(ev))
        return true;
    if (all->unread && goes_along(ev))
        return false;
    return strcmp(ev->http_credential.place, "authorization") == 0 ||
           strcmp(ev->http_credential.shape, "jwt") == 0 || is_named(ev);
}

bool credential_is_message(const struct event *ev)
{
    return ev->kind == EV_WS_AUTH;
}

const char *credential_hash(const struct event *ev)
{
    return credential_is_message(ev) ? ev->ws_auth.hash : ev->http_credential.hash;
}

bool credential_expires(const struct event *ev, nsec *at)
{
    bool message = credential_is_message(ev);
    nsec left = message ? ev->ws_auth.left : ev->http_credential.left;
    bool says = message ? ev->ws_auth.expires : ev->http_credential.expires;
    *at = nsec_add(ev->at, left);
    return says && left < LONGEST_LIFE && left > -LONGEST_LIFE;
}

/* The index of the first on that connection, or where it would be. */
static size_t begin_of(const struct credentials *all, uint32_t conn)
{
    size_t low = 0, high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->list[middle]->conn < conn)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct event *credentials_first(const struct credentials *all, uint32_t conn)
{
    size_t i = begin_of(all, conn);
    return i < all->count && all->list[i]->conn == conn ? all->list[i] : NULL;
}

const struct event *credentials_first_certain(const struct credentials *all, uint32_t conn)
{
    for (size_t i = begin_of(all, conn); i < all->count && all->list[i]->conn == conn; i++)
        if (credential_is_certain(all, all->list[i]))
            return all->list[i];
    return NULL;
}

const struct event *credentials_next(const struct credentials *all, const struct event *ev)
{
    for (size_t i = begin_of(all, ev->conn); i < all->count && all->list[i]->conn == ev->conn; i++)
        if (all->list[i]->seq > ev->seq)
            return all->list[i];
    return NULL;
}

bool credentials_have_message(const struct credentials *all, uint32_t conn, uint64_t seq)
{
    for (size_t i = begin_of(all, conn); i < all->count && all->list[i]->conn == conn; i++)
        if (credential_is_message(all->list[i]) && all->list[i]->ws_auth.frame == seq)
            return true;
    return false;
}

static bool shows(const struct credentials *all, uint32_t conn, const char *hash)
{
    for (size_t i = begin_of(all, conn); i < all->count && all->list[i]->conn == conn; i++)
        if (strcmp(credential_hash(all->list[i]), hash) == 0)
            return true;
    return false;
}

enum renewal credentials_renewal(const struct credentials *all, uint32_t before, uint32_t after)
{
    if (!credentials_first_certain(all, before) || !credentials_first_certain(all, after))
        return RENEWAL_UNSEEN;
    for (size_t i = begin_of(all, after); i < all->count && all->list[i]->conn == after; i++)
        if (credential_is_certain(all, all->list[i]) &&
            !shows(all, before, credential_hash(all->list[i])))
            return RENEWAL_DONE;
    return RENEWAL_NONE;
}
