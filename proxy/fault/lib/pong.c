#include "fault/lib/pong.h"

const char *const pong_kinds[] = {"protocol", "application", "any", NULL};

/* The last fragment of a message is recognised with it; alone it cannot be taken out. */
static bool is_alone(const struct unit *u)
{
    return u->frame.fin && u->frame.opcode != OPCODE_CONTINUATION;
}

bool ping_counts(const struct unit *u, int kind)
{
    if (u->heartbeat == UNIT_PING)
        return kind != PONG_APPLICATION;
    return u->heartbeat == UNIT_APP_PING && is_alone(u) && kind != PONG_PROTOCOL;
}

bool pong_counts(const struct unit *u, int kind)
{
    if (u->heartbeat == UNIT_PONG)
        return kind != PONG_APPLICATION;
    return u->heartbeat == UNIT_APP_PONG && is_alone(u) && kind != PONG_PROTOCOL;
}
