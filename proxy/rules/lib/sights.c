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
        struct sight sight = rule->look(trace, &all->list[i], limits);
        assert(sight.show >= 0 && sight.show < rule->shows);
        if (outweighs(&sight, &worst))
            worst = sight;
    }
    return worst;
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
    for (int show = rule->shows - 1; show > 0; show--) {
        sights[show].show = show;
        sights[show].clients = clients;
        if (sights[show].tally.count > 0)
            rule->report(out, &sights[show], limits);
    }
    connections_fini(&all);
}
