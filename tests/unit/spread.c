#include "tests/spread.h"

#include <assert.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/loop.h"
#include "tests/unit/pieces.h"

#define WORKERS_LIMIT 64
#define READ_BYTES    ((size_t)64 << 10)

typedef void (*piece_work)(void *context, size_t piece, struct text *out);

/* What all processes see. */
struct board {
    atomic_size_t next;
    atomic_size_t at[WORKERS_LIMIT]; /* the piece each worker took last */
};

struct worker {
    pid_t pid;
    int fd; /* what it reports; -1: it has ended */
    struct text reports;
};

/* Before the failures and the output of a piece. */
struct report {
    size_t piece, passed, failures_len, out_len;
    double took, work;
};

void piece_fini(struct piece *piece)
{
    checks_fini(&piece->checks);
    text_fini(&piece->out);
}

/* --- One piece --- */

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double processor_time(void)
{
    struct rusage self, children;
    (void)getrusage(RUSAGE_SELF, &self);
    (void)getrusage(RUSAGE_CHILDREN, &children);
    return seconds(self.ru_utime) + seconds(self.ru_stime) + seconds(children.ru_utime) +
           seconds(children.ru_stime);
}

double wall_time(void)
{
    return nsec_to_seconds(loop_now());
}

static void do_piece(piece_work work, void *context, size_t number, struct piece *piece)
{
    struct checks *before = checks_make(&piece->checks);
    double began = wall_time(), worked = processor_time();
    work(context, number, &piece->out);
    piece->took = wall_time() - began;
    piece->work = processor_time() - worked;
    (void)checks_make(before);
}

/* --- In a worker --- */

static void write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t written = write(fd, at, len);
        if (written <= 0)
            exit(EXIT_FAILURE); /* there is nobody to tell */
        at += written;
        len -= (size_t)written;
    }
}

static void report(int fd, size_t number, const struct piece *piece)
{
    struct report head = {.piece = number,
                          .passed = piece->checks.passed,
                          .failures_len = piece->checks.failures.len,
                          .out_len = piece->out.len,
                          .took = piece->took,
                          .work = piece->work};
    write_all(fd, &head, sizeof head);
    write_all(fd, text_chars(&piece->checks.failures), head.failures_len);
    write_all(fd, text_chars(&piece->out), head.out_len);
}

static void work_on(struct board *board, atomic_size_t *at, size_t count, piece_work work,
                    void *context, int fd)
{
    size_t number;
    while ((number = atomic_fetch_add(&board->next, 1)) < count) {
        struct piece piece = {0};
        atomic_store(at, number);
        do_piece(work, context, number, &piece);
        report(fd, number, &piece);
        piece_fini(&piece);
    }
}

/* --- Above the workers --- */

static size_t worker_count(size_t pieces)
{
    const char *wanted = getenv("CHECK_JOBS");
    long count = wanted ? strtol(wanted, NULL, 10) : sysconf(_SC_NPROCESSORS_ONLN);
    size_t most = pieces < WORKERS_LIMIT ? pieces : WORKERS_LIMIT;
    if (count < 1)
        return 1;
    return (size_t)count < most ? (size_t)count : most;
}

static struct board *board_new(void)
{
    struct board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert(board != MAP_FAILED);
    return board;
}

static void read_reports(struct worker *workers, size_t count)
{
    struct pollfd polled[WORKERS_LIMIT];
    static char bytes[READ_BYTES];
    size_t open = count;
    while (open > 0) {
        for (size_t i = 0; i < count; i++)
            polled[i] = (struct pollfd){.fd = workers[i].fd, .events = POLLIN};
        (void)poll(polled, count, -1); /* interrupted: nothing is ready */
        for (size_t i = 0; i < count; i++) {
            if (workers[i].fd < 0 || polled[i].revents == 0)
                continue;
            ssize_t len = read(workers[i].fd, bytes, sizeof bytes);
            if (len > 0) {
                text_add_bytes(&workers[i].reports, bytes, (size_t)len);
                continue;
            }
            (void)close(workers[i].fd);
            workers[i].fd = -1;
            open--;
        }
    }
}

