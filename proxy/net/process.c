#include "net/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/files.h"
#include "net/output.h"
#include "net/watcher.h"

#define MARK              "HALFOPEN_PROCESS"
#define ENVIRONMENT_LIMIT 4096
#define TAIL_BYTES        ((size_t)64 << 10)
#define CENSUS_AGE        (50 * NSEC_PER_MSEC)
#define KILL_ROUNDS       8 /* what forks while it is being killed is found again */

extern char **environ;

struct process {
    struct timer patience; /* must stay first */
    struct processes *all;
    struct process *next;
    pid_t pid;
    int input; /* -1: none */
    char *mark, *output;
    struct output *printed; /* NULL: nobody wants it */
    struct text how;
    bool exited, asked, ending;
    struct usage taken; /* when it has exited */
    void (*on_exit)(void *context, struct process *);
    void *context;
};

struct processes {
    struct loop *loop;
    struct watcher *watcher; /* NULL: it could not be started */
    char *mark; /* of this program: no process of another one has it, even under the same number */
    struct process *list;
    uint64_t started;
    struct rlimit files;    /* open files that children may have */
    struct proctree before; /* what descended from us already: whoever became us had started it */
    struct census *census;  /* the newest taken; NULL: none yet */
    nsec census_at;
};

/* --- Ending --- */

/* Many processes end at once, and each asks who is left: they share a look around. What was forked
 * since is found when patience is over. */
static struct census *recent_census(struct processes *all)
{
    nsec now = loop_now();
    if (!all->census || now - all->census_at > CENSUS_AGE) {
        census_free(all->census);
        all->census = census_take();
        all->census_at = now;
    }
    return all->census;
}

static void signal_tree(const struct process *process, struct census *census, int number)
{
    struct proctree *tree = xmalloc(sizeof *tree);
    proctree_in(census, process->pid, process->mark, tree);
    if (!process->exited)
        (void)kill(-process->pid, number); /* gone meanwhile: what was wanted */
    for (size_t i = 0; i < tree->count; i++)
        (void)kill(tree->pids[i], number);
    free(tree);
}

static bool has_left_any(const struct process *process, struct census *census)
{
    struct proctree *tree = xmalloc(sizeof *tree);
    proctree_in(census, process->pid, process->mark, tree);
    bool any = false;
    for (size_t i = 0; i < tree->count && !any; i++)
        any = kill(tree->pids[i], 0) == 0; /* it may have ended since */
    free(tree);
    return any;
}

static void kill_tree(const struct process *process)
{
    bool left = true;
    for (int i = 0; i < KILL_ROUNDS && left; i++) {
        struct census *census = census_take();
        left = has_left_any(process, census);
        if (left)
            signal_tree(process, census, SIGKILL);
        census_free(census);
    }
}

static void on_patience_over(struct timer *timer, nsec now)
{
    struct process *process = (struct process *)timer;
    kill_tree(process);
    process->ending = false;
}

void process_end(struct process *process)
{
    if (process->ending)
        return;
    process->asked = process->asked || !process->exited;
    process->ending = true;
    signal_tree(process, recent_census(process->all), SIGTERM);
    loop_timer_set(process->all->loop, &process->patience, loop_now() + PROCESS_PATIENCE);
}

/* --- Reaping --- */

static void close_input(struct process *process)
{
    if (process->input >= 0)
        close(process->input);
    process->input = -1;
}

static nsec time_of(const struct timeval *time)
{
    return (nsec)time->tv_sec * NSEC_PER_SEC + (nsec)time->tv_usec * NSEC_PER_USEC;
}

static void note_usage(struct process *process, const struct rusage *taken)
{
    process->taken.cpu = time_of(&taken->ru_utime) + time_of(&taken->ru_stime);
    process->taken.memory = (uint64_t)taken->ru_maxrss << 10;
}

static void note_exit(struct process *process, int status)
{
    command_exit_words(status, &process->how);
    process->exited = true;
    if (process->printed)
        output_settle(process->printed);
    close_input(process);
    if (process->on_exit)
        process->on_exit(process->context, process);
}

static struct process *process_of(struct processes *all, pid_t pid)
{
    for (struct process *process = all->list; process; process = process->next)
        if (process->pid == pid && !process->exited)
            return process;
    return NULL;
}

static void look_whether_ended(struct processes *all)
{
    for (struct process *process = all->list; process; process = process->next) {
        if (!process->ending || !process->exited || has_left_any(process, recent_census(all)))
            continue;
        process->ending = false;
        loop_timer_set(all->loop, &process->patience, NEVER);
    }
}

