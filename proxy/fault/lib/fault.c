/* The verbs: checked here, carried out by the port. */
#include "fault/fault.h"

#include <assert.h>
#include <string.h>

const char *cut_name(enum cut how)
{
    static const char *const names[] = {"fin", "rst", "silent"};
    return names[how];
}

const struct fault_desc *fault_find(const char *name)
{
    for (size_t i = 0; all_faults[i]; i++)
        if (strcmp(all_faults[i]->name, name) == 0)
            return all_faults[i];
    return NULL;
}

/* A unit is decided once: a second verb would send or lose it twice. */
static void decide(struct unit *u)
{
    assert(!u->decided);
    u->decided = true;
}

void fault_pass(struct fault *f, struct unit *u)
{
    decide(u);
    f->port->pass(f, u);
}

void fault_hold(struct fault *f, struct unit *u, nsec until)
{
    decide(u);
    f->port->hold(f, u, until);
}

void fault_set_aside(struct fault *f, struct unit *u, nsec until)
{
    assert(u->kind == UNIT_FRAME);
    decide(u);
    f->port->set_aside(f, u, until);
}

void fault_drop(struct fault *f, struct unit *u)
{
    decide(u);
    f->port->drop(f, u);
}

void fault_replace(struct fault *f, struct unit *u, const void *bytes, size_t len)
{
    decide(u);
    f->port->replace(f, u, bytes, len);
}

void fault_inject(struct fault *f, enum dir d, const void *bytes, size_t len)
{
    f->port->inject(f, d, bytes, len);
}

void fault_cut(struct fault *f, enum side side, enum cut how)
{
    f->port->cut(f, side, how);
}

void fault_stall(struct fault *f, enum dir d, bool on)
{
    f->port->stall(f, d, on);
}

void fault_wake(struct fault *f, nsec at)
{
    f->port->wake(f, at);
}

void fault_refuse(struct fault *f)
{
    f->port->refuse(f);
}

void fault_hang(struct fault *f, nsec until)
{
    f->port->hang(f, until);
}
