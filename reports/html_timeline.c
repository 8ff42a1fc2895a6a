/* The timeline: one SVG per scenario, drawn from its trace. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "reports/html_parts.h"
#include "trace/attempts.h"
#include "ws/close.h"
#include "ws/frame.h"

#define WIDTH       1056.0
#define LEFT        72.0
#define RIGHT       12.0
#define STEPS_Y     14.0
#define LABEL_Y     42.0 /* base line of the faults' names */
#define TOP         50.0
#define LANES_LIMIT 60   /* clients drawn */
#define MARKS_LIMIT 6000 /* frames drawn per picture */
#define LABELS      16   /* faults named */
#define STEPS       50   /* drawn; of more every second, third ... */
#define STEP_WIDTH  18.0

struct picture {
    const struct trace *trace;
    struct text *out;
    double end;  /* seconds */
    double lane; /* height */
    size_t lanes;
    size_t marks;
    double last_mark[LANES_LIMIT]
                    [2]; /* x, by client and side: what would cover another is not drawn */
};

static double x_of(const struct picture *p, nsec at)
{
    double share = p->end > 0 ? nsec_to_seconds(at) / p->end : 0;
    return LEFT + (share > 1 ? 1 : share) * (WIDTH - LEFT - RIGHT);
}

/* The middle of a lane. */
static double y_of(const struct picture *p, int client)
{
    return TOP + ((client < 0 ? 0 : client) + 0.5) * p->lane;
}

static double bottom_of(const struct picture *p)
{
    return TOP + (double)p->lanes * p->lane;
}

static bool is_drawn(const struct picture *p, int client)
{
    return client >= 0 && (size_t)client < p->lanes;
}

/* Moves what would overlap to the right, and what is then beyond the edge back to the left. */
static void spread_out(double *at, const double *widths, size_t count, double edge)
{
    for (size_t i = 1; i < count; i++)
        at[i] = fmax(at[i], at[i - 1] + widths[i - 1]);
    for (size_t i = count; i-- > 0;) {
        at[i] = fmin(at[i], edge - widths[i]);
        edge = at[i];
    }
}

/* --- Axis --- */

static double nice_step(double end)
{
    static const double steps[] = {0.1, 0.2, 0.5, 1,   2,   5,    10,  20,
                                   30,  60,  120, 300, 600, 1800, 3600};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (end / steps[i] <= 12)
            return steps[i];
    return end / 10;
}

static void draw_axis(struct picture *p)
{
    double step = nice_step(p->end), y = bottom_of(p);
    for (int i = 0; i * step <= p->end; i++) {
        double x = x_of(p, nsec_from_seconds(i * step));
        text_addf(p->out, "<path d='M%.1f %.1fV%.1f' stroke='var(--line)'/>", x, TOP, y);
        text_addf(p->out, "<text class='dim' x='%.1f' y='%.1f' text-anchor='middle'>%g s</text>", x,
                  y + 16, i * step);
    }
}

static void draw_lanes(struct picture *p)
{
    size_t every = p->lane < 12 ? 5 : 1;
    for (size_t client = 0; client < p->lanes; client++) {
        double y = y_of(p, (int)client);
        if (client % every == 0)
            text_addf(p->out, "<text class='dim' x='0' y='%.1f'>client %zu</text>", y + 4, client);
        text_addf(p->out, "<path d='M%.1f %.1fH%.1f' stroke='var(--line)'/>", LEFT, y + p->lane / 2,
                  WIDTH - RIGHT);
    }
}

/* --- Faults --- */

/* What is known of a label: its name stands once, above its first window. */
struct label {
    const char *words;
    nsec from;
};

struct labels {
    struct label list[LABELS];
    size_t count;
};

static nsec off_time(const struct picture *p, size_t from, const struct event *on)
{
    for (size_t i = from; i < p->trace->count; i++) {
        const struct event *ev = &p->trace->events[i];
        if (ev->kind == EV_FAULT_OFF && ev->conn == on->conn &&
            strcmp(ev->fault_off.label, on->fault_on.label) == 0)
            return ev->at;
    }
    return p->trace->end;
}

static void note_label(struct labels *labels, const struct event *on)
{
    for (size_t i = 0; i < labels->count; i++)
        if (strcmp(labels->list[i].words, on->fault_on.fault) == 0)
            return;
    if (labels->count < LABELS)
        labels->list[labels->count++] = (struct label){on->fault_on.fault, on->at};
}

