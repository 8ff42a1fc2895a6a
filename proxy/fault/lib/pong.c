#include "fault/lib/pong.h"

const char *const pong_kinds[] = {"protocol", "application", "any", NULL};

bool pong_counts(const struct unit *u, int kind)
{
    if (u->heartbeat == UNIT_PONG)
        return kind != PONG_APPLICATION;
    return u->heartbeat == UNIT_APP_PONG && kind != PONG_PROTOCOL;
}
