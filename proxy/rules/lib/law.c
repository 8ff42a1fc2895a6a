#include "rules/lib/law.h"

#include <math.h>

#include "rules/lib/student.h"

#define WIDER 1.03 /* the step into a plateau is not a whole one */

static void measure_error(struct law *law, int corners_sought)
{
    double clients = (double)law->panel.clients;
    law->freedom = clients * ((double)law->panel.count - 1) - 1 - corners_sought;
    if (law->line.corner == 0)
        law->freedom = 0;
    if (law->freedom <= 0)
        return;
    double variance = panel_residual(&law->panel, &law->line) / law->freedom;
    law->error = sqrt(variance / (clients * law->line.spread));
}

void law_fit(struct law *law, const struct delays *delays, size_t from, double eps)
{
    *law = (struct law){.wider = WIDER};
    panel_init(&law->panel, delays, from, eps);
    law->line = panel_exponential(&law->panel);
    measure_error(law, 1);
}

void law_fit_to(struct law *law, const struct delays *delays, size_t from, size_t corner,
                double eps)
{
    *law = (struct law){.wider = 1};
    panel_init(&law->panel, delays, from, eps);
    law->line = panel_line(&law->panel, corner);
    measure_error(law, 0);
}

double law_factor(const struct law *law)
{
    return exp(law->line.slope);
}

double law_limit(const struct law *law, double alpha, int sign)
{
    if (law->freedom <= 0)
        return sign < 0 ? 0 : HUGE_VAL;
    double reach = student_quantile(1 - alpha, law->freedom) * law->error;
    return exp(law->line.slope + sign * reach) * pow(law->wider, sign);
}

double law_compare(const struct law *law, size_t *linear_corner)
{
    struct panel_line linear = panel_linear(&law->panel);
    *linear_corner = linear.corner;
    if (law->freedom <= 0)
        return 0;
    return law->freedom *
           log(panel_residual(&law->panel, &linear) / panel_residual(&law->panel, &law->line));
}
