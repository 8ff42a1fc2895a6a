#include "rules/lib/tally.h"

void tally_add(struct tally *tally, nsec measured, uint64_t from, uint64_t to)
{
    if (tally->count == 0)
        *tally = (struct tally){.least = measured, .most = measured, .from = from, .to = to};
    tally->count++;
    tally->least = nsec_min(tally->least, measured);
    tally->most = nsec_max(tally->most, measured);
    tally->from = from < tally->from ? from : tally->from;
    tally->to = to > tally->to ? to : tally->to;
}

void tally_add_who(const struct tally *tally, size_t of, struct text *out)
{
    if (of <= 1)
        text_add(out, "the client");
    else
        text_addf(out, "%zu of %zu clients", tally->count, of);
}

void tally_add_range(const struct tally *tally, struct text *out)
{
    double least = nsec_to_seconds(tally->least), most = nsec_to_seconds(tally->most);
    if (most - least < 0.05)
        text_addf(out, "%.1f s", most);
    else
        text_addf(out, "%.1f to %.1f s", least, most);
}