static void draw_window(struct picture *p, const struct event *on, nsec until)
{
    bool all = on->conn == 0;
    double x = x_of(p, on->at), width = x_of(p, until) - x;
    double y = all ? TOP : y_of(p, on->client) - p->lane / 2;
    double height = all ? (double)p->lanes * p->lane : p->lane;
    text_addf(p->out,
              "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='var(--shade)' "
              "fill-opacity='%s'><title>",
              x, y, width < 1.5 ? 1.5 : width, height, width < 1.5 ? "0.8" : "0.13");
    html_add(p->out, on->fault_on.fault);
    text_addf(p->out, " from %.2f s to %.2f s</title></rect>", nsec_to_seconds(on->at),
              nsec_to_seconds(until));
}

static void draw_labels(struct picture *p, const struct labels *labels)
{
    double at[LABELS] = {0}, widths[LABELS] = {0}, room = WIDTH - LEFT;
    size_t count = 0;
    for (; count < labels->count; count++) {
        at[count] = x_of(p, labels->list[count].from);
        widths[count] = 8.0 * (double)strlen(labels->list[count].words) + 10;
        room -= widths[count];
        if (room < 0)
            break; /* each window has its name as a title */
    }
    spread_out(at, widths, count, WIDTH);
    for (size_t i = 0; i < count; i++) {
        text_addf(p->out, "<text class='shade' x='%.1f' y='%.1f'>", at[i], LABEL_Y);
        html_add(p->out, labels->list[i].words);
        text_add(p->out, "</text>");
    }
}

/* A fault that stands over all new connections is drawn once; what it begins on each of them is
 * within that. */
static bool stands_over(const struct picture *p, size_t i)
{
    const struct event *on = &p->trace->events[i];
    if (on->conn == 0)
        return false;
    for (size_t k = 0; k < i; k++) {
        const struct event *ev = &p->trace->events[k];
        if (ev->kind == EV_FAULT_ON && ev->conn == 0 &&
            strcmp(ev->fault_on.label, on->fault_on.label) == 0 && off_time(p, k, ev) >= on->at)
            return true;
    }
    return false;
}

static void draw_faults(struct picture *p)
{
    struct labels labels = {.count = 0};
    for (size_t i = 0; i < p->trace->count; i++) {
        const struct event *ev = &p->trace->events[i];
        bool shown = ev->kind == EV_FAULT_ON && (ev->conn == 0 || is_drawn(p, ev->client));
        if (!shown || (ev->conn != 0 && ev->side == SIDE_SERVER) || stands_over(p, i))
            continue;
        note_label(&labels, ev);
        draw_window(p, ev, off_time(p, i, ev));
    }
    draw_labels(p, &labels);
}

/* --- Clients --- */

static void draw_end(struct picture *p, const struct attempt *attempt)
{
    double x = x_of(p, attempt->lost), y = y_of(p, attempt->client), half = p->lane * 0.36;
    bool ours = attempt->lost_by != BY_ENDPOINT;
    text_addf(
        p->out,
        "<path d='M%.1f %.1fV%.1f' stroke='var(%s)' stroke-width='2.5'><title>ended at %.2f s by "
        "%s</title></path>",
        x, y - half, y + half, ours ? "--fail" : "--ink", nsec_to_seconds(attempt->lost),
        ours ? "us" : "the client or the server");
}

static void draw_notice(struct picture *p, const struct attempt *attempt)
{
    double x = x_of(p, attempt->noticed), y = y_of(p, attempt->client);
    text_addf(
        p->out,
        "<path d='M%.1f %.1fl5 5 -5 5 -5 -5z' fill='var(--warn)' stroke='var(--bg)'><title>noticed "
        "%.2f s after the silence began</title></path>",
        x, y - 5, nsec_to_seconds(attempt->noticed - attempt->silenced));
}

static void draw_bar(struct picture *p, const struct attempt *attempt)
{
    nsec until = attempt->lost == NEVER ? p->trace->end : attempt->lost;
    double x = x_of(p, attempt->opened), width = x_of(p, until) - x, height = p->lane * 0.36;
    text_addf(p->out,
              "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' rx='2' fill='var(--bar)'>"
              "<title>open from %.2f s to %.2f s</title></rect>",
              x, y_of(p, attempt->client) - height / 2, width < 1 ? 1 : width, height,
              nsec_to_seconds(attempt->opened), nsec_to_seconds(until));
    if (attempt->lost != NEVER)
        draw_end(p, attempt);
    if (attempt->noticed != NEVER && attempt->silenced != NEVER)
        draw_notice(p, attempt);
}

