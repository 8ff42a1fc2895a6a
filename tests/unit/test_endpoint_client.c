#include <math.h>

#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/unit/endpoint_world.h"

#define SECONDS(n) ((nsec)((n)*1e9))

static struct world *flawed_world(const char *flaw)
{
    struct world *w = world_new();
    if (flaw)
        CHECK(client_flaw_apply(&w->client_policy, flaw));
    return w;
}

static struct world *begun(const char *flaw)
{
    struct world *w = flawed_world(flaw);
    world_begin(w, 7);
    return w;
}

static struct world *talking(double messages_per_second)
{
    struct world *w = world_new();
    w->client_policy.message_size = 100;
    w->client_policy.rate = 100 * messages_per_second;
    return w;
}

static void it_opens_at_once(void)
{
    struct world *w = begun(NULL);
    world_run(w, 0);
    CHECK_INT(world_at(w, "client open", 0), 0);
    world_free(w);
}

static void it_pings_every_thirty_seconds_and_hears_the_pongs(void)
{
    struct world *w = begun(NULL);
    world_run(w, SECONDS(100));
    CHECK_INT(world_count(w, "client ping"), 3);
    CHECK_INT(world_at(w, "client ping", 0), SECONDS(30));
    CHECK_INT(world_at(w, "client ping", 2), SECONDS(90));
    CHECK_INT(world_count(w, "client pong"), 3);
    CHECK_INT(world_count(w, "client lost"), 0);
    world_free(w);
}

static void a_silent_peer_is_dead_after_ping_and_pong(void)
{
    struct world *w = begun(NULL);
    world_run(w, SECONDS(31));
    w->silent = true;
    world_run(w, SECONDS(60));
    CHECK_INT(world_at(w, "client pong_missing", 0), SECONDS(70));
    CHECK_INT(world_at(w, "client lost", 0), SECONDS(70));
    world_free(w);
}

static void any_traffic_proves_life(void)
{
    struct world *w = world_new();
    w->server_policy.answers_pings = false;
    world_begin(w, 7);
    world_run(w, SECONDS(31));
    CHECK(server_conn_send_text(w->server, "hello", w->now));
    world_run(w, SECONDS(20));
    CHECK_INT(world_count(w, "client lost"), 0);
    world_free(w);
}

static void a_client_that_ignores_missing_pongs_keeps_the_dead_connection(void)
{
    struct world *w = begun("ignores_missing_pong");
    world_run(w, SECONDS(1));
    w->silent = true;
    world_run(w, SECONDS(600));
    CHECK_INT(world_count(w, "client lost"), 0);
    CHECK_INT(world_count(w, "client ping"), 20);
    world_free(w);
}

/* The nth wait between a failure and the next dial, in seconds; refused dials fail at once. */
static double wait_seconds(const struct world *w, int nth)
{
    return nsec_to_seconds(world_at(w, "dial", nth + 1) - world_at(w, "client lost", nth));
}

static struct world *refused(const char *flaw, uint64_t seed, nsec length)
{
    struct world *w = flawed_world(flaw);
    w->dialling = DIAL_REFUSED;
    world_begin(w, seed);
    world_run(w, length);
    return w;
}

static void delays_double_to_the_cap_with_half_to_three_halves_jitter(void)
{
    static const double nominal[] = {1, 2, 4, 8, 16, 30, 30, 30};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world *w = refused(NULL, seed, SECONDS(400));
        for (int i = 0; i < 8; i++)
            CHECK_REAL(wait_seconds(w, i), nominal[i], 0.5 * nominal[i] + 1e-9);
        world_free(w);
    }
}

static void jitter_remains_at_the_cap(void)
{
    struct world *w = refused(NULL, 3, SECONDS(1000));
    CHECK(fabs(wait_seconds(w, 8) - wait_seconds(w, 9)) > 0.01);
    world_free(w);
}

