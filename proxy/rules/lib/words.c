#include "rules/lib/words.h"

#include "base/units.h"

const char words_mute_server[] =
    " sent heartbeats of the application, which halfopen's own server cannot "
    "answer; give the real one (server in the target file)";

void words_add_time(struct text *out, const char *before, nsec time, const char *behind)
{
    text_add(out, before);
    units_add_duration(out, time);
    text_add(out, behind);
}

void words_add_range(struct text *out, const char *before, const struct tally *tally,
                     const char *behind)
{
    text_add(out, before);
    tally_add_range(tally, out);
    text_add(out, behind);
}