static void draw_attempt(struct picture *p, const struct attempt *attempt)
{
    static const char *const words[] = {"opened",
                                        "refused",
                                        "answered by a status",
                                        "cut",
                                        "abandoned by the client",
                                        "still under way at the end",
                                        "ended in its TLS handshake"};
    double x = x_of(p, attempt->start), y = y_of(p, attempt->client), half = p->lane < 12 ? 2 : 3.5;
    if (attempt->outcome == ATTEMPT_OPENED) {
        draw_bar(p, attempt);
        return;
    }
    text_addf(p->out,
              "<path d='M%.1f %.1fl%.1f %.1fm0 %.1fl%.1f %.1f' stroke='var(--fail)' "
              "stroke-width='1.7' fill='none'><title>attempt at %.2f s: %s</title></path>",
              x - half, y - half, 2 * half, 2 * half, -2 * half, -2 * half, 2 * half,
              nsec_to_seconds(attempt->start), words[attempt->outcome]);
}

static void draw_clients(struct picture *p)
{
    struct attempts attempts;
    attempts_of_all(p->trace, &attempts);
    for (size_t i = 0; i < attempts.count; i++)
        if (is_drawn(p, attempts.list[i].client))
            draw_attempt(p, &attempts.list[i]);
    attempts_fini(&attempts);
}

/* --- Frames --- */

/* A Close has an event of its own. */
static bool is_mark(const struct event *ev)
{
    return ev->kind == EV_WS_CLOSE ||
           (ev->kind == EV_WS_FRAME && ev->ws_frame.opcode != OPCODE_CLOSE);
}

/* What would stand on the last one of the same lane is left out. */
static bool takes_place(struct picture *p, const struct event *ev, double x)
{
    double *last = &p->last_mark[ev->client][ev->side == SIDE_SERVER];
    if (x - *last < 0.8)
        return false;
    *last = x;
    return true;
}

static void add_mark_title(struct picture *p, const struct event *ev)
{
    if (ev->kind == EV_WS_CLOSE)
        text_addf(p->out, "<title>Close %llu (%s)", (unsigned long long)ev->ws_close.code,
                  close_name((uint16_t)ev->ws_close.code));
    else
        text_addf(p->out, "<title>%s", frame_opcode_name((uint8_t)ev->ws_frame.opcode));
    text_addf(p->out, " of the %s at %.2f s</title>", side_name(ev->side), nsec_to_seconds(ev->at));
}

static void draw_mark(struct picture *p, const struct event *ev)
{
    static const struct {
        const char *ink, *width;
    } strokes[] = {{"--dim", "1"}, {"--ink", "1.6"}, {"--fail", "3"}};
    bool from_client = ev->side == SIDE_CLIENT, close = ev->kind == EV_WS_CLOSE;
    double x = x_of(p, ev->at), y = y_of(p, ev->client), half = p->lane / 2;
    if (!takes_place(p, ev, x) && !close)
        return;
    int weight = close ? 2 : frame_is_control((uint8_t)ev->ws_frame.opcode);
    text_addf(p->out, "<path d='M%.1f %.1fV%.1f' stroke='var(%s)' stroke-width='%s'>", x,
              from_client ? y - half + 1 : y + p->lane * 0.2,
              from_client ? y - p->lane * 0.2 : y + half - 1, strokes[weight].ink,
              strokes[weight].width);
    add_mark_title(p, ev);
    text_add(p->out, "</path>");
    p->marks++;
}

static void draw_marks(struct picture *p)
{
    for (size_t i = 0; i < p->trace->count && p->marks < MARKS_LIMIT; i++) {
        const struct event *ev = &p->trace->events[i];
        if (is_drawn(p, ev->client) && is_mark(ev))
            draw_mark(p, ev);
    }
}

/* --- Steps --- */

static void draw_step(struct picture *p, const struct event *ev, double at)
{
    text_addf(p->out, "<g><title>step %llu at %.2f s: ", (unsigned long long)ev->step_start.step,
              nsec_to_seconds(ev->at));
    html_add(p->out, ev->step_start.what);
    text_addf(p->out,
              "</title><circle cx='%.1f' cy='%.1f' r='8' fill='var(--soft)' stroke='var(--dim)'/>"
              "<text x='%.1f' y='%.1f' text-anchor='middle'>%llu</text></g>",
              at, STEPS_Y, at, STEPS_Y + 4, (unsigned long long)ev->step_start.step);
}

