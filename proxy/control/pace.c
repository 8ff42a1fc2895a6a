#include "control/pace.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/proof.h"
#include "net/timeenv.h"
#include "net/timepage.h"

struct pace {
    double speed;
    bool possible;
    struct timeenv_libraries libraries;
    struct timepage *page;
    struct text why; /* the newest doubt */
};

struct pace *pace_new(double speed)
{
    struct pace *pace = xcalloc(1, sizeof *pace);
    pace->speed = speed;
    text_init(&pace->why);
    if (speed <= 1 || !timeenv_find(&pace->libraries, &pace->why))
        return pace;
    pace->page = timepage_new(&pace->why);
    pace->possible = pace->page != NULL;
    return pace;
}

void pace_free(struct pace *pace)
{
    if (!pace)
        return;
    timepage_free(pace->page);
    timeenv_libraries_fini(&pace->libraries);
    text_fini(&pace->why);
    free(pace);
}

char **pace_environment(struct pace *pace, nsec elapsed)
{
    char **words = xcalloc(TIMEENV_ENTRIES + 1, sizeof *words);
    struct timeenv environment;
    if (!pace->possible)
        return words;
    timeenv_init(&environment, &pace->libraries, pace->speed, elapsed, timepage_path(pace->page),
                 getenv("LD_PRELOAD"));
    for (size_t i = 0; i < TIMEENV_ENTRIES && environment.entries[i]; i++)
        words[i] = xstrdup(environment.entries[i]);
    timeenv_fini(&environment);
    return words;
}

void pace_free_environment(char **words)
{
    for (size_t i = 0; words[i]; i++)
        free(words[i]);
    free(words);
}

bool pace_is_kept(struct pace *pace, const struct process *process, uint16_t local_port,
                  uint16_t remote_port, const char **why)
{
    struct proctree tree;
    if (pace->speed <= 1)
        return true;
    *why = text_chars(&pace->why);
    if (!pace->possible)
        return false;
    text_clear(&pace->why);
    process_tree(process, &tree);
    enum proof proof =
        proof_of_socket(pace->page, &tree, local_port, remote_port, pace->speed, &pace->why);
    *why = proof == PROOF_SCALED ? NULL : text_chars(&pace->why);
    return proof == PROOF_SCALED;
}

void pace_sweep(const struct pace *pace, const struct process *process)
{
    if (pace->possible)
        timeenv_sweep(process_pid(process));
}
