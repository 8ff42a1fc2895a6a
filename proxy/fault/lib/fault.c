/* The verbs: checked here, carried out by the port. */
#include "fault/fault.h"

#include <assert.h>
#include <string.h>

const char *cut_name(enum cut how)
{
    static const char *const names[] = {"fin", "rst", "silent", "close", "truncate", "vanish"};
    return names[how];
}

const char *family_name(enum family family)
{
    return family == FAMILY_IPV6 ? "ipv6" : "ipv4";
}

const char *fault_layer_name(enum fault_layer layer)
{
    static const char *const names[FAULT_LAYERS] = {
        "byte stream", "kernel", "connecting", "TLS", "upgrade", "WebSocket", "intermediary"};
    return names[layer];
}

const struct fault_desc *fault_find(const char *name)
{
    for (size_t i = 0; all_faults[i]; i++)
        if (strcmp(all_faults[i]->name, name) == 0)
            return all_faults[i];
    return NULL;
}

bool fault_only_at_acceptance(const struct fault_desc *desc)
{
    const struct fault_ops *ops = &desc->ops;
    return !ops->on_start && !ops->on_open && !ops->on_bytes && !ops->on_head && !ops->on_frame &&
           !ops->on_end && !ops->on_traffic;
}

bool fault_is_over_at_once(const struct fault_desc *desc)
{
    const struct fault_ops *ops = &desc->ops;
    return desc->instant && !ops->on_bytes && !ops->on_head && !ops->on_frame && !ops->on_end &&
           !ops->on_timer;
}

bool fault_hears(const struct fault *f, enum dir d)
{
    return f->desc->on_legs || fault_acts_on(f, d);
}

bool fault_silences(const struct fault_desc *desc, const void *config, enum side side)
{
    return desc->silences && !(desc->spares && desc->spares(config, side));
}

enum fault_need fault_needs(const struct fault_desc *desc, const void *config)
{
    return desc->needs ? desc->needs(config) : desc->need;
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

void fault_ask_later(struct fault *f, struct unit *u, nsec until)
{
    assert(until > f->now);
    decide(u);
    f->port->ask_later(f, u, until);
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

void fault_respond(struct fault *f, struct unit *u, const void *bytes, size_t len)
{
    if (u) {
        assert(u->kind == UNIT_HEAD && u->dir == TO_SERVER);
        decide(u);
    }
    f->port->respond(f, u, bytes, len);
}

void fault_split(struct fault *f, struct unit *u, size_t len)
{
    (void)f;
    assert(!u->decided && u->split == 0 && len > 0 && len < u->len);
    u->split = len;
}

bool fault_inject(struct fault *f, enum dir d, const void *bytes, size_t len)
{
    return f->port->inject(f, d, bytes, len);
}

bool fault_inject_at(struct fault *f, enum dir d, const void *bytes, size_t len, nsec at)
{
    return f->port->inject_at(f, d, bytes, len, at);
}

bool fault_between(struct fault *f, enum dir d)
{
    return f->port->between(f, d);
}

void fault_let_go(struct fault *f, enum dir d)
{
    f->port->let_go(f, d);
}

void fault_put_back(struct fault *f, enum dir d)
{
    f->port->put_back(f, d);
}

void fault_end(struct fault *f, enum dir d, enum cut how)
{
    f->port->end(f, d, how);
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

void fault_deafen(struct fault *f, enum side side, double ratio)
{
    assert(ratio >= 0 && ratio <= 1);
    f->port->deafen(f, side, ratio);
}

void fault_refuse(struct fault *f, enum cut how)
{
    assert(how == CUT_RST || how == CUT_CLOSE);
    f->port->refuse(f, how);
}

void fault_tls(struct fault *f, enum tls_trouble trouble, unsigned value)
{
    f->port->tls(f, trouble, value);
}

unsigned fault_connections(struct fault *f)
{
    return f->port->connections(f);
}

void fault_hang(struct fault *f, nsec until)
{
    f->port->hang(f, until);
}

bool fault_is_open(struct fault *f)
{
    return f->port->is_open(f);
}

int64_t fault_time_of_day(const struct fault *f)
{
    return f->epoch + f->now / NSEC_PER_SEC;
}
