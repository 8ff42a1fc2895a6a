/* permessage-deflate in the opening handshake (RFC 7692 7.1): what is offered, what is answered,
 * and whether the two fit. */
#include "ws/upgrade.h"

#include <string.h>

#define BITS_MIN 8
#define BITS_MAX 15

static struct http_text name_of(struct http_text element)
{
    struct http_text name = {"", 0};
    (void)http_list_next(&element, ';', &name); /* an element is never empty */
    return name;
}

static bool next_deflate(struct http_text *list, struct http_text *element)
{
    while (http_list_next(list, ',', element))
        if (http_text_is(name_of(*element), "permessage-deflate"))
            return true;
    return false;
}

/* --- Answers --- */

static bool read_flag(struct http_text value, bool *flag)
{
    bool right = !value.chars && !*flag;
    *flag = true;
    return right;
}

/* RFC 7692 7.1.2: a decimal from 8 to 15 without leading zeros, maybe quoted. */
static bool read_bits(struct http_text value, int *bits, bool *seen)
{
    bool again = *seen;
    *seen = true;
    if (value.len >= 2 && value.chars[0] == '"' && value.chars[value.len - 1] == '"')
        value = (struct http_text){value.chars + 1, value.len - 2};
    if (value.len == 0 || value.len > 2 || value.chars[0] == '0')
        return false;
    int number = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.chars[i] < '0' || value.chars[i] > '9')
            return false;
        number = number * 10 + (value.chars[i] - '0');
    }
    if (again || number < BITS_MIN || number > BITS_MAX)
        return false;
    *bits = number;
    return true;
}

struct bits_seen {
    bool client, server;
};

static bool read_parameter(struct http_text parameter, struct upgrade_deflate *out,
                           struct bits_seen *seen)
{
    struct http_text name = {"", 0}, value = {NULL, 0};
    (void)http_list_next(&parameter, '=', &name);  /* "=" alone: no name, unknown below */
    (void)http_list_next(&parameter, '=', &value); /* none: value.chars stays NULL */
    if (http_text_is(name, "client_no_context_takeover"))
        return read_flag(value, &out->client_no_context_takeover);
    if (http_text_is(name, "server_no_context_takeover"))
        return read_flag(value, &out->server_no_context_takeover);
    if (http_text_is(name, "client_max_window_bits")) {
        out->names_client_bits = true;
        return read_bits(value, &out->client_max_window_bits, &seen->client);
    }
    if (http_text_is(name, "server_max_window_bits"))
        return read_bits(value, &out->server_max_window_bits, &seen->server);
    return false;
}

static void read_parameters(struct http_text element, struct upgrade_deflate *out)
{
    struct bits_seen seen = {false, false};
    struct http_text parameter;
    (void)http_list_next(&element, ';', &parameter); /* the extension's name */
    out->on = true;
    while (http_list_next(&element, ';', &parameter))
        if (!read_parameter(parameter, out, &seen))
            out->wrong = true;
}

void upgrade_read_deflate(const char *extensions, struct upgrade_deflate *out)
{
    struct http_text list = {extensions, strlen(extensions)}, element;
    *out = (struct upgrade_deflate){.client_max_window_bits = BITS_MAX,
                                    .server_max_window_bits = BITS_MAX};
    if (next_deflate(&list, &element))
        read_parameters(element, out);
}

/* --- Offers --- */

/* client_max_window_bits needs no value here: the server may then name one. */
static void note_offered(struct http_text parameter, struct upgrade_deflate_offer *out)
{
    struct http_text name = {"", 0}, value = {NULL, 0};
    bool seen = false;
    (void)http_list_next(&parameter, '=', &name);
    (void)http_list_next(&parameter, '=', &value);
    if (http_text_is(name, "client_max_window_bits")) {
        out->client_bits = true;
        (void)read_bits(value, &out->client_max_window_bits, &seen); /* none, or none we know: 15 */
    } else if (http_text_is(name, "server_max_window_bits")) {
        (void)read_bits(value, &out->server_max_window_bits, &seen);
    } else if (http_text_is(name, "server_no_context_takeover")) {
        out->server_no_context_takeover = true;
    }
}

static void read_offer(struct http_text element, struct upgrade_deflate_offer *out)
{
    struct http_text parameter;
    *out = (struct upgrade_deflate_offer){.client_max_window_bits = BITS_MAX,
                                          .server_max_window_bits = BITS_MAX};
    (void)http_list_next(&element, ';', &parameter); /* the extension's name */
    while (http_list_next(&element, ';', &parameter))
        note_offered(parameter, out);
}

bool upgrade_read_deflate_offer(const char *extensions, struct upgrade_deflate_offer *out)
{
    struct http_text list = {extensions, strlen(extensions)}, element;
    bool found = next_deflate(&list, &element);
    if (found)
        read_offer(element, out);
    return found;
}

bool upgrade_deflate_fits(const char *offer, const char *answer)
{
    struct upgrade_deflate got;
    struct upgrade_deflate_offer offered;
    struct http_text list = {offer, strlen(offer)}, element;
    upgrade_read_deflate(answer, &got);
    if (!got.on || got.wrong)
        return !got.wrong;
    while (next_deflate(&list, &element)) {
        read_offer(element, &offered);
        if (got.server_max_window_bits <= offered.server_max_window_bits &&
            (offered.client_bits || !got.names_client_bits))
            return true;
    }
    return false;
}
