#include "net/wall.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "net/loop.h"

int64_t wall_seconds(void)
{
    return (int64_t)time(NULL);
}

void wall_date(char out[WALL_DATE_SIZE])
{
    time_t now = time(NULL);
    struct tm parts;
    strftime(out, WALL_DATE_SIZE, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
}

uint64_t wall_chance(void)
{
    uint64_t chance;
    if (getrandom(&chance, sizeof chance, 0) == sizeof chance)
        return chance;
    return (uint64_t)loop_now() << 16 ^ (uint64_t)getpid();
}