/* A report that was cut short is of a piece that failed. */
static void take_reports(const struct text *reports, struct piece *pieces, bool *done)
{
    struct report head;
    const char *at = text_chars(reports), *end = at + reports->len;
    while ((size_t)(end - at) >= sizeof head) {
        memcpy(&head, at, sizeof head);
        at += sizeof head;
        if ((size_t)(end - at) < head.failures_len + head.out_len)
            return;
        struct piece *piece = &pieces[head.piece];
        piece->checks.passed = head.passed;
        piece->took = head.took;
        piece->work = head.work;
        text_add_bytes(&piece->checks.failures, at, head.failures_len);
        text_add_bytes(&piece->out, at + head.failures_len, head.out_len);
        at += head.failures_len + head.out_len;
        done[head.piece] = true;
    }
}

static void bury(const struct worker *worker, size_t at, struct piece *pieces, bool *done)
{
    int status = 0;
    char message[80];
    if (waitpid(worker->pid, &status, 0) == worker->pid && WIFEXITED(status) &&
        WEXITSTATUS(status) == EXIT_SUCCESS)
        return;
    if (WIFSIGNALED(status))
        snprintf(message, sizeof message, "its process ended by signal %d", WTERMSIG(status));
    else
        snprintf(message, sizeof message, "its process ended with status %d", WEXITSTATUS(status));
    checks_fail(&pieces[at].checks, __FILE__, __LINE__, message);
    done[at] = true;
}

static void start(struct worker *worker, atomic_size_t *at, struct board *board, size_t count,
                  piece_work work, void *context)
{
    int ends[2];
    int made = pipe(ends);
    assert(made == 0);
    *worker = (struct worker){.pid = fork(), .fd = ends[0]};
    assert(worker->pid >= 0);
    if (worker->pid == 0) {
        (void)close(ends[0]);
        work_on(board, at, count, work, context, ends[1]);
        exit(EXIT_SUCCESS); /* a sanitizer looks for what leaked */
    }
    (void)close(ends[1]);
}

static void work_in_processes(size_t workers, size_t count, piece_work work, void *context,
                              struct piece *pieces)
{
    struct worker list[WORKERS_LIMIT];
    struct board *board = board_new();
    bool *done = xcalloc(count, sizeof *done);
    (void)fflush(NULL); /* or what waits to be printed is printed by each */
    for (size_t i = 0; i < workers; i++)
        start(&list[i], &board->at[i], board, count, work, context);
    read_reports(list, workers);
    for (size_t i = 0; i < workers; i++) {
        take_reports(&list[i].reports, pieces, done);
        text_fini(&list[i].reports);
    }
    for (size_t i = 0; i < workers; i++)
        bury(&list[i], atomic_load(&board->at[i]), pieces, done);
    for (size_t i = 0; i < count; i++)
        if (!done[i])
            checks_fail(&pieces[i].checks, __FILE__, __LINE__, "no process was left to do it");
    free(done);
    (void)munmap(board, sizeof *board);
}

void pieces_work(size_t count, piece_work work, void *context, struct piece *pieces)
{
    size_t workers = worker_count(count);
    if (workers > 1)
        work_in_processes(workers, count, work, context, pieces);
    else
        for (size_t i = 0; i < count; i++)
            do_piece(work, context, i, &pieces[i]);
}

void spread(size_t count, piece_work work, void *context, struct text *outs)
{
    struct piece *pieces = xcalloc(count, sizeof *pieces);
    pieces_work(count, work, context, pieces);
    for (size_t i = 0; i < count; i++) {
        checks_count(&pieces[i].checks);
        if (outs) {
            outs[i] = pieces[i].out;
            text_init(&pieces[i].out);
        }
        piece_fini(&pieces[i]);
    }
    free(pieces);
}
