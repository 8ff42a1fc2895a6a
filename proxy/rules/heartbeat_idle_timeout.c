/* heartbeat.idle_timeout: no silence is long enough for an intermediary to end the connection. */
#include "rules/lib/idle.h"
#include "rules/lib/words.h"

#define ROOM 0.75 /* share of the timeout that passes: one late beat is forgiven */

struct config {
    nsec timeout;
};

static const struct param params[] = {
    P_DURATION(
        config, timeout, .def = "", .min = "10ms", .max = "24h",
        .doc = "idle timeout to judge against where no fault with an idle timer is at work; left "
               "out: that of behind in the target file, else the policy's"),
    P_END,
};

static nsec room(const struct trace *trace, nsec timeout)
{
    (void)trace;
    return (nsec)(ROOM * (double)timeout);
}

static nsec enough(const struct trace *trace, const struct idle_sight *sight)
{
    (void)trace;
    return nsec_add(sight->timer.timeout, sight->timer.timeout);
}

static void add_life(struct text *out, const struct trace *trace, const struct idle_sight *sight,
                     const struct tally *tally)
{
    nsec timeout = sight->timer.timeout;
    text_add(out, " never silent for longer than ");
    tally_add_range(tally, out);
    words_add_time(out, "; a proxy that waits ", timeout, "");
    if (sight->show == IDLE_ROOMY)
        words_add_time(out, " asks for at most ", room(trace, timeout), "");
    else
        text_add(out, " ends it when one beat is late");
}

static void add_fix(struct finding *finding, const struct trace *trace,
                    const struct idle_sight *sight)
{
    struct text often;
    (void)trace;
    text_init(&often);
    words_add_time(&often, "", sight->timer.timeout / 2, "");
    finding_fix(finding,
                "send a heartbeat at least every %s while the connection is idle, so that one may "
                "be late or lost; or raise the idle timeout of the proxy",
                text_chars(&often));
    text_fini(&often);
}

static const struct idle_rule idle_rule = {
    .room = room, .enough = enough, .add_life = add_life, .add_fix = add_fix};

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    idle_judge(&idle_rule, trace, cfg->timeout, out);
}

const struct rule_desc heartbeat_idle_timeout_rule = {
    .name = "heartbeat.idle_timeout",
    .id = "HEART-05",
    .title = "Faster than idle timeouts",
    .brief = "heartbeats keep idle connections alive through proxies",
    .doc =
        "Provoked by the fault idle_timeout, which ends a connection that was silent for too long, "
        "as proxies and load balancers do, while the application is left alone. Observed is the "
        "longest silence of the connection, or of each direction where the fault counts them "
        "apart. Allowed is three quarters of the timeout, so that one beat may be late; up to the "
        "timeout is a warning, and a connection that was cut is a failure. Without such a fault "
        "the silence is judged against the policy's idle timeout. A connection that only lives on "
        "traffic which happens to come shows nothing: it takes a heartbeat that is recognised. The "
        "remedy is a heartbeat at half the timeout or faster.",
    .source = "RFC 6455 5.5.2",
    .example = "heartbeat.idle_timeout: {timeout: 60s}",
    .level = MUST,
    .applies = APPLIES_CLIENT | APPLIES_SERVER | APPLIES_PATH,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};
