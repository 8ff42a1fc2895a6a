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
    atomic_size_t at[WORKERS_LIMIT]; /* the piece each worker took last; none: their count */
};

struct worker {
    pid_t pid;
    int fd; /* what it reports; -1: it has ended */
    struct text reports;
};

struct crew {
    struct worker workers[WORKERS_LIMIT];
    size_t size;
    struct board *board;
    piece_work work;
    void *context;
    struct piece *pieces;
    bool *done; /* of each piece: it was reported, or its failure noted */
    size_t count;
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

static void work_on(const struct crew *crew, atomic_size_t *at, int fd)
{
    size_t number;
    while ((number = atomic_fetch_add(&crew->board->next, 1)) < crew->count) {
        struct piece piece = {0};
        atomic_store(at, number);
        do_piece(crew->work, crew->context, number, &piece);
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

/* A report that was cut short is of a piece that failed. */
static void take_reports(struct crew *crew, struct text *reports)
{
    struct report head;
    const char *at = text_chars(reports), *end = at + reports->len;
    while ((size_t)(end - at) >= sizeof head) {
        memcpy(&head, at, sizeof head);
        at += sizeof head;
        if ((size_t)(end - at) < head.failures_len + head.out_len)
            return;
        struct piece *piece = &crew->pieces[head.piece];
        piece->checks.passed = head.passed;
        piece->took = head.took;
        piece->work = head.work;
        text_add_bytes(&piece->checks.failures, at, head.failures_len);
        text_add_bytes(&piece->out, at + head.failures_len, head.out_len);
        at += head.failures_len + head.out_len;
        crew->done[head.piece] = true;
    }
}

/* at: the piece it took last, or count. */
static void bury(struct crew *crew, const struct worker *worker, size_t at)
{
    int status = 0;
    char message[120];
    (void)waitpid(worker->pid, &status, 0);
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    if (well && (at == crew->count || crew->done[at]))
        return;
    at = at < crew->count ? at : 0;
    snprintf(message, sizeof message, "piece %zu: its process ended %s %d", at,
             WIFSIGNALED(status) ? "by signal" : "with status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    checks_fail(&crew->pieces[at].checks, __FILE__, __LINE__, message);
    crew->done[at] = true;
}

static void start(struct crew *crew, size_t index)
{
    struct worker *worker = &crew->workers[index];
    atomic_size_t *at = &crew->board->at[index];
    int ends[2];
    int made = pipe(ends);
    assert(made == 0);
    atomic_store(at, crew->count);
    (void)fflush(NULL); /* or what waits to be printed is printed by each */
    *worker = (struct worker){.pid = fork(), .fd = ends[0]};
    assert(worker->pid >= 0);
    if (worker->pid == 0) {
        (void)close(ends[0]);
        work_on(crew, at, ends[1]);
        exit(EXIT_SUCCESS); /* a sanitizer looks for what leaked */
    }
    (void)close(ends[1]);
}

/* Another goes on in its place, as long as each gets to a piece at least. */
static void ended(struct crew *crew, size_t index)
{
    struct worker *worker = &crew->workers[index];
    size_t at = atomic_load(&crew->board->at[index]);
    (void)close(worker->fd);
    worker->fd = -1;
    take_reports(crew, &worker->reports);
    text_fini(&worker->reports);
    bury(crew, worker, at);
    if (at < crew->count && atomic_load(&crew->board->next) < crew->count)
        start(crew, index);
}

static void read_from(struct crew *crew, size_t index)
{
    static char bytes[READ_BYTES];
    ssize_t len = read(crew->workers[index].fd, bytes, sizeof bytes);
    if (len > 0)
        text_add_bytes(&crew->workers[index].reports, bytes, (size_t)len);
    else
        ended(crew, index);
}

/* false: all have ended. */
static bool read_reports(struct crew *crew)
{
    struct pollfd polled[WORKERS_LIMIT];
    bool open = false;
    for (size_t i = 0; i < crew->size; i++) {
        polled[i] = (struct pollfd){.fd = crew->workers[i].fd, .events = POLLIN};
        open = open || crew->workers[i].fd >= 0;
    }
    if (!open)
        return false;
    (void)poll(polled, crew->size, -1); /* interrupted: nothing is ready */
    for (size_t i = 0; i < crew->size; i++)
        if (polled[i].revents != 0)
            read_from(crew, i);
    return true;
}

static void work_in_processes(struct crew *crew)
{
    crew->board = board_new();
    crew->done = xcalloc(crew->count, sizeof *crew->done);
    for (size_t i = 0; i < crew->size; i++)
        start(crew, i);
    while (read_reports(crew)) {
    }
    for (size_t i = 0; i < crew->count; i++)
        if (!crew->done[i])
            checks_fail(&crew->pieces[i].checks, __FILE__, __LINE__,
                        "no process was left to do it");
    free(crew->done);
    (void)munmap(crew->board, sizeof *crew->board);
}

void pieces_work(size_t count, piece_work work, void *context, struct piece *pieces)
{
    struct crew crew = {.size = worker_count(count),
                        .work = work,
                        .context = context,
                        .pieces = pieces,
                        .count = count};
    if (crew.size > 1)
        work_in_processes(&crew);
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
