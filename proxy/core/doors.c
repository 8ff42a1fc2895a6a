/* The doors that clients knock at: which of them a fault keeps shut, by address family. */
#include <string.h>

#include "core/internal.h"

static enum door door_of(const struct run *run, unsigned client, enum family family)
{
    enum door door = DOOR_OPEN;
    for (const struct activation *a = run->activations; a; a = a->next) {
        const struct fault_step *step = a->step;
        const struct selector *which = &step->connections;
        bool concerned = which->which == CONNS_ALL || which->which == CONNS_NEW ||
                         (which->which == CONNS_CLIENT && which->client == client);
        if (a->over || !concerned || !step->desc->door)
            continue;
        enum door wanted = step->desc->door(step->config, family, a->used[client]);
        door = wanted > door ? wanted : door;
    }
    return door;
}

static bool door_hangs(const struct run *run, unsigned client)
{
    const enum door *doors = run->clients[client].doors;
    return doors[FAMILY_IPV4] == DOOR_HANG || doors[FAMILY_IPV6] == DOOR_HANG;
}

static void note_door(struct run *run, unsigned client)
{
    struct event ev = {.at = run->now,
                       .kind = EV_TCP_DOOR,
                       .client = (int)run->clients[client].number,
                       .side = SIDE_CLIENT,
                       .by = BY_FAULT};
    ev.tcp_door = (struct ev_tcp_door){.hangs = door_hangs(run, client)};
    run_emit(run, ev);
}

void run_tell_door(struct run *run, unsigned client)
{
    if (door_hangs(run, client))
        note_door(run, client);
}

static void set_doors_of(struct run *run, unsigned client)
{
    enum door wanted[FAMILIES], before[FAMILIES];
    struct client_state *state = &run->clients[client];
    bool hung = door_hangs(run, client);
    memcpy(before, state->doors, sizeof before);
    for (int family = 0; family < FAMILIES; family++)
        wanted[family] = door_of(run, client, (enum family)family);
    memcpy(state->doors, wanted, sizeof wanted);
    if (door_hangs(run, client) != hung)
        note_door(run, client);
    for (int family = 0; family < FAMILIES; family++)
        if (wanted[family] != before[family] && run->on_door)
            run->on_door(run->door_context, client, (enum family)family, wanted[family]);
}

void run_set_doors(struct run *run)
{
    for (unsigned i = 0; i < run->plan->clients; i++)
        set_doors_of(run, i);
}

void run_address_answer(struct run *run, unsigned client, enum family family, bool refused,
                        bool other_known, const char *why_not, nsec now)
{
    run->now = nsec_max(run->now, now);
    struct event ev = {.at = run->now,
                       .kind = EV_TCP_ADDRESS,
                       .client = (int)run->clients[client].number,
                       .side = SIDE_CLIENT,
                       .by = BY_FAULT};
    ev.tcp_address = (struct ev_tcp_address){.family = family_name(family),
                                             .refused = refused,
                                             .other_known = other_known,
                                             .why_not = why_not};
    run_emit(run, ev);
}

void run_watch_doors(struct run *run,
                     void (*on_door)(void *context, unsigned client, enum family, enum door),
                     void *context)
{
    run->on_door = on_door;
    run->door_context = context;
}
