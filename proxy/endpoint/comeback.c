#include "endpoint/comeback.h"

#include <stddef.h>

/* Codes that say "do not come back" (RULES RECON-15): what we are or sent will not be accepted. */
static const uint16_t fatal_codes[] = {1002, 1008, 1010, 3000, 3003, 4400, 4401, 4403};

static bool is_fatal(uint16_t code)
{
    for (size_t i = 0; i < sizeof fatal_codes / sizeof *fatal_codes; i++)
        if (fatal_codes[i] == code)
            return true;
    return false;
}

static struct comeback between(nsec earliest, nsec latest)
{
    return (struct comeback){.earliest = earliest, .latest = latest};
}

struct comeback comeback_after_close(const struct client_policy *policy, uint16_t code)
{
    if (code == 1000)
        return (struct comeback){.never = !policy->reconnects_after_normal};
    if (!policy->heeds_close_codes)
        return (struct comeback){0};
    if (is_fatal(code))
        return (struct comeback){.never = true};
    if (code == 1012) /* service restart: "a randomized delay of 5 - 30s" (IANA, hybi list) */
        return between(5 * NSEC_PER_SEC, 30 * NSEC_PER_SEC);
    if (code == 1013) /* try again later, and not soon */
        return between(31 * NSEC_PER_SEC, 45 * NSEC_PER_SEC);
    return (struct comeback){0};
}

struct comeback comeback_after_status(const struct client_policy *policy, int status,
                                      nsec retry_after)
{
    if (!policy->heeds_status)
        return (struct comeback){0};
    if (retry_after != RETRY_AFTER_ABSENT) /* spread: all were told the same moment */
        return between(nsec_add(retry_after, NSEC_PER_SEC / 10),
                       nsec_add(retry_after, 2 * NSEC_PER_SEC));
    bool passing = status == 408 || status == 425 || status == 429;
    if (status < 400 || status > 499 || passing)
        return (struct comeback){0};
    double cap = nsec_to_seconds(policy->backoff_cap);
    return between(nsec_from_seconds(cap * policy->jitter_low),
                   nsec_from_seconds(cap * policy->jitter_high));
}

nsec comeback_delay(struct comeback comeback, const struct client_policy *policy, uint64_t failures,
                    struct rng *rng)
{
    if (comeback.exactly > 0)
        return comeback.exactly;
    nsec backoff = client_policy_delay(policy, failures, rng);
    nsec told = comeback.latest > 0 ? rng_between(rng, comeback.earliest, comeback.latest) : 0;
    return nsec_max(backoff, told);
}