/* Orphans that came to us are reaped without a word. */
static void reap(struct processes *all)
{
    int status;
    pid_t pid;
    struct rusage taken;
    while ((pid = wait4(-1, &status, WNOHANG, &taken)) > 0) {
        struct process *process = process_of(all, pid);
        if (!process)
            continue;
        note_usage(process, &taken);
        note_exit(process, status);
    }
    look_whether_ended(all);
}

static void on_child(void *context, int number)
{
    reap(context);
}

/* --- Starting --- */

static bool names_same(const char *one, const char *other)
{
    size_t len = strcspn(one, "=");
    return strncmp(one, other, len) == 0 && other[len] == '=';
}

static bool is_overridden(const char *entry, const char *const *by)
{
    for (; by && *by; by++)
        if (names_same(entry, *by))
            return true;
    return names_same(entry, MARK "=");
}

/* Borrows the strings; the array is the caller's to free. */
static char **merged_environment(const char *const *extra, char *mark)
{
    char **out = xcalloc(ENVIRONMENT_LIMIT, sizeof *out);
    size_t count = 0;
    out[count++] = mark;
    for (size_t i = 0; extra && extra[i] && count < ENVIRONMENT_LIMIT - 1; i++)
        out[count++] = (char *)extra[i];
    for (char **entry = environ; *entry && count < ENVIRONMENT_LIMIT - 1; entry++)
        if (!is_overridden(*entry, extra))
            out[count++] = *entry;
    return out;
}

/* In the child: only what is safe between fork and exec. */
static void become(const struct process_spec *spec, pid_t parent, int input, int output,
                   char **environment, const struct rlimit *files)
{
    char *const words[] = {"/bin/sh", "-c", (char *)spec->command, NULL};
    sigset_t none;
    sigemptyset(&none);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before it could be noticed */
        _exit(127);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    files_restore(files);
    if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(126);
    if (spec->folder && chdir(spec->folder))
        _exit(126);
    execve(words[0], words, environment);
    _exit(127);
}

struct pipes {
    int child_input, our_input, output;
    struct output *printed;
};

static void close_all(const struct pipes *pipes)
{
    int error = errno;
    output_free(pipes->printed);
    const int fds[] = {pipes->child_input, pipes->our_input, pipes->output};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    errno = error;
}

static bool open_pipes(struct loop *loop, const struct process_spec *spec, struct pipes *pipes)
{
    int ends[2];
    *pipes = (struct pipes){.child_input = -1, .our_input = -1, .output = -1};
    if (spec->output)
        pipes->printed = output_new(loop, spec->output, &pipes->output);
    else
        pipes->output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (pipes->output < 0)
        return false;
    if (!spec->wants_input) {
        pipes->child_input = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return pipes->child_input >= 0;
    }
    if (pipe2(ends, O_CLOEXEC))
        return false;
    pipes->child_input = ends[0];
    pipes->our_input = ends[1];
    return fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0;
}

struct process *process_start(struct processes *all, const struct process_spec *spec)
{
    struct pipes pipes;
    if (!open_pipes(all->loop, spec, &pipes)) {
        close_all(&pipes);
        return NULL;
    }
    char *mark = xprintf("%s%llu", all->mark, (unsigned long long)++all->started);
    char **environment = merged_environment(spec->environment, mark);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(spec, parent, pipes.child_input, pipes.output, environment, &all->files);
    free(environment);
    if (pid < 0) {
        close_all(&pipes);
        free(mark);
        return NULL;
    }
    (void)setpgid(pid, pid); /* both do it: whoever is first */
    watcher_add(all->watcher, pid);
    struct process *process = xcalloc(1, sizeof *process);
    *process = (struct process){.patience = {.on_due = on_patience_over},
                                .all = all,
                                .next = all->list,
                                .pid = pid,
                                .input = pipes.our_input,
                                .mark = mark,
                                .output = xstrdup(spec->output ? spec->output : ""),
                                .printed = pipes.printed,
                                .on_exit = spec->on_exit,
                                .context = spec->context};
    text_init(&process->how);
    if (spec->on_line && pipes.printed)
        output_listen(pipes.printed, spec->on_line, spec->context);
    all->list = process;
    close(pipes.child_input);
    close(pipes.output);
    return process;
}

/* --- Life --- */

