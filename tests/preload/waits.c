/* `waits NAME` waits in one way; `waits` lists the names. */
#include "waits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

static const struct timespec span = {.tv_sec = WAIT_SECONDS};

static struct timespec until(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_sec += WAIT_SECONDS;
    return t;
}

static bool sem_timed(void)
{
    sem_t sem;
    sem_init(&sem, 0, 0);
    struct timespec t = until(CLOCK_REALTIME);
    return sem_timedwait(&sem, &t) == -1 && errno == ETIMEDOUT;
}

static bool sem_clock(void)
{
    sem_t sem;
    sem_init(&sem, 0, 0);
    struct timespec t = until(CLOCK_MONOTONIC);
    return sem_clockwait(&sem, CLOCK_MONOTONIC, &t) == -1 && errno == ETIMEDOUT;
}

static bool cond_on(clockid_t clock)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, clock);
    pthread_cond_init(&cond, &attributes);
    pthread_mutex_lock(&mutex);
    struct timespec t = until(clock);
    return pthread_cond_timedwait(&cond, &mutex, &t) == ETIMEDOUT;
}

static bool cond_timed_civil(void)
{
    return cond_on(CLOCK_REALTIME);
}

static bool cond_timed_monotonic(void)
{
    return cond_on(CLOCK_MONOTONIC);
}

static bool cond_clock(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&mutex);
    struct timespec t = until(CLOCK_MONOTONIC);
    return pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &t) == ETIMEDOUT;
}

static bool c11_cond(void)
{
    mtx_t mutex;
    cnd_t cond;
    mtx_init(&mutex, mtx_plain);
    cnd_init(&cond);
    mtx_lock(&mutex);
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    t.tv_sec += WAIT_SECONDS;
    return cnd_timedwait(&cond, &mutex, &t) == thrd_timedout;
}

static void *hold(void *lock)
{
    pthread_mutex_lock(lock);
    pause();
    return NULL;
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static pthread_t holder(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, hold, &held);
    while (pthread_mutex_trylock(&held) == 0) {
        pthread_mutex_unlock(&held);
        sched_yield();
    }
    return thread;
}

static bool mutex_timed(void)
{
    holder();
    struct timespec t = until(CLOCK_REALTIME);
    return pthread_mutex_timedlock(&held, &t) == ETIMEDOUT;
}

static bool mutex_clock(void)
{
    holder();
    struct timespec t = until(CLOCK_MONOTONIC);
    return pthread_mutex_clocklock(&held, CLOCK_MONOTONIC, &t) == ETIMEDOUT;
}

static bool join_timed(void)
{
    pthread_t thread = holder();
    struct timespec t = until(CLOCK_REALTIME);
    return pthread_timedjoin_np(thread, NULL, &t) == ETIMEDOUT;
}

static bool join_clock(void)
{
    pthread_t thread = holder();
    struct timespec t = until(CLOCK_MONOTONIC);
    return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &t) == ETIMEDOUT;
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void *hold_rwlock(void *ready)
{
    pthread_rwlock_wrlock(&rwlock);
    sem_post(ready);
    pause();
    return NULL;
}

static void rwlock_holder(void)
{
    pthread_t thread;
    sem_t ready;
    sem_init(&ready, 0, 0);
    pthread_create(&thread, NULL, hold_rwlock, &ready);
    sem_wait(&ready);
}

static bool rwlock_timed(void)
{
    rwlock_holder();
    struct timespec t = until(CLOCK_REALTIME);
    return pthread_rwlock_timedrdlock(&rwlock, &t) == ETIMEDOUT;
}

static bool rwlock_clock(void)
{
    rwlock_holder();
    struct timespec t = until(CLOCK_MONOTONIC);
    return pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &t) == ETIMEDOUT;
}

static bool futex_relative(void)
{
    uint32_t word = 0;
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &span, NULL, 0) == -1 &&
           errno == ETIMEDOUT;
}

static bool futex_absolute(void)
{
    uint32_t word = 0;
    struct timespec t = until(CLOCK_MONOTONIC);
    return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &t, NULL,
                   FUTEX_BITSET_MATCH_ANY) == -1 &&
           errno == ETIMEDOUT;
}

static bool futex_absolute_civil(void)
{
    uint32_t word = 0;
    struct timespec t = until(CLOCK_REALTIME);
    return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &t, NULL,
                   FUTEX_BITSET_MATCH_ANY) == -1 &&
           errno == ETIMEDOUT;
}

