/* A run whose driver loses what sides send, whose sockets vanish, whose handshakes fail and whose
 * doors hang: what the core asks for, and what it makes of the answers. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/run.h"
#include "tests/check.h"
#include "tests/sim/world.h"
#include "trace/attempts.h"

struct rig {
    struct plan *plan;
    struct recorder *recorder;
    struct run *run;
    struct session *session; /* NULL: over */
    struct text trace, asked;
    nsec now;
};

static size_t on_output(void *driver, enum side to, const uint8_t *bytes, size_t len)
{
    return len;
}

static void on_action(void *driver, struct action action)
{
    struct rig *rig = driver;
    if (action.kind == ACTION_DEAFEN)
        text_addf(&rig->asked, "deafen %s %.4g; ", side_name(action.side), action.ratio);
    else if (action.kind == ACTION_CUT)
        text_addf(&rig->asked, "cut %s %s; ", side_name(action.side), cut_name(action.how));
}

static void on_over(void *driver)
{
    ((struct rig *)driver)->session = NULL;
}

static const struct session_ops ops = {
    .on_output = on_output, .on_action = on_action, .on_over = on_over};

static void on_door(void *context, unsigned client, enum family family, enum door door)
{
    static const char *const words[] = {"open", "hang", "shut"};
    struct rig *rig = context;
    text_addf(&rig->asked, "%s %u by %s; ", words[door], client, family_name(family));
}

static void settle(struct rig *rig)
{
    for (int turns = 0; turns < 1000 && run_deadline(rig->run) <= rig->now; turns++)
        run_expire(rig->run, rig->now);
    run_settle(rig->run, rig->now);
}

static void until(struct rig *rig, nsec now)
{
    while (run_deadline(rig->run) <= now) {
        rig->now = nsec_max(rig->now, run_deadline(rig->run));
        run_expire(rig->run, rig->now);
    }
    rig->now = now;
    settle(rig);
}

static void accept(struct rig *rig)
{
    rig->session = run_accept(rig->run, 0, "127.0.0.1:1", "ipv4", &ops, rig, rig->now);
    if (session_admission(rig->session) == ADMIT)
        session_connected(rig->session, rig->now);
    settle(rig);
}

static void say(struct rig *rig, enum side from, const char *words)
{
    session_input(rig->session, from, (const uint8_t *)words, strlen(words), rig->now);
    settle(rig);
}

