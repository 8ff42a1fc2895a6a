#include "net/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/mem.h"

#define PIPE_BYTES        (1 << 20) /* a process that prints does not wait for us */
#define READS_WHEN_SETTLE 64        /* what prints without end is not waited for */

struct output {
    ev_io io;
    struct loop *loop;
    int pipe; /* -1: it has ended */
    int file;
    uint64_t all;     /* bytes printed */
    size_t beginning; /* of them in the file for good */
    uint8_t *end;     /* ring of the newest that are not; NULL: all fitted */
    size_t end_at, end_len;
    struct lines lines; /* nobody listens: no on_line */
    bool stale;         /* the file's end is not what it should be */
};

/* A full disk costs the log, not the run. */
static void write_at(int file, const void *bytes, size_t len, off_t at)
{
    const uint8_t *left = bytes;
    while (len > 0) {
        ssize_t written = pwrite(file, left, len, at);
        if (written <= 0)
            return;
        left += written;
        at += written;
        len -= (size_t)written;
    }
}

static void keep_end(struct output *output, const uint8_t *bytes, size_t len)
{
    if (!output->end)
        output->end = xmalloc(OUTPUT_END_BYTES);
    if (len > OUTPUT_END_BYTES) {
        bytes += len - OUTPUT_END_BYTES;
        len = OUTPUT_END_BYTES;
    }
    size_t first = OUTPUT_END_BYTES - output->end_at;
    first = first < len ? first : len;
    memcpy(output->end + output->end_at, bytes, first);
    memcpy(output->end, bytes + first, len - first);
    output->end_at = (output->end_at + len) % OUTPUT_END_BYTES;
    output->end_len += len;
    if (output->end_len > OUTPUT_END_BYTES)
        output->end_len = OUTPUT_END_BYTES;
    output->stale = true;
}

void output_listen(struct output *output,
                   void (*on_line)(void *context, const char *line, size_t len), void *context)
{
    output->lines.on_line = on_line;
    output->lines.context = context;
}

static void take(struct output *output, const uint8_t *bytes, size_t len)
{
    size_t space = OUTPUT_BEGINNING_BYTES - output->beginning;
    size_t first = len < space ? len : space;
    write_at(output->file, bytes, first, (off_t)output->beginning);
    output->beginning += first;
    output->all += len;
    if (len > first)
        keep_end(output, bytes + first, len - first);
    if (output->lines.on_line)
        lines_feed(&output->lines, bytes, len);
}

static void close_pipe(struct output *output)
{
    if (output->pipe < 0)
        return;
    ev_io_stop(loop_ev(output->loop), &output->io);
    close(output->pipe);
    output->pipe = -1;
    lines_end(&output->lines);
}

/* false: there is nothing more for now. */
static bool read_some(struct output *output)
{
    if (output->pipe < 0)
        return false;
    uint8_t *bytes = loop_scratch(output->loop);
    ssize_t len = read(output->pipe, bytes, LOOP_SCRATCH_BYTES);
    if (len > 0)
        take(output, bytes, (size_t)len);
    else if (len == 0 || errno != EAGAIN)
        close_pipe(output);
    return len > 0;
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    (void)ev;
    (void)events;
    (void)read_some(watcher->data);
}

static void write_end(struct output *output)
{
    char note[80];
    uint64_t left_out = output->all - output->beginning - output->end_len;
    off_t at = (off_t)output->beginning;
    size_t wrapped = output->end_len == OUTPUT_END_BYTES ? output->end_at : 0;
    if (left_out > 0) {
        int len = snprintf(note, sizeof note, "\n[halfopen: %llu bytes left out here]\n",
                           (unsigned long long)left_out);
        write_at(output->file, note, (size_t)len, at);
        at += len;
    }
    write_at(output->file, output->end + wrapped, output->end_len - wrapped, at);
    write_at(output->file, output->end, wrapped, at + (off_t)(output->end_len - wrapped));
    (void)ftruncate(output->file, at + (off_t)output->end_len); /* the disk is full: see write_at */
    output->stale = false;
}

void output_settle(struct output *output)
{
    for (int i = 0; i < READS_WHEN_SETTLE && read_some(output); i++)
        ;
    if (output->stale)
        write_end(output);
}

static bool open_ends(const char *path, int ends[2], int *file)
{
    *file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (*file < 0)
        return false;
    if (pipe2(ends, O_CLOEXEC) == 0) {
        (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* refused above a user's share: smaller */
        if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
            return true;
        close(ends[0]);
        close(ends[1]);
    }
    close(*file);
    return false;
}

struct output *output_new(struct loop *loop, const char *path, int *write_end)
{
    int ends[2], file;
    if (!open_ends(path, ends, &file))
        return NULL;
    struct output *output = xcalloc(1, sizeof *output);
    output->loop = loop;
    output->pipe = ends[0];
    output->file = file;
    *write_end = ends[1];
    ev_io_init(&output->io, on_readable, output->pipe, EV_READ);
    output->io.data = output;
    ev_io_start(loop_ev(loop), &output->io);
    return output;
}

void output_free(struct output *output)
{
    if (!output)
        return;
    output_settle(output);
    close_pipe(output);
    close(output->file);
    free(output->end);
    lines_fini(&output->lines);
    free(output);
}
