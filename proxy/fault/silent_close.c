/* silent_close: the socket is gone and nobody was told. */
#include "fault/lib/legs.h"

enum answer { ANSWER_RST, ANSWER_NONE };

struct silent_close {
    int answer;
};

static const char *const answers[] = {"rst", "none", NULL};

static const struct param params[] = {
    P_CHOICE(silent_close, answer, .def = "rst", .choices = answers,
             .doc = "what the endpoint's next packet meets: rst (a machine that rebooted, RFC 9293 "
                    "3.5.1), or none (one that is gone for good: no ACK ever comes)"),
    P_END,
};

static enum fault_need needs(const void *config)
{
    const struct silent_close *cfg = config;
    return cfg->answer == ANSWER_RST ? NEED_REPAIR : NEED_FILTER;
}

static void abandon(struct fault *f, enum side side)
{
    const struct silent_close *cfg = fault_config(f);
    if (cfg->answer == ANSWER_RST) {
        fault_cut(f, side, CUT_VANISH);
        return;
    }
    fault_deafen(f, side, 1);
    fault_cut(f, side, CUT_SILENT);
}

static void abandon_legs(struct fault *f)
{
    for (int d = 0; d < DIRS; d++)
        if (fault_acts_on(f, (enum dir)d))
            abandon(f, leg_side((enum dir)d));
}

const struct fault_desc silent_close_fault = {
    .layer = LAYER_KERNEL,
    .name = "silent_close",
    .brief = "forget the connection without FIN or RST",
    .doc =
        "A machine that lost power, a container that was frozen and thrown away: on each leg named "
        "by direction our socket is gone and nothing is said. The endpoint believes the connection "
        "open until it sends something, which meets an RST, or, with answer none, silence without "
        "an ACK. With only one leg named the other stays open, and what it sends goes nowhere. A "
        "good endpoint finds out by its heartbeat and makes a new connection.",
    .example = "silent_close: {connections: existing}",
    .dirs = DIR_BOTH,
    .silences = true,
    .instant = true,
    .kernel_time = true,
    .needs = needs,
    .params = params,
    .config_size = sizeof(struct silent_close),
    .ops = {.on_start = abandon_legs},
};
