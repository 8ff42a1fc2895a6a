// `waits NAME` waits in one of C++'s ways; `waits` lists the names.
#include "waits.h"

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>

using namespace std::chrono;

static const seconds span(WAIT_SECONDS);

static bool wait_for()
{
    std::mutex mutex;
    std::condition_variable cond;
    std::unique_lock<std::mutex> lock(mutex);
    return !cond.wait_for(lock, span, [] { return false; });
}

static bool wait_until_civil()
{
    std::mutex mutex;
    std::condition_variable cond;
    std::unique_lock<std::mutex> lock(mutex);
    return cond.wait_until(lock, system_clock::now() + span) == std::cv_status::timeout;
}

static bool timed_mutex()
{
    std::timed_mutex mutex;
    mutex.lock();
    bool taken = true;
    std::thread([&] { taken = mutex.try_lock_for(span); }).join();
    return !taken;
}

static bool future()
{
    std::promise<int> promise;
    return promise.get_future().wait_for(span) == std::future_status::timeout;
}

static bool future_civil()
{
    std::promise<int> promise;
    return promise.get_future().wait_until(system_clock::now() + span) ==
           std::future_status::timeout;
}

static bool sleep_for()
{
    std::this_thread::sleep_for(span);
    return true;
}

static const struct {
    const char *name;
    bool (*wait)();
} waits[] = {
    {"c++-wait_for", wait_for},         {"c++-wait_until-civil", wait_until_civil},
    {"c++-timed_mutex", timed_mutex},   {"c++-future", future},
    {"c++-future-civil", future_civil}, {"c++-sleep_for", sleep_for},
};

int main(int argc, char **argv)
{
    for (const auto &entry : waits) {
        if (argc < 2)
            puts(entry.name);
        else if (strcmp(argv[1], entry.name) == 0) {
            struct started since = waits_start();
            return waits_judge(entry.name, since, entry.wait());
        }
    }
    return argc < 2 ? 0 : 2;
}
