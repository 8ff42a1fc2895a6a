#include "endpoint/endpoint_policy.h"

#include <math.h>
#include <string.h>

/* Longer delays mean nothing; keeps 2^1000 a number that fits. */
#define LONGEST_DELAY_SECONDS 1e9

static const char *const growth_names[] = {"exponential", "linear", "constant", NULL};
static const char *const sends_as_names[] = {"text", "binary", "either", NULL};
static const char *const first_delay_names[] = {"backoff", "none", "uniform", NULL};

const struct param client_policy_params[] = {
    P_BOOL(client_policy, browser, .def = "false",
           .doc = "as a page in a browser: its heartbeat is a message, since it has no pings"),
    P_COUNT(client_policy, tabs, .def = "1", .min = "1", .max = "16",
            .doc = "open in so many tabs of one browser, each with a connection of its own"),
    P_DURATION(client_policy, ping, .def = "30s", .doc = "a ping this often while open; 0: never"),
    P_DURATION(client_policy, pong, .def = "10s",
               .doc = "silence after a ping that means the peer is dead; 0: not watched"),
    P_CHOICE(client_policy, growth, .def = "exponential", .choices = growth_names,
             .doc = "how the delay between attempts grows"),
    P_DURATION(client_policy, backoff_base, .def = "1s", .doc = "the first delay, before jitter"),
    P_DURATION(client_policy, backoff_cap, .def = "30s",
               .doc = "the longest delay, before jitter; 0: none"),
    P_RATIO(client_policy, backoff_factor, .def = "2", .min = "1", .max = "10",
            .doc = "each delay is the last one times this"),
    P_RATIO(client_policy, jitter_low, .def = "0.5", .min = "0", .max = "10",
            .doc = "delays are multiplied by a random number from this"),
    P_RATIO(client_policy, jitter_high, .def = "1.5", .min = "0", .max = "10", .doc = "to this"),
    P_BOOL(client_policy, jitter_before_cap, .def = "false",
           .doc = "jitter first, cap afterwards: at the cap no jitter is left"),
    P_CHOICE(client_policy, first_delay, .def = "backoff", .choices = first_delay_names,
             .doc = "the law of the first delay after a loss"),
    P_DURATION(client_policy, first_delay_limit, .def = "5s",
               .doc = "longest first delay when it is uniform"),
    P_DURATION(client_policy, stable_after, .def = "5s",
               .doc = "a connection this old resets the backoff"),
    P_DURATION(client_policy, connect_timeout, .def = "20s",
               .doc = "for connecting and the upgrade together; 0: none"),
    P_BOOL(client_policy, closes_abandoned, .def = "true",
           .doc = "closes the socket of an attempt that it gives up"),
    P_DURATION(client_policy, close_timeout, .def = "10s",
               .doc = "for the closing handshake; 0: none"),
    P_DURATION(client_policy, tcp_keepalive, .def = "0s",
               .doc =
                   "TCP gives a peer up that acknowledges nothing for so long; 0: it is not asked"),
    P_BOOL(client_policy, any_address, .def = "true",
           .doc = "tries all addresses of the name in each attempt, not only the one that worked"),
    P_COUNT(client_policy, retry_limit, .def = "0",
            .doc = "failures in a row after which it gives up; 0: never"),
    P_BOOL(client_policy, tells_user, .def = "true", .doc = "says so when it gives up"),
    P_BOOL(client_policy, reconnects, .def = "true", .doc = "comes back after a loss"),
    P_BOOL(client_policy, reconnects_after_normal, .def = "false",
           .doc = "comes back even after the server closed with 1000"),
    P_BOOL(client_policy, heeds_close_codes, .def = "true",
           .doc = "stays away after fatal close codes, waits longer after 1012 and 1013"),
    P_BOOL(client_policy, heeds_status, .def = "true",
           .doc = "heeds Retry-After and retries a 4xx at the cap"),
    P_RATE(client_policy, rate, .def = "0B/s", .doc = "messages produced; 0: never sends"),
    P_SIZE(client_policy, message_size, .def = "256B", .min = "64B", .max = "1MiB",
           .doc = "size of each message"),
    P_CHOICE(client_policy, sends_as, .def = "text", .choices = sends_as_names,
             .doc = "the frames its messages go in; either: one after the other"),
    P_BOOL(client_policy, sends_utf8, .def = "true", .doc = "all of its messages are UTF-8"),
    P_SIZE(client_policy, gathers, .def = "0B",
           .doc = "gathers what it sends until a message is at least so large"),
    P_SIZE(client_policy, send_buffer, .def = "1MiB",
           .doc = "unsent bytes at which production pauses; 0: no bound"),
    P_COUNT(client_policy, queue_messages, .def = "5000",
            .doc = "messages kept while disconnected; 0: no bound"),
    P_SIZE(client_policy, queue_bytes, .def = "4MiB",
           .doc = "bytes kept while disconnected; 0: no bound"),
    P_BOOL(client_policy, replays, .def = "true", .doc = "sends after reopening what was kept"),
    P_BOOL(client_policy, newest_first, .def = "false",
           .doc = "sends what was kept in the wrong order, newest first"),
    P_COUNT(
        client_policy, repeats_as_new, .def = "0", .max = "1000",
        .doc =
            "so many of the messages sent last on a lost connection are sent again, under new ids"),
    P_COUNT(client_policy, topics, .def = "0", .max = "2",
            .doc = "topics it subscribes to, once a connection is open"),
    P_BOOL(client_policy, resubscribes, .def = "true",
           .doc = "does so on every connection, not on its first alone"),
    P_BOOL(client_policy, resumes, .def = "true",
           .doc = "asks for the events it missed while it was away"),
    P_BOOL(client_policy, session, .def = "false", .doc = "has a session with the server"),
    P_BOOL(client_policy, keeps_session, .def = "true",
           .doc = "goes on with it on its next connection"),
    P_SIZE(client_policy, max_message, .def = "16MiB",
           .doc = "longest message accepted; 0: no bound"),
    P_BOOL(client_policy, answers_pings, .def = "true", .doc = "answers pings"),
    P_BOOL(client_policy, queues_pongs, .def = "false",
           .doc =
               "keeps a pong for every ping while the peer reads none, not for the newest alone"),
    P_BOOL(client_policy, echo_close, .def = "true", .doc = "answers a Close with a Close"),
    P_BOOL(client_policy, closes_politely, .def = "true",
           .doc = "ends with a Close frame, not with a bare FIN"),
    P_BOOL(client_policy, token_in_url, .def = "false",
           .doc = "puts its token into the URL, the same one each time"),
    P_BOOL(client_policy, masks, .def = "true", .doc = "masks its frames"),
    P_BOOL(client_policy, verifies, .def = "true",
           .doc = "refuses certificates nobody vouches for"),
    P_BOOL(client_policy, checks_answer, .def = "true",
           .doc = "refuses an answer to the handshake that is no 101 for its request"),
    P_BOOL(client_policy, keeps_early, .def = "true",
           .doc = "reads what comes in one segment with the 101"),
    P_BOOL(client_policy, deflate, .def = "false", .doc = "offers permessage-deflate"),
    P_BOOL(client_policy, heeds_deflate, .def = "true",
           .doc = "compresses with the window and the context that were agreed on"),
    P_BOOL(client_policy, checks_deflate, .def = "true",
           .doc = "refuses compressed messages that do not inflate"),
    P_BOOL(client_policy, limits_inflated, .def = "true",
           .doc = "max_message holds for what a message inflates to, while it is inflated"),
    P_BOOL(client_policy, reads_plain, .def = "true",
           .doc = "takes uncompressed messages too where compression was agreed on"),
    P_BOOL(client_policy, reassembles, .def = "true",
           .doc = "puts frames together from what several reads bring, and takes several from one"),
    P_BOOL(client_policy, checks_frames, .def = "true",
           .doc = "refuses frames that the protocol forbids"),
    P_BOOL(client_policy, checks_text, .def = "true", .doc = "refuses text that is no UTF-8"),
    P_BOOL(client_policy, checks_closes, .def = "true",
           .doc = "refuses a Close whose code or length is illegal"),
    P_COUNT(client_policy, failure_code, .def = "0", .max = "4999",
            .doc = "closes with this code whatever was wrong; 0: with the one that fits"),
    P_BOOL(client_policy, silent_after_close, .def = "true",
           .doc = "sends no data once its Close is out"),
    P_BOOL(client_policy, waits_for_open, .def = "true",
           .doc = "sends no data before the handshake is complete"),
    P_BOOL(client_policy, explains_closes, .def = "true", .doc = "closes with a code and a reason"),
    P_BOOL(client_policy, closes_for_good, .def = "true",
           .doc = "stays away after its application has closed"),
    P_CHOICE(client_policy, authenticates, .def = "none", .choices = authenticates_names,
             .doc = "how it says who it is: in the first message, or in each request"),
    P_BOOL(client_policy, waits_for_ack, .def = "true",
           .doc = "sends nothing else until its first message is acknowledged"),
    P_BOOL(client_policy, authenticates_again, .def = "true",
           .doc = "authenticates on every connection, not on the first alone"),
    P_DURATION(client_policy, refused_retry, .def = "0s",
               .doc = "comes back so long after its token was refused, with the same; 0: with a "
                      "fresh one, once"),
    P_DURATION(client_policy, token_life, .def = "0s",
               .doc = "how long each of its tokens is valid; 0: they do not expire"),
    P_BOOL(client_policy, renews, .def = "true",
           .doc = "takes a fresh token before its own expires, and authenticates anew"),
    P_BOOL(client_policy, fresh_mask_keys, .def = "true", .doc = "a new random key for each frame"),
    P_BOOL(client_policy, own_seed, .def = "true",
           .doc = "random numbers differ from those of other clients"),
    P_END,
};

