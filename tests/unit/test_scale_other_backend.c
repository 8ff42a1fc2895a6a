/* Stories of clients whose next connection goes to another backend; their state is asked for. */
#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc scale_other_backend_rule;

#define ASKED "{\"hooks\":{\"state\":\"stdin\"}}"

static void begin(struct ended_story *e)
{
    ended_begin(e);
    story_target(&e->story, ASKED);
}

/* The connection of the client told last goes there. */
static void to(struct ended_story *e, double at, uint64_t backend)
{
    struct event *open = &e->story.events[e->story.count - 1];
    struct event last = *open;
    bool late = open->at > (nsec)(at * 1e9);
    if (late)
        e->story.count--;
    struct event *ev = story_add(&e->story, at, EV_TCP_ROUTE, SIDE_SERVER, BY_PROXY);
    ev->tcp_route = (struct ev_tcp_route){.backend = backend, .of = 2};
    if (late)
        e->story.events[e->story.count++] = last;
}

static void state(struct ended_story *e, double at, const char *hash)
{
    struct event *ev = story_add(&e->story, at, EV_HOOK_STATE, SIDE_CLIENT, BY_ENDPOINT);
    ev->conn = 0;
    ev->hook_state = (struct ev_hook_state){.how = "stdin", .len = 4, .hash = hash};
}

static void open_at(struct ended_story *e, double at, uint64_t backend, const char *hash)
{
    ended_open(e, 0, at);
    to(e, at, backend);
    if (hash)
        state(e, at + 5, hash);
}

static void cut(struct ended_story *e, double at)
{
    story_fault(&e->story, at, "reset", SIDE_CLIENT, false);
    story_cut(&e->story, at, "reset", "rst");
}

static void expect(struct ended_story *e, enum verdict want, const char *part)
{
    ended_expect(e, 200, &scale_other_backend_rule, want, part);
}

static void moves(uint64_t backend, const char *before, const char *after, enum verdict want,
                  const char *part)
{
    struct ended_story e;
    begin(&e);
    open_at(&e, 0, 0, before);
    cut(&e, 20);
    open_at(&e, 22, backend, after);
    expect(&e, want, part);
}

static void the_same_state_at_another_backend_passes(void)
{
    moves(1, "aa", "aa", PASS, "at another backend the client had its state, after 1 loss");
}

static void another_state_fails(void)
{
    moves(1, "aa", "bb", FAIL, "at another backend: the client's state was another");
}

static void at_the_same_backend_nothing_is_judged(void)
{
    moves(0, "aa", "bb", INCONCLUSIVE, "no client lost its connection and came back at another");
}

static void a_state_that_nobody_saw_decides_nothing(void)
{
    moves(1, NULL, NULL, INCONCLUSIVE, "at another backend: nothing was seen");
}

static void a_loss_at_the_same_backend_too_convicts_nobody(void)
{
    struct ended_story e;
    begin(&e);
    open_at(&e, 0, 0, "aa");
    cut(&e, 20);
    open_at(&e, 22, 0, "bb");
    cut(&e, 40);
    open_at(&e, 42, 1, "bb");
    expect(&e, INCONCLUSIVE, "1 of 2 losses ended at the same backend as before");
}

static void a_client_that_left_by_itself_lost_nothing(void)
{
    struct ended_story e;
    begin(&e);
    open_at(&e, 0, 0, "aa");
    story_close(&e.story, 20, SIDE_CLIENT, 1000);
    story_fin(&e.story, 20.001, SIDE_CLIENT);
    open_at(&e, 22, 1, "bb");
    expect(&e, INCONCLUSIVE, "no client lost its connection and came back at another");
}

static void a_backend_that_refuses_is_no_fault_of_the_clients(void)
{
    struct ended_story e;
    begin(&e);
    open_at(&e, 0, 0, "aa");
    cut(&e, 20);
    ended_refuse(&e, 0, 22);
    to(&e, 22, 1);
    struct event *ev = story_add(&e.story, 22.1, EV_TCP_CONNECT, SIDE_SERVER, BY_PROXY);
    ev->tcp_connect = (struct ev_tcp_connect){.how = "refused"};
    expect(&e, INCONCLUSIVE, "the other backend did not take 1 attempts");
}

static void one_backend_is_not_tested(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_open(&e, 0, 22);
    expect(&e, NOT_TESTED, "server: {urls:");
}

static void a_client_of_which_nothing_is_declared_is_not_tested(void)
{
    struct ended_story e;
    ended_begin(&e);
    open_at(&e, 0, 0, NULL);
    cut(&e, 20);
    open_at(&e, 22, 1, NULL);
    expect(&e, NOT_TESTED, "give hooks.state");
}

static void our_own_client_is_not_judged(void)
{
    struct ended_story e;
    begin(&e);
    e.story.client_by = BY_BUILTIN;
    open_at(&e, 0, 0, NULL);
    expect(&e, NOT_APPLICABLE, "");
}

SUITE(scale_other_backend, TEST(the_same_state_at_another_backend_passes),
      TEST(another_state_fails), TEST(at_the_same_backend_nothing_is_judged),
      TEST(a_state_that_nobody_saw_decides_nothing),
      TEST(a_loss_at_the_same_backend_too_convicts_nobody),
      TEST(a_client_that_left_by_itself_lost_nothing),
      TEST(a_backend_that_refuses_is_no_fault_of_the_clients), TEST(one_backend_is_not_tested),
      TEST(a_client_of_which_nothing_is_declared_is_not_tested), TEST(our_own_client_is_not_judged))
