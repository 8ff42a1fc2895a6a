#include "endpoint/login.h"

#include <inttypes.h>
#include <string.h>

#define HEAD         "eyJhbGciOiJub25lIn0."
#define CLAIMS       "eyJzdWIiOiJoYWxmb3BlbiJ9." /* without an expiry */
#define RENEW_BEFORE (10 * NSEC_PER_SEC)         /* the expiry */

/* What is wrong is who asks, or what with. */
static const uint16_t refusing_codes[] = {1008, 3000, 3003, 4401, 4403};

static void take_token(struct login *login, nsec now)
{
    nsec life = login->policy->token_life;
    login->serial++;
    login->expires = life > 0 ? nsec_add(now, life) : NEVER;
}

void login_init(struct login *login, const struct client_policy *policy, nsec now)
{
    *login = (struct login){.policy = policy, .renew_at = NEVER};
    take_token(login, now);
}

static nsec stale_at(const struct login *login)
{
    bool renews = login->policy->renews && login->expires != NEVER;
    return renews ? login->expires - RENEW_BEFORE : NEVER;
}

static enum authenticates way(const struct login *login)
{
    bool again = login->policy->authenticates_again || login->connections == 0;
    return again ? (enum authenticates)login->policy->authenticates : AUTHENTICATES_NOT;
}

/* RFC 4648 5, without padding. */
static void add_base64url(const char *bytes, size_t len, struct text *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t three = 0;
        size_t count = len - i < 3 ? len - i : 3;
        for (size_t k = 0; k < 3; k++)
            three = three << 8 | (k < count ? (uint8_t)bytes[i + k] : 0u);
        for (size_t k = 0; k <= count; k++)
            text_addf(out, "%c", digits[three >> (18 - 6 * k) & 63]);
    }
}

static void add_token(const struct login *login, struct text *out)
{
    struct text claims;
    text_add(out, HEAD);
    if (login->expires == NEVER) {
        text_addf(out, CLAIMS "%" PRIu64, login->serial);
        return;
    }
    text_init(&claims);
    text_addf(&claims, "{\"sub\":\"halfopen\",\"exp\":%" PRId64 "}",
              login->policy->epoch + login->expires / NSEC_PER_SEC);
    add_base64url(text_chars(&claims), claims.len, out);
    text_fini(&claims);
    text_addf(out, ".%" PRIu64, login->serial);
}

void login_add_to_request(struct login *login, nsec now, struct text *target, struct text *headers)
{
    if (stale_at(login) <= now)
        take_token(login, now);
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

static void add_message(const struct login *login, struct text *message)
{
    text_add(message, "{\"type\":\"auth\",\"token\":\"");
    add_token(login, message);
    text_add(message, "\"}");
}

void login_open(struct login *login, nsec now, struct text *message)
{
    login->waiting = way(login) == AUTHENTICATES_BY_MESSAGE;
    login->connections++;
    if (!login->waiting)
        return;
    if (stale_at(login) <= now)
        take_token(login, now);
    login->renew_at = stale_at(login);
    add_message(login, message);
}

void login_lost(struct login *login)
{
    login->renew_at = NEVER;
}

nsec login_deadline(const struct login *login)
{
    return login->renew_at;
}

void login_renew(struct login *login, nsec now, struct text *message)
{
    take_token(login, now);
    login->renew_at = stale_at(login);
    add_message(login, message);
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
static void refused(struct login *login, nsec now, struct comeback *comeback)
{
    const struct client_policy *policy = login->policy;
    if (policy->authenticates == AUTHENTICATES_NOT)
        return;
    login->refusals++;
    if (policy->refused_retry > 0)
        *comeback = (struct comeback){.exactly = policy->refused_retry};
    else if (login->refusals == 1)
        *comeback = (struct comeback){0};
    if (policy->refused_retry == 0)
        take_token(login, now);
}

void login_closed(struct login *login, uint16_t code, nsec now, struct comeback *comeback)
{
    for (size_t i = 0; i < sizeof refusing_codes / sizeof *refusing_codes; i++)
        if (refusing_codes[i] == code)
            refused(login, now, comeback);
}

void login_answered(struct login *login, int status, nsec now, struct comeback *comeback)
{
    if (status == 401 || status == 403)
        refused(login, now, comeback);
}

void login_stable(struct login *login)
{
    login->refusals = 0;
}
