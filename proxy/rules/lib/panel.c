#include "rules/lib/panel.h"

#include <assert.h>
#include <math.h>

#define SHORTEST    1e-3  /* shorter delays have no meaningful logarithm */
#define FLOOR_TIMER 0.4   /* SD of a delay as a share of eps */
#define FLOOR_SHARE 0.005 /* relative SD that any timer has */
/* linear growth: 0.02 to 20 of the first delay per retry, equally spaced logs */
#define RATES     64
#define RATE_MIN  0.02
#define RATE_SPAN 1000.0
#define BETTER    1e-12 /* equal fits: the earlier corner stands */

static double logarithm(double delay)
{
    return log(delay < SHORTEST ? SHORTEST : delay);
}

static double noise_floor(double delay, double eps)
{
    double share = FLOOR_TIMER * eps / (delay < SHORTEST ? SHORTEST : delay);
    return share * share + FLOOR_SHARE * FLOOR_SHARE;
}

static double client_mean(const struct delays *delays, size_t client, size_t from)
{
    double sum = 0;
    for (size_t i = from; i < delays->count; i++)
        sum += logarithm(delays->of[client][i]);
    return sum / (double)(delays->count - from);
}

void panel_init(struct panel *panel, const struct delays *delays, size_t from, double eps)
{
    assert(from < delays->count && delays->clients > 0);
    *panel = (struct panel){.clients = delays->clients, .count = delays->count - from};
    double mean[BACKOFF_CLIENTS_LIMIT] = {0};
    for (size_t k = 0; k < panel->clients; k++) {
        mean[k] = client_mean(delays, k, from);
        for (size_t i = 0; i < panel->count; i++) {
            double delay = delays->of[k][i + from];
            panel->profile[i] += (logarithm(delay) - mean[k]) / (double)panel->clients;
            panel->floor += noise_floor(delay, eps);
        }
    }
    for (size_t k = 0; k < panel->clients; k++)
        for (size_t i = 0; i < panel->count; i++) {
            double left = logarithm(delays->of[k][i + from]) - mean[k] - panel->profile[i];
            panel->interaction += left * left;
        }
}

static double capped(size_t i, size_t corner)
{
    return (double)(i < corner ? i : corner);
}

struct panel_line panel_line(const struct panel *panel, size_t corner)
{
    assert(panel->count >= 2 && corner >= 1);
    struct panel_line line = {.corner = corner};
    double mean = 0, product = 0;
    for (size_t i = 0; i < panel->count; i++)
        mean += capped(i, corner) / (double)panel->count;
    for (size_t i = 0; i < panel->count; i++) {
        double x = capped(i, corner) - mean;
        line.spread += x * x;
        product += x * panel->profile[i];
    }
    line.slope = product / line.spread;
    for (size_t i = 0; i < panel->count; i++) {
        double left = panel->profile[i] - line.slope * (capped(i, corner) - mean);
        line.residual += left * left;
    }
    return line;
}

/* Delays do not shrink by law: a falling line is replaced by a level one. */
static struct panel_line rising(const struct panel *panel, size_t corner)
{
    struct panel_line line = panel_line(panel, corner);
    if (line.slope >= 0)
        return line;
    line.slope = line.residual = 0;
    for (size_t i = 0; i < panel->count; i++)
        line.residual += panel->profile[i] * panel->profile[i];
    return line;
}

static void keep_better(struct panel_line *best, const struct panel_line *line)
{
    if (best->corner == 0 || line->residual < best->residual - BETTER)
        *best = *line;
}

struct panel_line panel_exponential(const struct panel *panel)
{
    struct panel_line best = {0};
    for (size_t corner = 2; corner < panel->count; corner++) {
        struct panel_line line = rising(panel, corner);
        keep_better(&best, &line);
    }
    return best;
}

static double rate_at(int step)
{
    return RATE_MIN * pow(RATE_SPAN, step / (double)(RATES - 1));
}

static struct panel_line at_rate(const struct panel *panel, size_t corner, const double *law,
                                 double rate)
{
    struct panel_line line = {.slope = rate, .corner = corner};
    double mean = 0;
    for (size_t i = 0; i < panel->count; i++)
        mean += law[i < corner ? i : corner] / (double)panel->count;
    for (size_t i = 0; i < panel->count; i++) {
        double left = panel->profile[i] - (law[i < corner ? i : corner] - mean);
        line.residual += left * left;
    }
    return line;
}

struct panel_line panel_linear(const struct panel *panel)
{
    double rates[RATES], law[RATES][BACKOFF_DELAYS_LIMIT];
    for (int step = 0; step < RATES; step++) {
        rates[step] = rate_at(step);
        for (size_t i = 0; i < panel->count; i++)
            law[step][i] = log1p(rates[step] * (double)i);
    }
    struct panel_line best = {0};
    for (size_t corner = 2; corner < panel->count; corner++)
        for (int step = 0; step < RATES; step++) {
            struct panel_line line = at_rate(panel, corner, law[step], rates[step]);
            keep_better(&best, &line);
        }
    return best;
}

double panel_residual(const struct panel *panel, const struct panel_line *line)
{
    return panel->interaction + (double)panel->clients * line->residual + panel->floor;
}
