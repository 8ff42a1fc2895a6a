#include "net/files.h"

#include <stddef.h>

void files_raise(struct rlimit *before)
{
    struct rlimit granted = {0};
    if (getrlimit(RLIMIT_NOFILE, &granted) != 0)
        return;
    if (before)
        *before = granted;
    granted.rlim_cur = granted.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &granted); /* else it stays as it was */
}

void files_restore(const struct rlimit *before)
{
    if (before->rlim_max > 0)
        (void)setrlimit(RLIMIT_NOFILE, before); /* which is less than it has */
}