static void open_websocket(struct rig *rig)
{
    accept(rig);
    say(rig, SIDE_CLIENT,
        "GET /feed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    say(rig, SIDE_SERVER,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

static struct rig *begin_for(unsigned clients, const char *steps)
{
    struct rig *rig = xcalloc(1, sizeof *rig);
    struct run_options options = {.seed = 7, .observe = true};
    char *yaml = xprintf("scenario: unheard\nstory: x\ntests: client\nclients: %u\nsteps:\n%s"
                         "  - wait: 24h\n",
                         clients, steps);
    rig->plan = sim_plan_of(yaml);
    free(yaml);
    rig->recorder = recorder_new(NULL);
    recorder_copy_to(rig->recorder, &rig->trace);
    rig->run = run_new(rig->plan, rig->recorder, &options);
    run_watch_doors(rig->run, on_door, rig);
    return rig;
}

static struct rig *begin(const char *steps)
{
    return begin_for(1, steps);
}

static void start(struct rig *rig)
{
    run_start(rig->run, rig->now);
    settle(rig);
}

static void end(struct rig *rig)
{
    run_end(rig->run, "finished", rig->now);
    run_free(rig->run);
    recorder_free(rig->recorder);
    plan_free(rig->plan);
    text_fini(&rig->trace);
    text_fini(&rig->asked);
    free(rig);
}

static void check_asked(struct rig *rig, const char *want)
{
    CHECK_STR(text_chars(&rig->asked), want);
    text_clear(&rig->asked);
}

static size_t count(const struct rig *rig, const char *part)
{
    size_t found = 0;
    for (const char *at = text_chars(&rig->trace); (at = strstr(at, part)) != NULL; at++)
        found++;
    return found;
}

/* --- Losses --- */

static void losses_add_up_and_what_is_left_stays(void)
{
    struct rig *rig = begin("  - packet_loss: {ratio: 50%, direction: to_client}\n"
                            "    as: a\n"
                            "  - packet_loss: {ratio: 20%, direction: to_client}\n"
                            "    as: b\n"
                            "  - blackhole: {direction: to_client}\n"
                            "    as: c\n"
                            "  - wait: 1s\n"
                            "  - clear: c\n"
                            "  - wait: 1s\n"
                            "  - clear: a\n");
    open_websocket(rig);
    start(rig);
    check_asked(rig, "deafen client 0.5; deafen client 0.6; deafen client 1; ");
    until(rig, NSEC_PER_SEC);
    check_asked(rig, "deafen client 0.6; ");
    until(rig, 2 * NSEC_PER_SEC);
    check_asked(rig, "deafen client 0.2; ");
    end(rig);
}

static void a_leg_that_was_left_without_a_word_stays_deaf(void)
{
    struct rig *rig = begin("  - blackhole: {direction: to_client}\n"
                            "    as: hole\n"
                            "  - silent_close: {answer: none, direction: to_client}\n"
                            "  - clear: hole\n");
    open_websocket(rig);
    start(rig);
    check_asked(rig, "deafen client 1; cut client silent; ");
    end(rig);
}

static void a_loss_that_is_refused_is_no_silence(void)
{
    struct rig *rig = begin("  - blackhole: {}\n    as: hole\n");
    open_websocket(rig);
    start(rig);
    say(rig, SIDE_SERVER, "\x89\x01x");
    CHECK_INT(count(rig, "\"why\":\"refused\""), 0);
    session_answer(rig->session, "deafen", "refused", "Operation not permitted", rig->now);
    settle(rig);
    CHECK_INT(count(rig, "\"ev\":\"fault.off\""), 1);
    CHECK_INT(count(rig, "\"why\":\"refused\""), 1);
    CHECK_INT(count(rig, "\"ev\":\"ws.delivered\""), 1);
    end(rig);
}

static void another_faults_refusal_is_not_its_own(void)
{
    struct rig *rig = begin("  - drop: {}\n");
    open_websocket(rig);
    start(rig);
    session_answer(rig->session, "deafen", "refused", "Operation not permitted", rig->now);
    settle(rig);
    CHECK_INT(count(rig, "\"why\":\"refused\""), 0);
    end(rig);
}

/* --- Ends that are only seen --- */

static void an_end_that_is_seen_is_told_once_and_what_was_sent_still_comes(void)
{
    struct rig *rig = begin("  - blackhole: {direction: to_client, for: 10s}\n");
    open_websocket(rig);
    start(rig);
    rig->now = NSEC_PER_SEC;
    session_seen_ended(rig->session, SIDE_CLIENT, "fin", rig->now);
    settle(rig);
    CHECK_INT(count(rig, "\"ev\":\"tcp.close\""), 1);
    CHECK(session_wants_input(rig->session, SIDE_CLIENT));
    until(rig, 11 * NSEC_PER_SEC);
    say(rig, SIDE_CLIENT, "\x88\x80\x01\x02\x03\x04");
    CHECK_INT(count(rig, "\"ev\":\"ws.close\""), 1);
    check_asked(rig, "deafen client 1; deafen client 0; ");
    session_end(rig->session, SIDE_CLIENT, CUT_FIN, "fin", rig->now);
    settle(rig);
    CHECK_INT(count(rig, "\"ev\":\"tcp.close\""), 1);
    check_asked(rig, "cut server fin; ");
    end(rig);
}

/* --- TLS handshakes --- */

static void a_spoilt_handshake_is_the_faults_doing_and_ends_both_legs(void)
{
    struct rig *rig = begin("  - tls_expired: {}\n");
    unsigned value;
    start(rig);
    accept(rig);
    CHECK_INT(session_tls_trouble(rig->session, &value), TLS_EXPIRED);
    session_tls_failed(rig->session, "alert received: certificate expired", rig->now);
    settle(rig);
    check_asked(rig, "cut client close; cut server close; ");
    CHECK_INT(count(rig, "\"ev\":\"tls.failed\",\"by\":\"fault\""), 1);
    CHECK(rig->session == NULL);
    end(rig);
}

static void without_a_fault_it_is_the_clients(void)
{
    struct rig *rig = begin("");
    start(rig);
    accept(rig);
    session_tls_failed(rig->session, "alert received: unknown CA", rig->now);
    settle(rig);
    CHECK_INT(count(rig, "\"ev\":\"tls.failed\",\"by\":\"endpoint\""), 1);
    CHECK_INT(count(rig, "\"ev\":\"tcp.shut\",\"by\":\"proxy\""), 2);
    end(rig);
}

static void a_handshake_that_was_only_stalled_fails_by_the_client(void)
{
    struct rig *rig = begin("  - tls_stall: {}\n    for: 1s\n");
    start(rig);
    accept(rig);
    CHECK_INT(session_admission(rig->session), HANG);
    until(rig, 2 * NSEC_PER_SEC);
    CHECK_INT(session_admission(rig->session), ADMIT);
    session_connected(rig->session, rig->now);
    session_tls_failed(rig->session, "closed in the middle", rig->now);
    settle(rig);
    CHECK_INT(count(rig, "\"ev\":\"tls.failed\",\"by\":\"endpoint\""), 1);
    end(rig);
}

static void failed_handshakes_are_attempts_to_wait_for(void)
{
    struct rig *rig = begin("  - tls_untrusted: {}\n"
                            "    as: bad\n"
                            "  - wait: {until: {attempts: 3}, at_most: 10s}\n"
                            "  - mark: three\n");
    start(rig);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(count(rig, "\"text\":\"three\""), 0);
        accept(rig);
        if (i == 1) /* as Node does: the handshake is complete, then the name is looked at */
            session_end(rig->session, SIDE_CLIENT, CUT_FIN, "fin", rig->now);
        else
            session_tls_failed(rig->session, "alert received: unknown CA", rig->now);
        settle(rig);
    }
    CHECK_INT(count(rig, "\"text\":\"three\""), 1);
    end(rig);
}

/* --- Doors --- */

static void doors_hang_as_long_as_any_fault_wants_it(void)
{
    struct rig *rig = begin("  - connect_hang: {}\n"
                            "    as: a\n"
                            "  - blackhole: {syns: true}\n"
                            "    as: b\n"
                            "  - wait: 1s\n"
                            "  - clear: a\n"
                            "  - wait: 1s\n"
                            "  - clear: b\n");
    start(rig);
    check_asked(rig, "hang 0 by ipv4; hang 0 by ipv6; ");
    until(rig, NSEC_PER_SEC);
    check_asked(rig, "");
    until(rig, 2 * NSEC_PER_SEC);
    check_asked(rig, "open 0 by ipv4; open 0 by ipv6; ");
    CHECK_INT(count(rig, "\"ev\":\"tcp.door\""), 2);
    end(rig);
}

static void the_door_of_one_client_hangs_alone(void)
{
    struct rig *rig = begin_for(3, "  - connect_hang: {connections: {client: 1}}\n");
    start(rig);
    check_asked(rig, "hang 1 by ipv4; hang 1 by ipv6; ");
    end(rig);
}

static void each_client_loses_the_address_that_it_used(void)
{
    struct rig *rig = begin("  - address_down: {family: used}\n"
                            "    as: a\n"
                            "  - wait: 1s\n"
                            "  - clear: a\n");
    rig->session = run_accept(rig->run, 0, "[::1]:1", "ipv6", &ops, rig, rig->now);
    start(rig);
    check_asked(rig, "shut 0 by ipv6; ");
    rig->session = run_accept(rig->run, 0, "127.0.0.1:1", "ipv4", &ops, rig, rig->now);
    settle(rig);
    check_asked(rig, "");
    until(rig, NSEC_PER_SEC);
    check_asked(rig, "open 0 by ipv6; ");
    CHECK_INT(count(rig, "\"ev\":\"tcp.door\""), 0);
    end(rig);
}

static void refusing_goes_before_hanging(void)
{
    struct rig *rig = begin("  - connect_hang: {}\n"
                            "    as: a\n"
                            "  - address_down: {family: ipv4}\n"
                            "    as: b\n"
                            "  - wait: 1s\n"
                            "  - clear: b\n");
    start(rig);
    check_asked(rig, "hang 0 by ipv4; hang 0 by ipv6; shut 0 by ipv4; ");
    until(rig, NSEC_PER_SEC);
    check_asked(rig, "hang 0 by ipv4; ");
    end(rig);
}

static void a_route_to_a_backend_that_is_not_there_changes_nothing(void)
{
    struct rig *rig = begin("  - route: {to: b}\n");
    start(rig);
    CHECK_INT(count(rig, "\"outcome\":\"no backend\""), 1);
    accept(rig);
    CHECK_INT(count(rig, "\"ev\":\"tcp.route\""), 0);
    end(rig);
}

SUITE(unheard, TEST(losses_add_up_and_what_is_left_stays),
      TEST(a_leg_that_was_left_without_a_word_stays_deaf),
      TEST(a_loss_that_is_refused_is_no_silence), TEST(another_faults_refusal_is_not_its_own),
      TEST(an_end_that_is_seen_is_told_once_and_what_was_sent_still_comes),
      TEST(a_spoilt_handshake_is_the_faults_doing_and_ends_both_legs),
      TEST(without_a_fault_it_is_the_clients),
      TEST(a_handshake_that_was_only_stalled_fails_by_the_client),
      TEST(failed_handshakes_are_attempts_to_wait_for),
      TEST(doors_hang_as_long_as_any_fault_wants_it), TEST(the_door_of_one_client_hangs_alone),
      TEST(each_client_loses_the_address_that_it_used), TEST(refusing_goes_before_hanging),
      TEST(a_route_to_a_backend_that_is_not_there_changes_nothing))