const struct param server_policy_params[] = {
    P_BOOL(server_policy, echo, .def = "false", .doc = "sends each message back"),
    P_BOOL(server_policy, deflate, .def = "false",
           .doc = "agrees to permessage-deflate; every third message goes uncompressed"),
    P_DURATION(server_policy, says, .def = "0s",
               .doc = "a message of its own this often, a JSON object; 0: never"),
    P_DURATION(server_policy, publishes, .def = "0s",
               .doc = "a numbered event this often, to whom subscribed; 0: never"),
    P_BOOL(server_policy, sessions, .def = "false", .doc = "gives each client a session"),
    P_DURATION(server_policy, ping, .def = "0s", .doc = "a ping this often; 0: never"),
    P_DURATION(server_policy, pong, .def = "10s",
               .doc = "silence after a ping that means the client is dead; 0: not watched"),
    P_DURATION(server_policy, request_timeout, .def = "10s",
               .doc = "for the whole request head; 0: none"),
    P_DURATION(server_policy, close_timeout, .def = "10s",
               .doc = "for the closing handshake; 0: none"),
    P_SIZE(server_policy, send_buffer, .def = "1MiB",
           .doc = "unsent bytes at which it stops reading; 0: no bound"),
    P_SIZE(server_policy, max_message, .def = "16MiB",
           .doc = "longest message accepted; 0: no bound"),
    P_BOOL(server_policy, answers_pings, .def = "true", .doc = "answers pings"),
    P_BOOL(server_policy, echo_close, .def = "true", .doc = "answers a Close with a Close"),
    P_END,
};

