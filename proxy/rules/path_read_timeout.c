/* path.read_timeout: whoever ends idle connections on the path forgives one lost beat. */
#include "rules/lib/idle.h"
#include "rules/lib/words.h"

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

/* How long a path has to wait for connections on which so much silence is usual: the beat that is
 * lost, the next one, and its reply. */
static nsec needed(const struct trace *trace, nsec silence)
{
    return nsec_add(nsec_add(silence, silence), trace->policy.pong);
}

static nsec room(const struct trace *trace, nsec timeout)
{
    return (timeout - trace->policy.pong) / 2;
}

/* Without a heartbeat only the timeout itself shows anything. */
static nsec enough(const struct trace *trace, const struct idle_sight *sight)
{
    return sight->beat > 0 ? needed(trace, sight->beat) : sight->timer.timeout;
}

static const char *name_of(const struct idle_timer *timer)
{
    if (timer->origin == IDLE_AT_WORK)
        return "the path";
    return timer->name[0] != '\0' ? timer->name : "a path";
}

static void add_life(struct text *out, const struct trace *trace, const struct idle_sight *sight,
                     const struct tally *tally)
{
    const struct idle_timer *timer = &sight->timer;
    nsec wanted = needed(trace, nsec_max(sight->silence, sight->beat));
    text_add(out, " never silent for longer than ");
    tally_add_range(tally, out);
    text_addf(out, "; %s", name_of(timer));
    words_add_time(out, " waits ", timer->timeout, "");
    if (sight->show == IDLE_ROOMY)
        words_add_time(out, ", and ", wanted, " forgive a lost beat");
    else
        words_add_time(out, ", and only ", wanted, " would forgive a lost beat");
    if (timer->origin == IDLE_OF_POLICY)
        text_add(out,
                 " (the timeout is the policy's: the target file does not say what is behind)");
}

static void add_fix(struct finding *finding, const struct trace *trace,
                    const struct idle_sight *sight)
{
    nsec often = room(trace, sight->timer.timeout);
    struct text text;
    text_init(&text);
    if (often > 0)
        words_add_time(&text, "send a heartbeat at least every ", often,
                       " while the connection is idle, or let");
    else
        text_add(&text, "let");
    text_add(&text, " the intermediary wait longer");
    if (sight->beat > 0)
        words_add_time(&text, " than ", needed(trace, nsec_max(sight->silence, sight->beat)), "");
    text_add(&text, " (nginx: proxy_read_timeout 3600s)");
    finding_fix(finding, "%s", text_chars(&text));
    text_fini(&text);
}

static const struct idle_rule idle_rule = {
    .room = room, .enough = enough, .add_life = add_life, .add_fix = add_fix};

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    idle_judge(&idle_rule, trace, cfg->timeout, out);
}

const struct rule_desc path_read_timeout_rule = {
    .name = "path.read_timeout",
    .id = "PROXY-03",
    .title = "Read timeout longer than the heartbeat",
    .brief = "the path waits for longer than two heartbeats",
    .doc =
        "Provoked by a fault with an idle timer (idle_timeout, intermediary) while the application "
        "is left alone. Observed is the longest silence between heartbeats. Allowed is a timeout "
        "of at least twice that silence plus the pong timeout (70 s for a heartbeat every 30 s): "
        "the beat that gets lost, the next one, and its reply. A timeout between one silence and "
        "that is a warning, since then a single lost beat ends the connection, and a connection "
        "that was cut is a failure. Judged is the timer at work, and also that of the intermediary "
        "the target file is behind; where there is neither, the policy's idle timeout, and the "
        "sentence says so. heartbeat.idle_timeout asks whether the heartbeat is fast enough to be "
        "late; this asks whether it may be lost. The remedy is usually at the proxy: nginx waits "
        "60 s unless proxy_read_timeout says otherwise, and 3600s is what its operators choose.",
    .source = "nginx, proxy_read_timeout",
    .example = "path.read_timeout: {timeout: 100s}",
    .level = MUST,
    .applies = APPLIES_CLIENT | APPLIES_SERVER | APPLIES_PATH,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};