static bool timerfd_on(clockid_t clock, int flags)
{
    int fd = timerfd_create(clock, 0);
    struct itimerspec timer = {.it_value = flags ? until(clock) : span};
    uint64_t times = 0;
    return timerfd_settime(fd, flags, &timer, NULL) == 0 &&
           read(fd, &times, sizeof times) == sizeof times && times == 1;
}

static bool timerfd_absolute(void)
{
    return timerfd_on(CLOCK_MONOTONIC, TFD_TIMER_ABSTIME);
}

static bool timerfd_absolute_civil(void)
{
    return timerfd_on(CLOCK_REALTIME, TFD_TIMER_ABSTIME);
}

static bool timerfd_relative(void)
{
    return timerfd_on(CLOCK_MONOTONIC, 0);
}

static bool signal_within(int number, int seconds)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, number);
    return sigtimedwait(&signals, NULL, &(struct timespec){.tv_sec = seconds}) == number;
}

static void block(int number)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, number);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

static bool posix_timer_absolute(void)
{
    timer_t timer;
    block(SIGALRM);
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    struct itimerspec wanted = {.it_value = until(CLOCK_MONOTONIC)};
    return timer_settime(timer, TIMER_ABSTIME, &wanted, NULL) == 0 && signal_within(SIGALRM, 60);
}

static bool interval_timer(void)
{
    block(SIGALRM);
    struct itimerval wanted = {.it_value.tv_sec = WAIT_SECONDS};
    return setitimer(ITIMER_REAL, &wanted, NULL) == 0 && signal_within(SIGALRM, 60);
}

static bool alarm_clock(void)
{
    block(SIGALRM);
    return alarm(WAIT_SECONDS) == 0 && signal_within(SIGALRM, 60);
}

static bool signal_wait(void)
{
    block(SIGUSR1);
    return !signal_within(SIGUSR1, WAIT_SECONDS) && errno == EAGAIN;
}

static bool epoll_fine(void)
{
    struct epoll_event event;
    return epoll_pwait2(epoll_create1(0), &event, 1, &span, NULL) == 0;
}

static bool epoll_coarse(void)
{
    struct epoll_event event;
    return epoll_wait(epoll_create1(0), &event, 1, WAIT_SECONDS * 1000) == 0;
}

/* 250 waits of 8 ms, each less than a millisecond of real time. */
static bool epoll_short(void)
{
    struct epoll_event event;
    int fd = epoll_create1(0);
    bool idle = true;
    for (int i = 0; i < WAIT_SECONDS * 125; i++)
        idle = epoll_wait(fd, &event, 1, 8) == 0 && idle;
    return idle;
}

static bool poll_wait(void)
{
    return poll(NULL, 0, WAIT_SECONDS * 1000) == 0;
}

static bool ppoll_below_a_second(void)
{
    struct timespec half = {.tv_nsec = 500000000};
    bool idle = true;
    for (int i = 0; i < WAIT_SECONDS * 2; i++)
        idle = ppoll(NULL, 0, &half, NULL) == 0 && idle;
    return idle;
}

static bool select_wait(void)
{
    struct timeval t = {.tv_sec = WAIT_SECONDS};
    return select(0, NULL, NULL, NULL, &t) == 0 && t.tv_sec == 0 && t.tv_usec == 0;
}

static bool receive_timeout(void)
{
    int fds[2];
    char byte;
    struct timeval t = {.tv_sec = WAIT_SECONDS}, got = {0};
    socklen_t len = sizeof got;
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    return setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0 &&
           getsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &got, &len) == 0 &&
           got.tv_sec >= WAIT_SECONDS && got.tv_sec <= WAIT_SECONDS + 1 &&
           read(fds[0], &byte, 1) == -1 && errno == EAGAIN;
}

static bool message_queue(void)
{
    char name[64], message[64];
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = sizeof message};
    snprintf(name, sizeof name, "/halfopen-waits-%d", (int)getpid());
    mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0600, &attributes);
    mq_unlink(name);
    struct timespec t = until(CLOCK_REALTIME);
    return mq_timedreceive(queue, message, sizeof message, NULL, &t) == -1 && errno == ETIMEDOUT;
}

static bool system_v_semaphore(void)
{
    int set = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf take = {.sem_op = -1};
    bool timed_out = semtimedop(set, &take, 1, &span) == -1 && errno == EAGAIN;
    semctl(set, 0, IPC_RMID);
    return timed_out;
}

static bool sleep_absolute(void)
{
    struct timespec t = until(CLOCK_MONOTONIC);
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == 0;
}

static bool sleep_seconds(void)
{
    return sleep(WAIT_SECONDS) == 0;
}

static void ignore(int number)
{
    (void)number;
}

