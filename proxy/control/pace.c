#include "control/pace.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/proof.h"
#include "net/timeenv.h"
#include "net/timepage.h"

#define QUESTIONS_LIMIT 256

struct question {
    pid_t root;
    char *mark;
    uint16_t local_port, remote_port;
};

struct pace {
    double speed;
    bool possible;
    struct timeenv_libraries libraries;
    struct timepage *page;
    struct text why; /* the newest doubt; why it is impossible */
    struct question questions[QUESTIONS_LIMIT];
    size_t count;
    pthread_t thread;
    bool has_thread;
    atomic_int answer; /* enum pace_answer */
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

static void forget_questions(struct pace *pace)
{
    for (size_t i = 0; i < pace->count; i++)
        free(pace->questions[i].mark);
    pace->count = 0;
}

static void join(struct pace *pace)
{
    if (pace->has_thread)
        (void)pthread_join(pace->thread, NULL); /* ours, joined once */
    pace->has_thread = false;
}

void pace_free(struct pace *pace)
{
    if (!pace)
        return;
    join(pace);
    forget_questions(pace);
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

/* --- Checking --- */

void pace_question(struct pace *pace, const struct process *process, uint16_t local_port,
                   uint16_t remote_port)
{
    if (pace->count == QUESTIONS_LIMIT)
        return;
    pace->questions[pace->count++] = (struct question){.root = process_pid(process),
                                                       .mark = xstrdup(process_mark(process)),
                                                       .local_port = local_port,
                                                       .remote_port = remote_port};
}

/* In the thread: touches the questions, the page and the words, which nobody else does meanwhile.
 */
static void *answer(void *context)
{
    struct pace *pace = context;
    struct census *census = census_take();
    struct socket_table *sockets = socket_table_read();
    struct proctree *tree = xmalloc(sizeof *tree);
    enum proof proof = PROOF_SCALED;
    for (size_t i = 0; i < pace->count && proof == PROOF_SCALED; i++) {
        const struct question *q = &pace->questions[i];
        proctree_in(census, q->root, q->mark, tree);
        bool has_socket = q->local_port || q->remote_port;
        proof = has_socket ? proof_of_socket(pace->page, sockets, tree, q->local_port,
                                             q->remote_port, pace->speed, &pace->why)
                           : proof_of_reports(pace->page, q->root, tree, &pace->why);
    }
    free(tree);
    socket_table_free(sockets);
    census_free(census);
    atomic_store(&pace->answer, proof == PROOF_SCALED ? PACE_KEPT : PACE_IN_DOUBT);
    return NULL;
}

void pace_ask(struct pace *pace)
{
    if (pace->speed <= 1 || !pace->possible) {
        atomic_store(&pace->answer, pace->speed <= 1 ? PACE_KEPT : PACE_IN_DOUBT);
        return;
    }
    text_clear(&pace->why);
    atomic_store(&pace->answer, PACE_PENDING);
    sigset_t all, before;
    (void)sigfillset(&all); /* cannot fail; signals stay with the loop */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pace->has_thread = pthread_create(&pace->thread, NULL, answer, pace) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!pace->has_thread)
        (void)answer(pace);
}

enum pace_answer pace_take_answer(struct pace *pace, const char **why)
{
    enum pace_answer now = (enum pace_answer)atomic_load(&pace->answer);
    if (now != PACE_KEPT && now != PACE_IN_DOUBT)
        return now;
    join(pace);
    forget_questions(pace);
    *why = now == PACE_KEPT ? NULL : text_chars(&pace->why);
    atomic_store(&pace->answer, PACE_NOT_ASKED);
    return now;
}

void pace_sweep(const struct pace *pace, const struct process *process)
{
    if (pace->possible)
        timeenv_sweep(process_pid(process));
}
