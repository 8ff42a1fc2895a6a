/* The timeline: one SVG per scenario, drawn from its trace. */
#include <math.h>
#include <string.h>

#include "reports/html_parts.h"
#include "trace/attempts.h"
#include "trace/recorder.h"
#include "ws/frame.h"

#define WIDTH       1040.0
#define LEFT        84.0
#define RIGHT       16.0
#define LANE_HEIGHT 26.0
#define TOP         44.0
#define MARKS_LIMIT 4000 /* pings and pongs drawn per picture */

struct picture {
    const struct trace *trace;
    struct text *out;
    double end; /* seconds */
    size_t lanes;
    size_t marks;
};

static double x_of(const struct picture *p, nsec at)
{
    double share = p->end > 0 ? nsec_to_seconds(at) / p->end : 0;
    return LEFT + (share > 1 ? 1 : share) * (WIDTH - LEFT - RIGHT);
}

static double y_of(int client)
{
    return TOP + (client < 0 ? 0 : client) * LANE_HEIGHT;
}

static double bottom_of(const struct picture *p)
{
    return TOP + (double)p->lanes * LANE_HEIGHT;
}

/* --- Axis --- */

static double nice_step(double end)
{
    static const double steps[] = {0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (end / steps[i] <= 12)
            return steps[i];
    return end / 10;
}

static void draw_axis(struct picture *p)
{
    double step = nice_step(p->end), y = bottom_of(p);
    for (double at = 0; at <= p->end; at += step) {
        double x = x_of(p, nsec_from_seconds(at));
        text_addf(p->out, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='var(--line)'/>", x,
                  x, TOP, y);
        text_addf(p->out, "<text class='dim' x='%.1f' y='%.1f' text-anchor='middle'>%g s</text>", x,
                  y + 14, at);
    }
}

/* --- Faults --- */

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

static void draw_window(struct picture *p, const struct event *on, nsec until)
{
    bool all = on->conn == 0;
    double x = x_of(p, on->at), width = x_of(p, until) - x, y = y_of(all ? 0 : on->client);
    double height = all ? (double)p->lanes * LANE_HEIGHT : LANE_HEIGHT;
    text_addf(p->out,
              "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='var(--shade)' "
              "fill-opacity='%s'><title>",
              x, y, width < 1.5 ? 1.5 : width, height,
              width < 1.5 ? "0.8"
              : all       ? "0.13"
                          : "0.10");
    html_add(p->out, on->fault_on.label);
    text_addf(p->out, " from %.2f s to %.2f s</title></rect>", nsec_to_seconds(on->at),
              nsec_to_seconds(until));
}

static void draw_faults(struct picture *p)
{
    for (size_t i = 0; i < p->trace->count; i++) {
        const struct event *ev = &p->trace->events[i];
        if (ev->kind == EV_FAULT_ON && ev->side != SIDE_SERVER)
            draw_window(p, ev, off_time(p, i, ev));
    }
}

/* --- Clients --- */

static void draw_bar(struct picture *p, const struct attempt *attempt)
{
    nsec until = attempt->lost == NEVER ? p->trace->end : attempt->lost;
    double x = x_of(p, attempt->opened), width = x_of(p, until) - x;
    text_addf(p->out,
              "<rect x='%.1f' y='%.1f' width='%.1f' height='10' rx='2' fill='var(--bar)'>"
              "<title>open from %.2f s to %.2f s</title></rect>",
              x, y_of(attempt->client) + 8, width < 1 ? 1 : width, nsec_to_seconds(attempt->opened),
              nsec_to_seconds(until));
}

static void draw_attempt(struct picture *p, const struct attempt *attempt)
{
    static const char *const words[] = {
        "opened", "refused", "answered by a status", "cut", "abandoned by the client", "pending"};
    double x = x_of(p, attempt->start), y = y_of(attempt->client) + 13;
    if (attempt->outcome == ATTEMPT_OPENED) {
        draw_bar(p, attempt);
        return;
    }
    text_addf(p->out,
              "<path d='M%.1f %.1fl6 6m0-6l-6 6' stroke='var(--fail)' stroke-width='1.6' "
              "fill='none'><title>attempt at %.2f s: %s</title></path>",
              x - 3, y - 3, nsec_to_seconds(attempt->start), words[attempt->outcome]);
}

static void draw_clients(struct picture *p)
{
    for (size_t client = 0; client < p->lanes; client++) {
        struct attempts attempts;
        text_addf(p->out, "<text x='4' y='%.1f'>client %zu</text>", y_of((int)client) + 17, client);
        text_addf(p->out, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='var(--line)'/>",
                  LEFT, WIDTH - RIGHT, y_of((int)client) + LANE_HEIGHT,
                  y_of((int)client) + LANE_HEIGHT);
        attempts_of(p->trace, (int)client, &attempts);
        for (size_t i = 0; i < attempts.count; i++)
            draw_attempt(p, &attempts.list[i]);
        attempts_fini(&attempts);
    }
}

static const char *mark_of(const struct event *ev)
{
    if (ev->kind != EV_WS_FRAME || ev->client < 0)
        return NULL;
    if (ev->ws_frame.opcode == OPCODE_PING || strcmp(ev->ws_frame.kind, "ping") == 0)
        return ev->side == SIDE_CLIENT ? "ping from the client" : "ping from the server";
    if (ev->ws_frame.opcode == OPCODE_PONG || strcmp(ev->ws_frame.kind, "pong") == 0)
        return ev->side == SIDE_CLIENT ? "pong from the client" : "pong from the server";
    return ev->ws_frame.opcode == OPCODE_CLOSE ? "Close frame" : NULL;
}

static void draw_marks(struct picture *p)
{
    for (size_t i = 0; i < p->trace->count && p->marks < MARKS_LIMIT; i++) {
        const struct event *ev = &p->trace->events[i];
        const char *mark = mark_of(ev);
        if (!mark)
            continue;
        bool from_client = ev->side == SIDE_CLIENT;
        double x = x_of(p, ev->at), y = y_of(ev->client) + (from_client ? 3 : 20);
        text_addf(
            p->out,
            "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='var(%s)' stroke-width='%s'>"
            "<title>%s at %.2f s</title></line>",
            x, x, y, y + 4, ev->ws_frame.opcode == OPCODE_CLOSE ? "--fail" : "--fg",
            ev->ws_frame.opcode == OPCODE_CLOSE ? "2.5" : "1.2", mark, nsec_to_seconds(ev->at));
        p->marks++;
    }
}

/* --- Steps --- */

static void draw_steps(struct picture *p)
{
    double last = -100;
    for (size_t i = 0; i < p->trace->count; i++) {
        const struct event *ev = &p->trace->events[i];
        if (ev->kind != EV_STEP_START)
            continue;
        double x = x_of(p, ev->at);
        if (x - last < 14)
            x = last + 14;
        last = x;
        text_addf(p->out,
                  "<g><title>step %llu at %.2f s: ", (unsigned long long)ev->step_start.step,
                  nsec_to_seconds(ev->at));
        html_add(p->out, ev->step_start.what);
        text_addf(p->out,
                  "</title><circle cx='%.1f' cy='18' r='7' fill='var(--card)' stroke='var(--dim)'/>"
                  "<text x='%.1f' y='22' text-anchor='middle'>%llu</text></g>",
                  x, x, (unsigned long long)ev->step_start.step);
    }
}

static void list_steps(struct picture *p)
{
    text_add(p->out, "<p class='dim'>");
    for (size_t i = 0; i < p->trace->count; i++) {
        const struct event *ev = &p->trace->events[i];
        if (ev->kind != EV_STEP_START)
            continue;
        text_addf(p->out, "%s<b>%llu</b> ", ev->step_start.step > 1 ? " · " : "Steps: ",
                  (unsigned long long)ev->step_start.step);
        html_add(p->out, ev->step_start.what);
    }
    text_add(p->out,
             ". Bars: open connections; crosses: attempts that failed; ticks above a bar come from "
             "the client, below from the server; shaded: faults.</p>");
}

void html_timeline(const struct trace *trace, struct text *out)
{
    struct picture p = {.trace = trace, .out = out, .end = nsec_to_seconds(trace->end)};
    p.lanes = trace_clients(trace);
    text_addf(out, "<figure><svg viewBox='0 0 %.0f %.0f' role='img' aria-label='timeline'>", WIDTH,
              bottom_of(&p) + 22);
    draw_axis(&p);
    draw_faults(&p);
    draw_clients(&p);
    draw_marks(&p);
    draw_steps(&p);
    text_add(out, "</svg></figure>");
    list_steps(&p);
}

/* --- Cited events --- */

#define EVENTS_SHOWN 12

static void add_event(const struct event *ev, struct text *out)
{
    struct text line;
    text_init(&line);
    event_write(ev, &line);
    text_addf(out,
              "<tr><td class='num'>%llu</td><td class='num'>%.3f</td><td>%s</td><td class='mono'>",
              (unsigned long long)ev->seq, nsec_to_seconds(ev->at), event_name(ev->kind));
    if (line.len > 220)
        line.chars[line.len = 220] = '\0';
    html_add(out, text_chars(&line));
    text_add(out, "</td></tr>");
    text_fini(&line);
}

static bool is_telling(const struct event *ev)
{
    return ev->kind == EV_TCP_OPEN || ev->kind == EV_TCP_CLOSE || ev->kind == EV_TCP_SHUT ||
           ev->kind == EV_WS_OPEN || ev->kind == EV_WS_CLOSE || ev->kind == EV_FAULT_ON ||
           ev->kind == EV_FAULT_ACT || ev->kind == EV_WS_FRAME;
}

void html_events(const struct trace *trace, uint64_t from, uint64_t to, struct text *out)
{
    size_t shown = 0;
    if (from == 0)
        return;
    text_addf(out,
              "<details><summary>evidence: events %llu to %llu</summary><div class='scroll'><table>"
              "<tr><th>seq</th><th>at (s)</th><th>event</th><th>recorded</th></tr>",
              (unsigned long long)from, (unsigned long long)to);
    for (size_t i = 0; i < trace->count && shown < EVENTS_SHOWN; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->seq < from || ev->seq > to || !is_telling(ev))
            continue;
        add_event(ev, out);
        shown++;
    }
    text_add(out, "</table></div></details>");
}
