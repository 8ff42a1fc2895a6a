#include "net/input.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/mem.h"

#define INPUT_FD 0

struct input {
    ev_io io;
    struct loop *loop;
    struct lines lines;
};

/* The descriptor is shared with whoever started us and is not made non-blocking: one read a turn,
 * when there is something. */
static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct input *input = watcher->data;
    uint8_t *bytes = loop_scratch(input->loop);
    ssize_t len = read(INPUT_FD, bytes, LOOP_SCRATCH_BYTES);
    (void)events;
    if (len > 0) {
        lines_feed(&input->lines, bytes, (size_t)len);
    } else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
        ev_io_stop(ev, watcher);
        lines_end(&input->lines);
    }
}

struct input *input_new(struct loop *loop,
                        void (*on_line)(void *context, const char *line, size_t len), void *context)
{
    struct input *input = xcalloc(1, sizeof *input);
    input->loop = loop;
    input->lines = (struct lines){.on_line = on_line, .context = context};
    ev_io_init(&input->io, on_readable, INPUT_FD, EV_READ);
    input->io.data = input;
    ev_io_start(loop_ev(loop), &input->io);
    return input;
}

void input_free(struct input *input)
{
    if (!input)
        return;
    ev_io_stop(loop_ev(input->loop), &input->io);
    lines_fini(&input->lines);
    free(input);
}