static void two_seeds_wait_differently_and_one_seed_the_same(void)
{
    struct world *one = refused(NULL, 1, SECONDS(60));
    struct world *same = refused(NULL, 1, SECONDS(60));
    struct world *other = refused(NULL, 2, SECONDS(60));
    CHECK_REAL(wait_seconds(one, 3), wait_seconds(same, 3), 0);
    CHECK(fabs(wait_seconds(one, 3) - wait_seconds(other, 3)) > 1e-6);
    world_free(one);
    world_free(same);
    world_free(other);
}

static void flawed_clients_wait_as_their_flaw_says(void)
{
    static const struct {
        const char *flaw;
        int nth;
        double low, high;
    } cases[] = {
        {"no_backoff", 7, 0.5, 1.5},  {"no_jitter", 3, 8, 8},
        {"no_cap", 7, 64, 192},       {"jitter_lost_at_cap", 9, 5, 5},
        {"linear_backoff", 7, 4, 12}, {"reconnects_at_once", 50, 0, 0.03},
        {"immediate_first", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world *w = refused(cases[i].flaw, 5, SECONDS(i == 5 ? 2 : 800));
        CHECK(wait_seconds(w, cases[i].nth) >= cases[i].low - 1e-9);
        CHECK(wait_seconds(w, cases[i].nth) <= cases[i].high + 1e-9);
        world_free(w);
    }
}

static void the_same_seed_flaw_makes_all_processes_alike(void)
{
    struct world *one = refused("same_seed", 1, SECONDS(60));
    struct world *other = refused("same_seed", 2, SECONDS(60));
    CHECK_REAL(wait_seconds(one, 3), wait_seconds(other, 3), 0);
    world_free(one);
    world_free(other);
}

static void flapping_connections_do_not_reset_the_backoff(void)
{
    struct world *w = begun(NULL);
    for (int i = 0; i < 6; i++) {
        while (client_state(w->client) != CLIENT_OPEN)
            world_run(w, SECONDS(0.1));
        world_run(w, SECONDS(0.2));
        world_cut(w);
    }
    CHECK(wait_seconds(w, 4) >= 8);
    world_free(w);
}

static double wait_after_connection_of(double length)
{
    struct world *w = refused(NULL, 5, SECONDS(200));
    w->dialling = DIAL_ACCEPTED;
    while (client_state(w->client) != CLIENT_OPEN)
        world_run(w, NSEC_PER_MSEC);
    nsec opened = world_at(w, "client open", 0);
    world_run(w, opened + SECONDS(length) - w->now);
    world_cut(w);
    nsec cut = w->now;
    world_run(w, SECONDS(60));
    int dials = (int)client_stats(w->client).attempts;
    double waited = nsec_to_seconds(world_at(w, "dial", dials - 1) - cut);
    world_free(w);
    return waited;
}

static void a_stable_connection_resets_the_backoff(void)
{
    CHECK(wait_after_connection_of(5) <= 1.5);
    CHECK(wait_after_connection_of(4.9) >= 15);
}

static void it_gives_up_at_its_retry_limit(void)
{
    struct world *w = world_new();
    w->dialling = DIAL_REFUSED;
    w->client_policy.retry_limit = 3;
    world_begin(w, 7);
    world_run(w, SECONDS(600));
    CHECK_INT(world_count(w, "dial"), 4);
    CHECK_INT(world_count(w, "client gave_up"), 1);
    CHECK_INT(client_deadline(w->client), NEVER);
    world_free(w);
}

static void a_hanging_dial_is_abandoned_after_the_connect_timeout(void)
{
    struct world *w = world_new();
    w->dialling = DIAL_HANGS;
    world_begin(w, 7);
    world_run(w, SECONDS(21));
    CHECK_INT(world_at(w, "client lost", 0), SECONDS(20));
    world_free(w);
}

static void a_hanging_upgrade_counts_into_the_same_timeout(void)
{
    struct world *w = world_new();
    w->silent = true;
    world_begin(w, 7);
    world_run(w, SECONDS(21));
    CHECK_INT(world_at(w, "client lost", 0), SECONDS(20));
    world_free(w);
}

static void a_message_may_share_a_segment_with_the_101(void)
{
    struct world *w = world_new();
    w->greets = true;
    world_begin(w, 7);
    world_run(w, SECONDS(1));
    CHECK_INT(client_stats(w->client).received, 1);
    world_free(w);
}

static void flawed_clients_lose_what_one_read_brings(void)
{
    struct world *w = world_new();
    CHECK(client_flaw_apply(&w->client_policy, "drops_first_frame"));
    w->greets = true;
    world_begin(w, 7);
    world_run(w, SECONDS(1));
    CHECK_INT(client_stats(w->client).received, 0);
    world_free(w);
    w = begun("one_read_one_frame");
    world_run(w, SECONDS(1));
    world_to_client(w,
                    "\x81\x01"
                    "a\x81\x01"
                    "b",
                    6);
    world_run(w, SECONDS(1));
    CHECK_INT(client_stats(w->client).received, 1);
    world_to_client(w, "\x81", 1);
    world_run(w, SECONDS(1));
    world_to_client(w,
                    "\x01"
                    "c",
                    2);
    world_run(w, SECONDS(1));
    CHECK_INT(client_stats(w->client).received, 1);
    world_free(w);
}

static void its_own_close_is_final(void)
{
    struct world *w = begun(NULL);
    world_run(w, SECONDS(1));
    client_close(w->client, 1000, "done", w->now);
    world_run(w, SECONDS(600));
    CHECK_STR(world_detail(w, "server close_received", 0), "1000");
    CHECK_STR(world_detail(w, "client close_received", 0), "1000");
    CHECK_INT(world_count(w, "client finished"), 1);
    CHECK_INT(world_count(w, "dial"), 1);
    CHECK_INT(client_state(w->client), CLIENT_STOPPED);
    world_free(w);
}

static void an_unanswered_close_ends_after_the_close_timeout(void)
{
    struct world *w = begun(NULL);
    world_run(w, SECONDS(1));
    w->silent = true;
    client_close(w->client, 1000, "done", w->now);
    world_run(w, SECONDS(60));
    CHECK_INT(world_at(w, "client finished", 0), SECONDS(11));
    world_free(w);
}

static void closing_while_waiting_stops_the_retries(void)
{
    struct world *w = refused(NULL, 7, SECONDS(20));
    client_close(w->client, 1000, "done", w->now);
    int dials = world_count(w, "dial");
    world_run(w, SECONDS(600));
    CHECK_INT(world_count(w, "dial"), dials);
    world_free(w);
}

static struct world *closed_by_server(uint16_t code, const char *flaw)
{
    struct world *w = begun(flaw);
    world_run(w, SECONDS(10));
    server_conn_close(w->server, code, "", w->now);
    world_run(w, SECONDS(60));
    return w;
}

static void a_server_close_is_answered_and_decides_whether_to_return(void)
{
    static const struct {
        uint16_t code;
        double low, high; /* of the wait; 0: it never returns */
    } cases[] = {{1000, 0, 0},  {1001, 0.5, 1.5}, {1008, 0, 0},     {1011, 0.5, 1.5},
                 {1012, 5, 30}, {1013, 30, 45},   {4000, 0.5, 1.5}, {4401, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world *w = closed_by_server(cases[i].code, NULL);
        CHECK_INT(world_count(w, "server close_received"), 1);
        CHECK_INT(world_count(w, "dial"), cases[i].high > 0 ? 2 : 1);
        if (cases[i].high > 0)
            CHECK(wait_seconds(w, 0) >= cases[i].low && wait_seconds(w, 0) <= cases[i].high);
        world_free(w);
    }
}

static void a_code_counts_for_one_return_only(void)
{
    struct world *w = closed_by_server(1012, NULL);
    CHECK_INT(client_state(w->client), CLIENT_OPEN);
    world_cut(w);
    world_run(w, SECONDS(10));
    CHECK(wait_seconds(w, 1) <= 3);
    world_free(w);
}

static void giving_up_is_told_from_being_finished(void)
{
    struct world *w = world_new();
    w->client_policy.reconnects_after_normal = true;
    w->client_policy.retry_limit = 2;
    world_begin(w, 7);
    world_run(w, SECONDS(10));
    w->dialling = DIAL_REFUSED;
    server_conn_close(w->server, 1000, "", w->now);
    world_run(w, SECONDS(60));
    CHECK_INT(world_count(w, "client gave_up"), 1);
    CHECK_INT(world_count(w, "client finished"), 0);
    world_free(w);
}

static void a_client_without_close_echo_leaves_the_server_waiting(void)
{
    struct world *w = closed_by_server(1001, "no_close_echo");
    CHECK_INT(world_count(w, "server close_received"), 0);
    world_free(w);
}

static void a_client_that_ignores_codes_returns_after_a_fatal_one(void)
{
    struct world *w = closed_by_server(4401, "ignores_close_codes");
    CHECK_INT(world_count(w, "dial"), 2);
    world_free(w);
}

static void never_reconnects_does_not(void)
{
    struct world *w = begun("never_reconnects");
    world_run(w, SECONDS(10));
    world_cut(w);
    world_run(w, SECONDS(600));
    CHECK_INT(world_count(w, "dial"), 1);
    world_free(w);
}

static void illegal_frames_fail_the_connection_with_the_right_code(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *code;
    } cases[] = {
        {"\x81\x81\0\0\0\0a", 7, "1002"},             /* masked */
        {"\xc1\x01x", 3, "1002"},                     /* reserved bit */
        {"\x83\x00", 2, "1002"},                      /* reserved opcode */
        {"\x80\x00", 2, "1002"},                      /* nothing to continue */
        {"\x09\x00", 2, "1002"},                      /* fragmented ping */
        {"\x89\x7e\x00\x7e", 4, "1002"},              /* ping of 126 bytes */
        {"\x88\x01\x03", 3, "1002"},                  /* half a close code */
        {"\x88\x02\x03\xee", 4, "1002"},              /* 1006 on the wire */
        {"\x88\x03\x03\xe8\xff", 5, "1007"},          /* reason is not UTF-8 */
        {"\x81\x02\xc3\x28", 4, "1007"},              /* text is not UTF-8 */
        {"\x81\x01\xc3", 3, "1007"},                  /* text ends inside a character */
        {"\x82\x7f\0\0\0\0\x01\0\0\x01", 10, "1009"}, /* 16 MiB and one byte */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world *w = begun(NULL);
        world_run(w, SECONDS(1));
        world_to_client(w, cases[i].bytes, cases[i].len);
        world_run(w, SECONDS(0.1));
        CHECK_STR(world_detail(w, "client failing", 0), cases[i].code);
        CHECK_STR(world_detail(w, "server close_received", 0), cases[i].code);
        world_free(w);
    }
}

static void legal_frames_are_received(void)
{
    static const char frames[] = "\x01\x01\xc3"     /* a character cut by a frame boundary, */
                                 "\x89\x02hi"       /* a ping between the fragments, */
                                 "\x80\x01\xa4"     /* its end, */
                                 "\x82\x02\xff\xff" /* bytes, */
                                 "\x81\x00";        /* nothing */
    struct world *w = begun(NULL);
    world_run(w, SECONDS(1));
    world_to_client(w, frames, sizeof frames - 1);
    world_run(w, SECONDS(0.1));
    CHECK_INT(client_stats(w->client).received, 3);
    CHECK_INT(world_count(w, "server pong"), 1);
    CHECK_INT(world_count(w, "client failing"), 0);
    world_free(w);
}

static void nothing_is_processed_after_a_failure(void)
{
    struct world *w = begun(NULL);
    world_run(w, SECONDS(1));
    world_to_client(w, "\x83\x00\x81\x01x", 5);
    world_run(w, SECONDS(0.1));
    CHECK_INT(client_stats(w->client).received, 0);
    world_free(w);
}

/* A life with everything in it: opening, messages, an outage, pings, the server's Close. */
static struct world *eventful_life(size_t slice)
{
    struct world *w = talking(3);
    w->server_policy.echo = true;
    w->slice = slice;
    world_begin(w, 9);
    world_run(w, SECONDS(40));
    world_cut(w);
    world_run(w, SECONDS(65));
    server_conn_close(w->server, 1001, "restart", w->now);
    world_run(w, SECONDS(20));
    client_close(w->client, 1000, "done", w->now);
    world_run(w, SECONDS(20));
    return w;
}

static void any_slicing_gives_the_same_life(void)
{
    struct world *whole = eventful_life(0);
    for (size_t slice = 1; slice <= 7; slice++) {
        struct world *sliced = eventful_life(slice);
        CHECK_INT(sliced->notes_len, whole->notes_len);
        for (size_t i = 0; i < whole->notes_len && i < sliced->notes_len; i++) {
            CHECK_STR(sliced->notes[i].event, whole->notes[i].event);
            CHECK_INT(sliced->notes[i].at, whole->notes[i].at);
        }
        CHECK_INT(sliced->messages, whole->messages);
        CHECK_INT(client_stats(sliced->client).received, client_stats(whole->client).received);
        world_free(sliced);
    }
    world_free(whole);
}

static void reports_that_come_too_late_change_nothing(void)
{
    struct world *w = refused(NULL, 7, SECONDS(20));
    size_t notes = w->notes_len;
    nsec deadline = client_deadline(w->client);
    client_connected(w->client, w->now);
    client_connect_failed(w->client, w->now);
    client_input(w->client, (const uint8_t *)"x", 1, w->now);
    client_eof(w->client, w->now);
    client_writable(w->client, w->now);
    CHECK_INT(w->notes_len, notes);
    CHECK_INT(client_deadline(w->client), deadline);
    world_free(w);
}

SUITE(endpoint_client, TEST(it_opens_at_once),
      TEST(it_pings_every_thirty_seconds_and_hears_the_pongs),
      TEST(a_silent_peer_is_dead_after_ping_and_pong), TEST(any_traffic_proves_life),
      TEST(a_client_that_ignores_missing_pongs_keeps_the_dead_connection),
      TEST(delays_double_to_the_cap_with_half_to_three_halves_jitter),
      TEST(jitter_remains_at_the_cap), TEST(two_seeds_wait_differently_and_one_seed_the_same),
      TEST(flawed_clients_wait_as_their_flaw_says),
      TEST(the_same_seed_flaw_makes_all_processes_alike),
      TEST(flapping_connections_do_not_reset_the_backoff),
      TEST(a_stable_connection_resets_the_backoff), TEST(it_gives_up_at_its_retry_limit),
      TEST(a_hanging_dial_is_abandoned_after_the_connect_timeout),
      TEST(a_hanging_upgrade_counts_into_the_same_timeout),
      TEST(a_message_may_share_a_segment_with_the_101),
      TEST(flawed_clients_lose_what_one_read_brings), TEST(a_code_counts_for_one_return_only),
      TEST(giving_up_is_told_from_being_finished), TEST(its_own_close_is_final),
      TEST(an_unanswered_close_ends_after_the_close_timeout),
      TEST(closing_while_waiting_stops_the_retries),
      TEST(a_server_close_is_answered_and_decides_whether_to_return),
      TEST(a_client_without_close_echo_leaves_the_server_waiting),
      TEST(a_client_that_ignores_codes_returns_after_a_fatal_one), TEST(never_reconnects_does_not),
      TEST(illegal_frames_fail_the_connection_with_the_right_code), TEST(legal_frames_are_received),
      TEST(nothing_is_processed_after_a_failure), TEST(any_slicing_gives_the_same_life),
      TEST(reports_that_come_too_late_change_nothing))
