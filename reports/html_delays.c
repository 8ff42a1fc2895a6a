/* The delays before each retry, a dot per client, over the band that the policy asks for. */
#include <math.h>

#include "reports/html_parts.h"
#include "trace/attempts.h"

#define WIDTH         1056.0
#define LEFT          72.0
#define RIGHT         12.0
#define TOP           10.0
#define HEIGHT        190.0
#define RETRIES_LIMIT 24
#define SHORTEST      0.001 /* seconds: nothing lies lower */

struct chart {
    struct text *out;
    const struct policy *policy;
    const struct outage *outage;
    size_t retries;
    double low, high; /* decades, log10 of seconds */
};

static double x_of(const struct chart *c, size_t retry)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * ((double)retry + 0.5) / (double)c->retries;
}

static double y_of(const struct chart *c, double seconds)
{
    double at = log10(seconds < SHORTEST ? SHORTEST : seconds);
    at = at < c->low ? c->low : at > c->high ? c->high : at;
    return TOP + HEIGHT * (c->high - at) / (c->high - c->low);
}

/* --- What is asked --- */

struct band {
    double low, high;
};

static struct band asked(const struct policy *policy, size_t retry)
{
    double cap = nsec_to_seconds(policy->backoff_cap), jitter = policy->backoff_jitter;
    double delay =
        nsec_to_seconds(policy->backoff_base) * pow(policy->backoff_factor, (double)retry);
    delay = delay < cap ? delay : cap;
    struct band band = {delay * (1 - jitter), delay * (1 + jitter)};
    /* RFC 6455 7.2.3 lets the first be any random delay up to this. */
    if (retry == 0)
        band = (struct band){band.low, fmax(band.high, nsec_to_seconds(policy->first_delay))};
    return band;
}

static void draw_band(const struct chart *c)
{
    double half = (WIDTH - LEFT - RIGHT) / (double)c->retries * 0.36;
    for (size_t i = 0; i < c->retries; i++) {
        struct band band = asked(c->policy, i);
        double top = y_of(c, band.high), bottom = y_of(c, band.low);
        text_addf(c->out,
                  "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' rx='3' fill='var(--pass)' "
                  "fill-opacity='.16'><title>retry %zu: asked %.3g s to %.3g s</title></rect>",
                  x_of(c, i) - half, top, 2 * half, bottom - top, i + 1, band.low, band.high);
    }
}

/* --- What was measured --- */

static void draw_dots(const struct chart *c)
{
    double width = (WIDTH - LEFT - RIGHT) / (double)c->retries * 0.5;
    for (size_t k = 0; k < c->outage->count; k++) {
        const struct retries *client = &c->outage->clients[k];
        double aside = ((double)k + 0.5) / (double)c->outage->count - 0.5;
        for (size_t i = 0; i < client->count && i < c->retries; i++)
            text_addf(c->out,
                      "<circle cx='%.1f' cy='%.1f' r='3.2' fill='var(--bar)' stroke='var(--bg)' "
                      "stroke-width='.8'><title>client %d, retry %zu: %.3g s</title></circle>",
                      x_of(c, i) + aside * width, y_of(c, client->delays[i]), client->client, i + 1,
                      client->delays[i]);
    }
}

static void draw_axes(const struct chart *c)
{
    for (double decade = c->low; decade <= c->high; decade++) {
        double seconds = pow(10, decade), y = y_of(c, seconds);
        text_addf(c->out, "<path d='M%.1f %.1fH%.1f' stroke='var(--line)'/>", LEFT, y,
                  WIDTH - RIGHT);
        text_addf(c->out, "<text class='dim' x='%.1f' y='%.1f' text-anchor='end'>%g %s</text>",
                  LEFT - 8, y + 4, seconds < 1 ? seconds * 1000 : seconds,
                  seconds < 1 ? "ms" : "s");
    }
    for (size_t i = 0; i < c->retries; i++)
        text_addf(c->out, "<text class='dim' x='%.1f' y='%.1f' text-anchor='middle'>%s%zu</text>",
                  x_of(c, i), TOP + HEIGHT + 18, i == 0 ? "retry " : "", i + 1);
}

/* --- Which outage --- */

static size_t most_retries(const struct outage *outage)
{
    size_t most = 0;
    for (size_t k = 0; k < outage->count; k++)
        most = outage->clients[k].count > most ? outage->clients[k].count : most;
    return most < RETRIES_LIMIT ? most : RETRIES_LIMIT;
}

static const struct outage *longest(const struct outages *outages)
{
    const struct outage *best = NULL;
    for (size_t i = 0; i < outages->count; i++)
        if (!best || most_retries(&outages->list[i]) > most_retries(best))
            best = &outages->list[i];
    return best;
}

static void note_extremes(struct chart *c)
{
    double least = 0.1, most = 100;
    for (size_t k = 0; k < c->outage->count; k++)
        for (size_t i = 0; i < c->outage->clients[k].count && i < c->retries; i++) {
            least = fmin(least, fmax(c->outage->clients[k].delays[i], SHORTEST));
            most = fmax(most, c->outage->clients[k].delays[i]);
        }
    c->low = floor(log10(least) + 1e-9);
    c->high = ceil(log10(most) - 1e-9);
}

void html_delays(const struct trace *trace, struct text *out)
{
    struct outages outages;
    outages_of(trace, &outages);
    struct chart c = {.out = out, .policy = &trace->policy, .outage = longest(&outages)};
    c.retries = c.outage ? most_retries(c.outage) : 0;
    if (c.retries >= 2) {
        note_extremes(&c);
        text_addf(
            out,
            "<figure><h4>Delay before each retry</h4><div class='picture'><svg viewBox='0 0 %.0f "
            "%.0f' role='img' aria-label='delay before each retry'>",
            WIDTH, TOP + HEIGHT + 26);
        draw_axes(&c);
        draw_band(&c);
        draw_dots(&c);
        text_add(
            out,
            "</svg></div><figcaption><div class='legend'><span><svg viewBox='0 0 18 14'><circle "
            "cx='9' cy='7' r='3.5' fill='var(--bar)'/></svg>a client</span><span><svg viewBox='0 0 "
            "18 14'><rect width='18' height='14' rx='3' fill='var(--pass)' fill-opacity='.2'/></svg>"
            "what the policy asks for</span><span>logarithmic scale</span></div></figcaption></figure>");
    }
    outages_fini(&outages);
}
