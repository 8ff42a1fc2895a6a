#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

#define NAME_LIMIT 63 /* longer names are never near */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NAME_LIMIT + 2];
    size_t *before = rows[0], *previous = rows[1], *current = rows[2];
    size_t a_len = strlen(a), b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++)
        previous[j] = before[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        current[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t cost = a[i - 1] != b[j - 1];
            current[j] = least(least(previous[j] + 1, current[j - 1] + 1), previous[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                current[j] = least(current[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = previous;
        previous = current;
        current = spare;
    }
    return previous[b_len];
}

const char *nearest_name(const char *written, const char *const *names, size_t count)
{
    size_t len = strlen(written), best = len / 3 > 1 ? len / 3 : 1;
    const char *found = NULL;
    bool twice = false;
    if (len == 0 || len > NAME_LIMIT)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t far = strlen(names[i]) > NAME_LIMIT ? NAME_LIMIT : distance(written, names[i]);
        if (far > best || (found && strcmp(found, names[i]) == 0))
            continue;
        twice = found && far == best;
        if (!found || far < best)
            found = names[i];
        best = far;
    }
    return twice ? NULL : found;
}