void client_policy_defaults(struct client_policy *policy)
{
    memset(policy, 0, sizeof *policy);
    param_defaults(client_policy_params, policy);
}

void server_policy_defaults(struct server_policy *policy)
{
    memset(policy, 0, sizeof *policy);
    param_defaults(server_policy_params, policy);
}

static double grown_seconds(const struct client_policy *policy, uint64_t failures)
{
    double base = nsec_to_seconds(policy->backoff_base);
    switch ((enum backoff_growth)policy->growth) {
    case GROWTH_EXPONENTIAL:
        return base * pow(policy->backoff_factor, (double)(failures - 1));
    case GROWTH_LINEAR:
        return base * (double)failures;
    case GROWTH_CONSTANT:
        return base;
    }
    return base;
}

static double capped(const struct client_policy *policy, double seconds)
{
    double cap =
        policy->backoff_cap > 0 ? nsec_to_seconds(policy->backoff_cap) : LONGEST_DELAY_SECONDS;
    return seconds < cap ? seconds : cap;
}

nsec client_policy_delay(const struct client_policy *policy, uint64_t failures, struct rng *rng)
{
    if (failures <= 1 && policy->first_delay == FIRST_DELAY_NONE)
        return 0;
    if (failures <= 1 && policy->first_delay == FIRST_DELAY_UNIFORM)
        return rng_between(rng, 0, policy->first_delay_limit);
    double jitter = rng_uniform(rng, policy->jitter_low, policy->jitter_high);
    double grown = grown_seconds(policy, failures > 0 ? failures : 1);
    if (policy->jitter_before_cap)
        return nsec_from_seconds(capped(policy, grown * jitter));
    return nsec_from_seconds(capped(policy, grown) * jitter);
}