static size_t count_steps(const struct trace *trace)
{
    size_t count = 0, i = 0;
    while (trace_next(trace, &i, EV_STEP_START))
        count++;
    return count;
}

static void draw_steps(struct picture *p)
{
    const struct event *steps[STEPS];
    double at[STEPS] = {0}, widths[STEPS] = {0};
    size_t count = 0, number = 0, every = 1 + count_steps(p->trace) / (STEPS + 1), i = 0;
    for (const struct event *ev; (ev = trace_next(p->trace, &i, EV_STEP_START)); number++) {
        if (number % every != 0 || count == STEPS)
            continue;
        steps[count] = ev;
        at[count] = x_of(p, ev->at) - STEP_WIDTH / 2;
        widths[count++] = STEP_WIDTH;
    }
    spread_out(at, widths, count, WIDTH);
    for (size_t k = 0; k < count; k++)
        draw_step(p, steps[k], at[k] + STEP_WIDTH / 2);
}

static void list_steps(struct picture *p)
{
    text_add(p->out, "<ol class='steps'>");
    for (size_t i = 0; i < p->trace->count; i++) {
        const struct event *ev = &p->trace->events[i];
        if (ev->kind != EV_STEP_START)
            continue;
        text_addf(p->out, "<li><b>%llu</b><span class='dim num'>%.1f s</span><span>",
                  (unsigned long long)ev->step_start.step, nsec_to_seconds(ev->at));
        html_add(p->out, ev->step_start.what);
        text_add(p->out, "</span></li>");
    }
    text_add(p->out, "</ol>");
}

/* --- The whole --- */

static void add_legend(struct picture *p)
{
    static const char *const entries[][2] = {
        {"<rect y='4' width='18' height='6' rx='2' fill='var(--bar)'/>", "connection open"},
        {"<path d='M9 2V12' stroke='var(--fail)' stroke-width='2.5'/>", "ended by the test"},
        {"<path d='M9 2V12' stroke='var(--ink)' stroke-width='2.5'/>", "ended by an endpoint"},
        {"<path d='M5 3l8 8m0-8l-8 8' stroke='var(--fail)' stroke-width='1.7'/>",
         "attempt that failed"},
        {"<path d='M9 2l5 5 -5 5 -5 -5z' fill='var(--warn)'/>", "silence noticed"},
        {"<path d='M6 1V6M12 1V6' stroke='var(--ink)' stroke-width='1.6'/>",
         "above: client's ping or message, below: server's"},
        {"<rect y='1' width='18' height='12' fill='var(--shade)' fill-opacity='.2'/>",
         "fault at work"},
    };
    text_add(p->out, "<div class='legend'>");
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        text_addf(p->out, "<span><svg viewBox='0 0 18 14'>%s</svg>%s</span>", entries[i][0],
                  entries[i][1]);
    text_add(p->out, "</div>");
}

static double lane_height(size_t lanes)
{
    return lanes <= 3 ? 34 : lanes <= 12 ? 26 : lanes <= 24 ? 16 : 9;
}

static void forget_marks(struct picture *p)
{
    for (size_t i = 0; i < LANES_LIMIT; i++)
        p->last_mark[i][0] = p->last_mark[i][1] = -1;
}

void html_timeline(const struct trace *trace, struct text *out)
{
    size_t clients = trace_clients(trace);
    struct picture *p = xcalloc(1, sizeof *p);
    *p = (struct picture){.trace = trace, .out = out, .end = nsec_to_seconds(trace->end)};
    p->lanes = clients < LANES_LIMIT ? clients : LANES_LIMIT;
    p->lane = lane_height(p->lanes);
    forget_marks(p);
    text_addf(out,
              "<figure><div class='picture'><svg viewBox='0 0 %.0f %.0f' role='img' "
              "aria-label='timeline: a lane per client'>",
              WIDTH, bottom_of(p) + 22);
    draw_axis(p);
    draw_faults(p);
    draw_lanes(p);
    draw_clients(p);
    draw_marks(p);
    draw_steps(p);
    text_add(out, "</svg></div><figcaption>");
    add_legend(p);
    if (clients > p->lanes)
        text_addf(out, "<p>The first %zu of %zu clients.</p>", p->lanes, clients);
    list_steps(p);
    text_add(out, "</figcaption></figure>");
    free(p);
}
