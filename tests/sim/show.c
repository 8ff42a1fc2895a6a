#include "tests/sim/show.h"

struct show show_of(const char *yaml)
{
    struct show show = {0};
    struct sim_config cfg;
    struct text lines;
    struct plan *plan = sim_plan_of(yaml);
    sim_config_init(&cfg, plan);
    text_init(&lines);
    (void)sim_run(&cfg, &lines);
    show.trace = sim_read(&lines);
    sim_judge(&lines, &show.result);
    text_fini(&lines);
    plan_free(plan);
    return show;
}

void show_end(struct show *show)
{
    trace_free(show->trace);
    scenario_result_fini(&show->result);
}