struct processes *processes_new(struct loop *loop)
{
    struct processes *all = xcalloc(1, sizeof *all);
    all->loop = loop;
    all->mark = xprintf(MARK "=%ld.%llx.", (long)getpid(), (unsigned long long)loop_now());
    all->watcher = watcher_start(all->mark);
    files_raise(&all->files);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* fails on old kernels: orphans are then init's */
    loop_on_signal(loop, SIGCHLD, on_child, all);
    struct census *census = census_take();
    proctree_ours(census, &all->before);
    census_free(census);
    return all;
}

/* What left its family, its session and its environment came to us when it lost its parent. false:
 * there is none. */
static bool kill_strangers(const struct processes *all)
{
    struct proctree *tree = xmalloc(sizeof *tree);
    struct census *census = census_take();
    bool any = false;
    proctree_ours(census, tree);
    for (size_t i = 0; i < tree->count; i++) {
        bool ours = true;
        for (size_t j = 0; j < all->before.count && ours; j++)
            ours = all->before.pids[j] != tree->pids[i];
        any = (ours && kill(tree->pids[i], SIGKILL) == 0) || any;
    }
    census_free(census);
    free(tree);
    return any;
}

void processes_free(struct processes *all)
{
    if (!all)
        return;
    while (all->list)
        process_free(all->list);
    for (int i = 0; i < KILL_ROUNDS && kill_strangers(all); i++)
        reap(all);
    reap(all);
    loop_on_signal(all->loop, SIGCHLD, NULL, NULL);
    watcher_stop(all->watcher);
    census_free(all->census);
    free(all->mark);
    free(all);
}

static void unlist(struct process *process)
{
    struct process **link = &process->all->list;
    while (*link != process)
        link = &(*link)->next;
    *link = process->next;
}

void process_free(struct process *process)
{
    if (!process)
        return;
    process->on_exit = NULL;
    kill_tree(process);
    if (!process->exited)
        (void)waitpid(process->pid, NULL, 0); /* killed: it comes at once */
    watcher_remove(process->all->watcher, process->pid);
    loop_timer_set(process->all->loop, &process->patience, NEVER);
    close_input(process);
    output_free(process->printed);
    unlist(process);
    text_fini(&process->how);
    free(process->mark);
    free(process->output);
    free(process);
}

bool process_send(struct process *process, const char *line)
{
    if (process->input < 0)
        return false;
    char *whole = xprintf("%s\n", line);
    size_t len = strlen(whole);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    (void)sigaction(SIGPIPE, &ignore, &before); /* a pipe knows no MSG_NOSIGNAL */
    ssize_t sent = write(process->input, whole, len);
    (void)sigaction(SIGPIPE, &before, NULL);
    free(whole);
    return sent == (ssize_t)len;
}

void process_signal(struct process *process, int number)
{
    if (!process->exited)
        (void)kill(-process->pid, number);
}

pid_t process_pid(const struct process *process)
{
    return process->pid;
}

bool process_exited(const struct process *process)
{
    return process->exited;
}

bool process_asked(const struct process *process)
{
    return process->asked;
}

const char *process_how(const struct process *process)
{
    return text_chars(&process->how);
}

const char *process_output(const struct process *process)
{
    return process->output;
}

const char *process_mark(const struct process *process)
{
    return process->mark;
}

void process_tree(const struct process *process, struct proctree *out)
{
    proctree_of(process->pid, process->mark, out);
}

void process_last_lines(struct process *process, size_t lines, struct text *out)
{
    if (process->printed)
        output_settle(process->printed);
    FILE *file = fopen(process->output, "re");
    if (!file)
        return;
    char *bytes = xmalloc(TAIL_BYTES);
    long at = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : 0;
    (void)fseek(file, at > (long)TAIL_BYTES ? at - (long)TAIL_BYTES : 0, SEEK_SET);
    size_t len = fread(bytes, 1, TAIL_BYTES, file);
    fclose(file);
    size_t start = len;
    /* The newline that ends the last line begins no other. */
    for (size_t seen = 0; start > 0; start--)
        if (bytes[start - 1] == '\n' && start != len && ++seen == lines)
            break;
    text_add_bytes(out, bytes + start, len - start);
    free(bytes);
}

void process_usage(const struct process *process, struct census *census, struct usage *usage)
{
    struct proctree tree;
    if (process->exited) {
        *usage = process->taken;
        return;
    }
    proctree_in(census, process->pid, process->mark, &tree);
    usage_of_tree(&tree, usage);
}