/* Interrupted half way: what is left counts in the program's own time. */
static bool sleep_interrupted(void)
{
    struct timespec left = {0};
    struct itimerval half = {.it_value.tv_sec = WAIT_SECONDS / 2};
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = ignore}, NULL);
    setitimer(ITIMER_REAL, &half, NULL);
    bool interrupted = nanosleep(&span, &left) == -1 && errno == EINTR;
    double seconds = (double)left.tv_sec + (double)left.tv_nsec / 1e9;
    return interrupted && seconds > 0.2 && seconds < 1.2 && nanosleep(&left, NULL) == 0;
}

static bool c11_sleep(void)
{
    return thrd_sleep(&span, NULL) == 0;
}

static bool forked(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(sem_timed() ? 0 : 1);
    int status = 1;
    return waitpid(child, &status, 0) == child && status == 0;
}

static bool executed(void)
{
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "waits", "sem_timedwait", (char *)NULL);
        _exit(1);
    }
    int status = 1;
    return waitpid(child, &status, 0) == child && status == 0;
}

/* A child that leaves by exit() must not take the clock away from what is started later. */
static bool executed_after_a_fork_exited(void)
{
    pid_t child = fork();
    if (child == 0)
        exit(0);
    waitpid(child, NULL, 0);
    sleep(WAIT_SECONDS);
    struct timespec now, there = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    FILE *date = popen("date +%s", "r");
    long seconds = 0;
    bool read = date && fscanf(date, "%ld", &seconds) == 1;
    there.tv_sec = seconds;
    return read && pclose(date) == 0 && there.tv_sec >= now.tv_sec;
}

/* The past, and a time nobody lives to see, must not turn into the wrong kind of deadline. */
static bool edges(void)
{
    sem_t sem;
    sem_init(&sem, 0, 0);
    struct timespec past = {0}, broken = {.tv_nsec = 1000000000}, far = {.tv_sec = INT64_MAX};
    bool passed = sem_timedwait(&sem, &past) == -1 && errno == ETIMEDOUT;
    bool refused = sem_timedwait(&sem, &broken) == -1 && errno == EINVAL;
    sem_post(&sem);
    bool taken = sem_timedwait(&sem, &far) == 0;
    return passed && refused && taken && sleep(WAIT_SECONDS) == 0;
}

static const struct {
    const char *name;
    bool (*wait)(void);
} waits[] = {
    {"sem_timedwait", sem_timed},
    {"sem_clockwait", sem_clock},
    {"pthread_cond_timedwait", cond_timed_civil},
    {"pthread_cond_timedwait-monotonic", cond_timed_monotonic},
    {"pthread_cond_clockwait", cond_clock},
    {"cnd_timedwait", c11_cond},
    {"pthread_mutex_timedlock", mutex_timed},
    {"pthread_mutex_clocklock", mutex_clock},
    {"pthread_timedjoin_np", join_timed},
    {"pthread_clockjoin_np", join_clock},
    {"pthread_rwlock_timedrdlock", rwlock_timed},
    {"pthread_rwlock_clockwrlock", rwlock_clock},
    {"futex-wait", futex_relative},
    {"futex-wait-bitset", futex_absolute},
    {"futex-wait-bitset-civil", futex_absolute_civil},
    {"timerfd-absolute", timerfd_absolute},
    {"timerfd-absolute-civil", timerfd_absolute_civil},
    {"timerfd-relative", timerfd_relative},
    {"timer_settime-absolute", posix_timer_absolute},
    {"setitimer", interval_timer},
    {"alarm", alarm_clock},
    {"sigtimedwait", signal_wait},
    {"epoll_pwait2", epoll_fine},
    {"epoll_wait", epoll_coarse},
    {"epoll_wait-short", epoll_short},
    {"poll", poll_wait},
    {"ppoll-below-a-second", ppoll_below_a_second},
    {"select", select_wait},
    {"SO_RCVTIMEO", receive_timeout},
    {"mq_timedreceive", message_queue},
    {"semtimedop", system_v_semaphore},
    {"clock_nanosleep-absolute", sleep_absolute},
    {"sleep", sleep_seconds},
    {"nanosleep-interrupted", sleep_interrupted},
    {"thrd_sleep", c11_sleep},
    {"fork", forked},
    {"fork-exec", executed},
    {"exec-after-fork-exit", executed_after_a_fork_exited},
    {"edges", edges},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        if (argc < 2)
            puts(waits[i].name);
        else if (strcmp(argv[1], waits[i].name) == 0) {
            struct started since = waits_start();
            return waits_judge(waits[i].name, since, waits[i].wait());
        }
    }
    return argc < 2 ? 0 : 2;
}
