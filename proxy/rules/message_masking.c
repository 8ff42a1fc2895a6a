/* message.masking: what the client sends is masked with fresh keys; what the server masks is
 * refused. */
#include "rules/lib/connection.h"
#include "rules/lib/offence.h"

struct config {
    uint64_t frames;
};

static const struct param params[] = {
    P_COUNT(config, frames, .def = "20", .min = "3", .max = "100000",
            .doc = "so many masking keys in a row tell whether they are fresh"),
    P_END,
};

static const struct offence_kind kinds[] = {
    {.what = "masking", .words = "a masked frame of the server"},
    {0},
};

/* One client, or all of them together. */
struct sent {
    uint64_t frames, bare, row; /* row: the longest of keys one step apart */
    uint64_t step;
    uint64_t from, to;           /* of all frames */
    uint64_t bare_from, bare_to; /* of those without a mask */
    uint64_t row_from, row_to;
};

static bool is_theirs(const struct event *ev)
{
    return ev->side == SIDE_CLIENT && ev->by == BY_ENDPOINT;
}

static void note_frame(struct sent *sent, const struct event *ev)
{
    if (sent->frames++ == 0)
        sent->from = ev->seq;
    sent->to = ev->seq;
    if (ev->ws_frame.masked)
        return;
    if (sent->bare++ == 0)
        sent->bare_from = ev->seq;
    sent->bare_to = ev->seq;
}

static void note_row(struct sent *sent, const struct event *ev)
{
    if (ev->ws_mask.frames < sent->row)
        return;
    sent->row = ev->ws_mask.frames;
    sent->step = ev->ws_mask.step;
    sent->row_from = sent->from;
    sent->row_to = ev->seq;
}

static struct sent sent_of(const struct trace *trace)
{
    struct sent sent = {0};
    const struct event *last = trace_last_counting(trace);
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        if (ev->kind == EV_WS_FRAME && is_theirs(ev))
            note_frame(&sent, ev);
        else if (ev->kind == EV_WS_MASK && is_theirs(ev))
            note_row(&sent, ev);
    }
    return sent;
}

static void report_bare(const struct sent *sent, struct findings *out)
{
    struct finding *finding =
        finding_add(out, FAIL, "%llu of %llu frames came without a mask",
                    (unsigned long long)sent->bare, (unsigned long long)sent->frames);
    finding_measured(finding, "unmasked_frames", (double)sent->bare);
    finding_allowed(finding, "unmasked_frames", 0);
    finding_evidence(finding, sent->bare_from, sent->bare_to);
    finding_fix(finding,
                "mask every frame that a client sends; a server has to drop one that is not");
}

static void report_row(const struct sent *sent, const struct config *cfg, struct findings *out)
{
    struct finding *finding;
    unsigned long long row = sent->row;
    enum verdict verdict = sent->row >= cfg->frames ? FAIL : WARN;
    if (sent->step == 0)
        finding = finding_add(out, verdict, "%llu frames in a row have the same masking key", row);
    else
        finding =
            finding_add(out, verdict,
                        "the masking keys of %llu frames in a row can be foretold: each is the "
                        "one before plus %llu",
                        row, (unsigned long long)sent->step);
    finding_measured(finding, "keys_in_a_row", (double)sent->row);
    finding_allowed(finding, "keys_in_a_row", 1);
    finding_evidence(finding, sent->row_from, sent->row_to);
    finding_fix(finding,
                "draw four new bytes for each frame from a source that cannot be foretold");
}

static void report_masked(const struct sent *sent, const struct config *cfg, struct findings *out)
{
    unsigned long long frames = sent->frames;
    struct finding *finding;
    if (sent->frames >= cfg->frames)
        finding =
            finding_add(out, PASS, "all of %llu frames were masked, with keys that differ", frames);
    else
        finding = finding_add(out, INCONCLUSIVE,
                              "only %llu frames of the client were seen, all masked; %llu would "
                              "tell whether the keys are fresh",
                              frames, (unsigned long long)cfg->frames);
    finding_measured(finding, "frames", (double)sent->frames);
    finding_allowed(finding, "frames_min", (double)cfg->frames);
    if (sent->frames > 0)
        finding_evidence(finding, sent->from, sent->to);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct sent sent = sent_of(trace);
    struct offences all;
    offences_of(trace, &all);
    bool asked = offences_judge(trace, &all, kinds, out);
    if (sent.bare > 0)
        report_bare(&sent, out);
    if (sent.row > 0)
        report_row(&sent, cfg, out);
    if (sent.frames == 0 && !asked)
        offences_say_none(&all, "a client that sends, or answers pings", out);
    else if (sent.bare == 0 && sent.row == 0)
        report_masked(&sent, cfg, out);
    offences_fini(&all);
}

const struct rule_desc message_masking_rule = {
    .name = "message.masking",
    .id = "MSG-08",
    .title = "Masking",
    .brief = "client frames are masked with fresh keys, server frames not",
    .doc =
        "Observed are all frames of the client: one without a mask is a failure, and so are twenty keys in "
        "a row that are the same or one step apart (three are a warning; empty frames do not count, "
        "since they hide nothing). A key that can be foretold lets a script choose what an old proxy on "
        "the path sees. Provoked by the fault bad_frame is the reverse: a masked frame in the name of "
        "the server, which has to end the connection within a second of wall time; whoever is still "
        "there after two has accepted it. The remedy is a library that draws four random bytes for "
        "each frame and checks the mask bit of what it reads.",
    .source = "RFC 6455 5.1, 5.3",
    .example = "message.masking: {frames: 20}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};
