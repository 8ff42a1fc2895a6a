#include "endpoint/login.h"

#include <inttypes.h>
#include <string.h>

#define HEAD_AND_CLAIMS "eyJhbGciOiJub25lIn0.eyJzdWIiOiJoYWxmb3BlbiJ9."

/* What is wrong is who asks, or what with. */
static const uint16_t refusing_codes[] = {1008, 3000, 3003, 4401, 4403};

void login_init(struct login *login, const struct client_policy *policy)
{
    *login = (struct login){.policy = policy, .serial = 1};
}

static enum authenticates way(const struct login *login)
{
    bool again = login->policy->authenticates_again || login->connections == 0;
    return again ? (enum authenticates)login->policy->authenticates : AUTHENTICATES_NOT;
}

static void add_token(const struct login *login, struct text *out)
{
    text_addf(out, HEAD_AND_CLAIMS "%" PRIu64, login->serial);
}

void login_add_to_request(const struct login *login, struct text *target, struct text *headers)
{
    switch (way(login)) {
    case AUTHENTICATES_NOT:
    case AUTHENTICATES_BY_MESSAGE:
        return;
    case AUTHENTICATES_BY_QUERY:
        text_addf(target, "%caccess_token=", strchr(text_chars(target), '?') ? '&' : '?');
        add_token(login, target);
        return;
    case AUTHENTICATES_BY_HEADER:
        text_add(headers, "Authorization: Bearer ");
        break;
    case AUTHENTICATES_BY_COOKIE:
        text_add(headers, "Cookie: session=");
        break;
    }
    add_token(login, headers);
    text_add(headers, "\r\n");
}

void login_open(struct login *login, struct text *message)
{
    login->waiting = way(login) == AUTHENTICATES_BY_MESSAGE;
    login->connections++;
    if (!login->waiting)
        return;
    text_add(message, "{\"type\":\"auth\",\"token\":\"");
    add_token(login, message);
    text_add(message, "\"}");
}

bool login_done(const struct login *login)
{
    return !login->waiting || !login->policy->waits_for_ack;
}

bool login_is_acknowledged(struct login *login, const uint8_t *bytes, size_t len)
{
    bool ack = login->waiting && bytes && len == strlen(LOGIN_ANSWER) &&
               memcmp(bytes, LOGIN_ANSWER, len) == 0;
    login->waiting = login->waiting && !ack;
    return ack;
}

/* Refused once, the token may have run out; refused again with a fresh one, it is something else.
 */
static void refused(struct login *login, struct comeback *comeback)
{
    const struct client_policy *policy = login->policy;
    if (policy->authenticates == AUTHENTICATES_NOT)
        return;
    login->refusals++;
    if (policy->refused_retry > 0)
        *comeback = (struct comeback){.exactly = policy->refused_retry};
    else if (login->refusals == 1)
        *comeback = (struct comeback){0};
    login->serial += policy->refused_retry == 0;
}

void login_closed(struct login *login, uint16_t code, struct comeback *comeback)
{
    for (size_t i = 0; i < sizeof refusing_codes / sizeof *refusing_codes; i++)
        if (refusing_codes[i] == code)
            refused(login, comeback);
}

void login_answered(struct login *login, int status, struct comeback *comeback)
{
    if (status == 401 || status == 403)
        refused(login, comeback);
}

void login_stable(struct login *login)
{
    login->refusals = 0;
}
