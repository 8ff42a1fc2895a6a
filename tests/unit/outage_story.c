#include "tests/unit/outage_story.h"

#include "tests/check.h"

void outage_begin(struct outage_story *o)
{
    *o = (struct outage_story){.hang = 0.002, .next_conn = 1};
    story_begin(&o->story);
}

void outage_cut(struct outage_story *o, int client, double at)
{
    story_of(&o->story, client, o->next_conn++);
    story_open(&o->story, at - 10);
    story_fault(&o->story, at, "reset", SIDE_CLIENT, false);
    story_cut(&o->story, at, "reset", "rst");
    o->last = at > o->last ? at : o->last;
}

void outage_refused(struct outage_story *o, int client, double at)
{
    struct story *s = &o->story;
    story_of(s, client, o->next_conn++);
    story_attempt(s, at);
    struct event *ev = story_add(s, at + o->hang, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){
        .fault = "refuse", .label = "outage", .verb = "refuse", .detail = "rst", .count = 1};
    story_shut(s, at + o->hang, SIDE_CLIENT, BY_FAULT, "rst");
    o->last = at + o->hang > o->last ? at + o->hang : o->last;
}

double outage_retry(struct outage_story *o, int client, double at, const double *delays,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        outage_refused(o, client, at + delays[i]);
        at += delays[i] + o->hang;
    }
    return at;
}

void outage_of(struct outage_story *o, const char *schedule, struct size size, uint64_t seed)
{
    struct drawn drawn;
    struct rng rng;
    rng_init(&rng, seed, schedule, 0);
    schedule_draw(schedule_by_name(schedule), &hosts[0], size, &rng, &drawn);
    outage_begin(o);
    for (size_t k = 0; k < size.clients; k++)
        outage_cut(o, (int)k, OUTAGE_AT);
    for (size_t k = 0; k < size.clients; k++)
        (void)outage_retry(o, (int)k, OUTAGE_AT, drawn.delays[k], size.retries);
}

enum verdict outage_judge(struct outage_story *o, const struct rule_desc *rule)
{
    story_run_end(&o->story, o->last + 1);
    return story_judge(&o->story, rule, NULL);
}

void outage_expect(struct outage_story *o, const struct rule_desc *rule, enum verdict want,
                   const char *part)
{
    enum verdict got = outage_judge(o, rule);
    check_str(__FILE__, __LINE__, story_text(&o->story), verdict_name(got), verdict_name(want));
    CHECK_CONTAINS(story_text(&o->story), part);
    story_end(&o->story);
}
