#include "rules/lib/refusals.h"

#include <stdlib.h>

#include "base/mem.h"
#include "trace/close_codes.h"

static const uint64_t refusing_codes[] = {1008, 3000, 3003, 4401, 4403};

static bool code_refuses(uint64_t code)
{
    for (size_t i = 0; i < sizeof refusing_codes / sizeof *refusing_codes; i++)
        if (refusing_codes[i] == code)
            return true;
    return false;
}

/* What the server's authors say of their code goes first. */
bool ending_is_refusal(const struct endings *endings, size_t of)
{
    const struct ending *ending = &endings->list[of];
    if (ending->at == NEVER)
        return false;
    if (ending->close)
        return code_refuses(ending->close->ws_close.code) &&
               !close_code_is_retry(&endings->close_codes, ending->close->ws_close.code);
    return ending->status == 401 || ending->status == 403;
}

/* --- What came next --- */

static void count(struct retrials *out, enum renewal renewal, nsec wait)
{
    out->same += renewal == RENEWAL_NONE;
    out->renewed += renewal == RENEWAL_DONE;
    out->unseen += renewal == RENEWAL_UNSEEN;
    if (renewal == RENEWAL_NONE)
        out->shortest = nsec_min(out->shortest, wait);
}

struct retrials retrials_of(const struct endings *endings, const struct credentials *all, size_t of,
                            size_t end, nsec until)
{
    uint32_t refused = endings->list[of].attempt.conn;
    nsec since = endings->list[of].at;
    struct retrials out = {.shortest = NEVER, .to = endings->list[of].attempt.to};
    for (size_t i = of + 1; i < end; i++) {
        const struct ending *next = &endings->list[i];
        if (next->attempt.start < since || next->attempt.start > until)
            continue;
        count(&out, credentials_renewal(all, refused, next->attempt.conn),
              next->attempt.start - since);
        out.to = next->attempt.to;
        since = next->at == NEVER ? next->attempt.start : next->at;
        if (ending_is_refusal(endings, i) && credentials_first_certain(all, next->attempt.conn))
            refused = next->attempt.conn;
    }
    return out;
}

bool ending_is_followed_by_renewal(const struct endings *endings, const struct credentials *all,
                                   size_t of)
{
    size_t end = endings_of_client_end(endings, of);
    nsec at = endings->list[of].at;
    for (size_t i = of + 1; i < end; i++)
        if (endings->list[i].attempt.start >= at)
            return credentials_renewal(all, endings->list[of].attempt.conn,
                                       endings->list[i].attempt.conn) == RENEWAL_DONE;
    return false;
}

/* --- Client by client --- */

/* NULL: it was not refused. */
static const struct ending *first_of(const struct endings *endings, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        if (ending_is_refusal(endings, i))
            return &endings->list[i];
    return NULL;
}

/* A Close is told to everybody. */
static bool is_hidden(const struct ending *ending, const struct trace *trace)
{
    return !ending->close && (ending->browser || !trace->policy.sees_status);
}

static struct refusal look(const struct trace *trace, const struct endings *endings,
                           const struct credentials *all, const struct ending *ending, size_t end,
                           nsec watch)
{
    nsec told = ending->close ? ending->close->at : ending->at, until = nsec_add(told, watch);
    const struct ending *last = &endings->list[end - 1];
    size_t of = (size_t)(ending - endings->list);
    return (struct refusal){.ending = ending,
                            .shown = credentials_first_certain(all, ending->attempt.conn) != NULL,
                            .after = retrials_of(endings, all, of, end, until),
                            .whole = last->watched >= until - trace->noise || last->exit};
}

void refusals_of(const struct trace *trace, const struct endings *endings,
                 const struct credentials *all, nsec watch, struct refusals *out)
{
    *out = (struct refusals){.list = xcalloc(endings->count + 1, sizeof *out->list)};
    for (size_t first = 0, end; first < endings->count; first = end) {
        end = endings_of_client_end(endings, first);
        const struct ending *ending = first_of(endings, first, end);
        if (!ending)
            continue;
        struct refusal refusal = look(trace, endings, all, ending, end, watch);
        if (is_hidden(ending, trace))
            out->hidden++;
        else if (!refusal.shown && (!ending->close || !trace_declares(trace, DECLARES_AUTH)))
            out->bare++;
        else
            out->list[out->count++] = refusal;
    }
}

void refusals_fini(struct refusals *refusals)
{
    free(refusals->list);
    *refusals = (struct refusals){0};
}

void refusals_say_none(const struct refusals *refusals, const struct trace *trace,
                       const struct endings *endings, struct findings *out)
{
    if (refusals->bare > 0 && !trace_declares(trace, DECLARES_AUTH))
        finding_lacks(out, declaration_missing(DECLARES_AUTH, trace->declares));
    else if (refusals->bare > 0)
        (void)finding_add(out, NOT_APPLICABLE,
                          "the handshakes that were refused carried no credential: the client "
                          "authenticates later, in a message");
    else if (refusals->hidden > 0)
        (void)finding_add(out, NOT_APPLICABLE,
                          "a browser does not tell its script the status of a handshake that "
                          "failed");
    else if (endings->count == 0 && endings->builtin)
        finding_own_client(out);
    else
        (void)finding_add(out, INCONCLUSIVE,
                          "no client was refused: no 401 or 403 came, and no Close with 1008, "
                          "3000, 3003, 4401 or 4403 on an open connection");
}
