#include "rules/lib/sights.h"

#include <assert.h>

static bool outweighs(const struct sight *a, const struct sight *b)
{
    if (a->show != b->show)
        return a->show > b->show;
    return a->measured > b->measured;
}

static struct sight worst_of(const struct sights_rule *rule, const struct trace *trace,
                             const struct connections *all, size_t first, size_t end,
                             const void *limits)
{
    struct sight worst = {0};
    for (size_t i = first; i < end; i++) {
        const struct connection *c = &all->list[i];
        struct sight sight = {.show = SIGHT_OWN_CLIENT};
        if (c->client_by != BY_BUILTIN)
            sight = rule->look(trace, c, limits);
        assert(sight.show >= 0 && sight.show < rule->shows);
        if (outweighs(&sight, &worst))
            worst = sight;
    }
    return worst;
}

static void report(const struct sights_rule *rule, const struct sights *sights, const void *limits,
                   struct findings *out)
{
    struct text text;
    if (sights->show == SIGHT_OWN_CLIENT) {
        finding_own_client(out);
        return;
    }
    text_init(&text);
    tally_add_who(&sights->tally, sights->clients, &text);
    rule->add_sentence(&text, sights, limits);
    struct finding *finding =
        finding_add(out, rule->verdicts[sights->show], "%s", text_chars(&text));
    finding_evidence(finding, sights->tally.from, sights->tally.to);
    rule->add_facts(finding, sights, limits);
    text_fini(&text);
}

void sights_judge(const struct sights_rule *rule, const struct trace *trace, const void *limits,
                  struct findings *out)
{
    struct sights sights[SIGHTS_LIMIT] = {{0}};
    struct connections all;
    size_t clients = 0, end;
    assert(rule->shows <= SIGHTS_LIMIT);
    connections_of(trace, &all);
    for (size_t first = 0; first < all.count; first = end) {
        end = connections_of_client_end(&all, first);
        struct sight sight = worst_of(rule, trace, &all, first, end, limits);
        clients++;
        tally_add(&sights[sight.show].tally, sight.measured, sight.from, sight.to);
    }
    for (int show = rule->shows - 1; show > SIGHT_NOTHING; show--) {
        sights[show].show = show;
        sights[show].clients = clients;
        if (sights[show].tally.count > 0)
            report(rule, &sights[show], limits, out);
    }
    connections_fini(&all);
}
