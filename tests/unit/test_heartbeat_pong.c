#include "tests/check.h"
#include "tests/unit/story.h"
#include "ws/frame.h"

extern const struct rule_desc heartbeat_pong_rule;

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &heartbeat_pong_rule, want, part);
}

static void end(struct story *s, double at, enum verdict want, const char *part)
{
    story_run_end(s, at);
    expect(s, want, part);
}

static void begin(struct story *s, double speed)
{
    story_begin(s);
    story_speed(s, speed);
    story_open(s, 0);
}

static void our_ping(struct story *s, double at, const char *payload)
{
    struct event *ev = story_add(s, at, EV_WS_INJECTED, SIDE_SERVER, BY_FAULT);
    ev->ws_injected = (struct ev_ws_injected){.opcode = OPCODE_PING, .fin = true, .hash = payload};
}

static void pong(struct story *s, double at, const char *payload)
{
    story_pong(s, at, SIDE_CLIENT);
    s->events[s->count - 1].ws_frame.hash = payload;
}

static void act(struct story *s, double at, enum side side, const char *verb)
{
    struct event *ev = story_add(s, at, EV_FAULT_ACT, side, BY_FAULT);
    ev->fault_act.fault = ev->fault_act.label = "other";
    ev->fault_act.verb = verb;
    ev->fault_act.detail = "";
}

static const char *const payloads[] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"};

static void answered_after(double speed, double took, enum verdict want, const char *part)
{
    struct story s;
    begin(&s, speed);
    for (int i = 0; i < 5; i++) {
        our_ping(&s, 10 + 200 * i, payloads[i]);
        pong(&s, 10 + 200 * i + took, payloads[i]);
    }
    end(&s, 1000, want, part);
}

static void a_second_passes(void)
{
    answered_after(1, 1, PASS, "the client answered each ping within 1.00 s; allowed 1.00 s");
}

static void beyond_a_second_warns(void)
{
    answered_after(1, 1.01, WARN, "within 1.01 s");
}

static void ten_seconds_warn(void)
{
    answered_after(1, 10, WARN, "within 10 s");
}

static void beyond_ten_seconds_fails(void)
{
    answered_after(1, 10.1, FAIL, "within 10.1 s; allowed 1.00 s");
}

static void at_speed_ten_the_wall_clock_counts(void)
{
    answered_after(10, 10, PASS, "within 1.00 s; allowed 1.00 s by the clock on the wall");
    answered_after(10, 10.2, WARN, "within 1.02 s");
}

static void noise_is_allowed_for(void)
{
    struct story s;
    begin(&s, 1);
    story_noise(&s, 0.02);
    for (int i = 0; i < 5; i++) {
        our_ping(&s, 10 + i, payloads[i]);
        pong(&s, 11.02 + i, payloads[i]);
    }
    end(&s, 100, PASS, "within 1.02 s");
}

static void never_for_ten_seconds(double watched, enum verdict want, const char *part)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 5; i++)
        our_ping(&s, 10, payloads[i]);
    end(&s, 10 + watched, want, part);
}

static void never_fails(void)
{
    never_for_ten_seconds(10.1, FAIL, "left pings unanswered, the oldest for 10.1 s");
}

static void not_yet_is_inconclusive(void)
{
    never_for_ten_seconds(10, INCONCLUSIVE, "had left pings unanswered for 10 s");
    never_for_ten_seconds(1, INCONCLUSIVE, "");
}

static void at_speed_ten_never_takes_longer(void)
{
    struct story s;
    begin(&s, 10);
    for (int i = 0; i < 5; i++)
        our_ping(&s, 10, payloads[i]);
    end(&s, 100, INCONCLUSIVE, "for 9.00 s");
}

static void the_last_of_a_burst_is_enough(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 10; i++)
        our_ping(&s, 10, payloads[i]);
    pong(&s, 10.5, payloads[9]);
    end(&s, 100, PASS, "within 500 ms");
}

static void all_but_the_last_of_a_burst_are_not(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 10; i++)
        our_ping(&s, 10, payloads[i]);
    for (int i = 0; i < 9; i++)
        pong(&s, 10.5, payloads[i]);
    end(&s, 100, FAIL, "left pings unanswered, the oldest for 90 s");
}

static void pings_of_one_payload_are_answered_by_as_many_pongs(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 5; i++)
        our_ping(&s, 10, "");
    for (int i = 0; i < 5; i++)
        pong(&s, 10.1, "");
    end(&s, 100, PASS, "within 100 ms");
}

static void other_data_fails(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 5; i++) {
        our_ping(&s, 10 + i, payloads[i]);
        pong(&s, 10.1 + i, "wrong");
    }
    end(&s, 100, FAIL, "pongs that carry other data");
}

static void unsolicited_pongs_are_no_answers_and_no_fault(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 5; i++) {
        our_ping(&s, 10 + i, payloads[i]);
        pong(&s, 10.05 + i, "own");
        pong(&s, 10.1 + i, payloads[i]);
    }
    end(&s, 100, PASS, "within 100 ms");
}

static void pings_of_the_server_count(void)
{
    struct story s;
    begin(&s, 1);
    for (double at = 10; at < 60; at += 10) {
        story_ping(&s, at, SIDE_SERVER);
        story_pong(&s, at + 0.2, SIDE_CLIENT);
    }
    end(&s, 100, PASS, "within 200 ms");
}

static void a_ping_that_was_held_counts_from_its_delivery(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 4; i++) {
        story_ping(&s, 10 + 20 * i, SIDE_SERVER);
        s.events[s.count - 1].ws_frame.passed = false;
        uint64_t seq = s.count;
        act(&s, 10 + 20 * i, SIDE_CLIENT, "hold");
        struct event *ev = story_add(&s, 18 + 20 * i, EV_WS_DELIVERED, SIDE_CLIENT, BY_PROXY);
        ev->ws_delivered.frame = seq;
        story_pong(&s, 18.2 + 20 * i, SIDE_CLIENT);
    }
    end(&s, 100, PASS, "within 200 ms");
}

static void a_ping_that_never_arrives_is_not_missed(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 4; i++) {
        story_ping(&s, 10 + 20 * i, SIDE_SERVER);
        s.events[s.count - 1].ws_frame.passed = false;
        act(&s, 10 + 20 * i, SIDE_CLIENT, "drop");
    }
    end(&s, 200, INCONCLUSIVE, "got no ping");
}

static void our_pings_among_other_faults_do_not_count(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 5; i++) {
        our_ping(&s, 10 + i, payloads[i]);
        act(&s, 10 + i, SIDE_CLIENT, "drop");
    }
    end(&s, 100, INCONCLUSIVE, "");
}

static void what_faults_do_to_pongs_changes_nothing(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 5; i++) {
        our_ping(&s, 10 + i, payloads[i]);
        act(&s, 10 + i, SIDE_CLIENT, "inject");
        pong(&s, 10.1 + i, payloads[i]);
        act(&s, 10.1 + i, SIDE_SERVER, "drop");
    }
    end(&s, 100, PASS, "within 100 ms");
}

static void after_a_close_no_pong_is_owed(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 5; i++) {
        our_ping(&s, 10 + i, payloads[i]);
        pong(&s, 10.1 + i, payloads[i]);
    }
    our_ping(&s, 20, payloads[5]);
    story_close(&s, 20, SIDE_SERVER, 1001);
    end(&s, 100, PASS, "within 100 ms");
}

static void while_we_do_not_read_no_pong_is_seen(void)
{
    struct story s;
    begin(&s, 1);
    story_pause(&s, 9, true, 0, 0);
    for (int i = 0; i < 5; i++)
        our_ping(&s, 10 + i, payloads[i]);
    end(&s, 100, INCONCLUSIVE, "got no ping");
}

static void two_pings_are_too_few(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 2; i++) {
        our_ping(&s, 10 + i, payloads[i]);
        pong(&s, 10.1 + i, payloads[i]);
    }
    end(&s, 100, INCONCLUSIVE, "fewer than 3");
}

static void no_pings_are_inconclusive(void)
{
    struct story s;
    begin(&s, 1);
    story_pings(&s, 30, 30, 95, true);
    end(&s, 100, INCONCLUSIVE, "got no ping");
}

static void a_trace_cut_short_proves_nothing(void)
{
    struct story s;
    begin(&s, 1);
    for (int i = 0; i < 5; i++)
        our_ping(&s, 10 + i, payloads[i]);
    expect(&s, INCONCLUSIVE, "had left pings unanswered for 4.00 s");
}

static void clients_are_counted(void)
{
    struct story s;
    begin(&s, 1);
    story_of(&s, 1, 2);
    story_open(&s, 0);
    for (int client = 0; client < 2; client++) {
        story_of(&s, client, (uint32_t)client + 1);
        for (int i = 0; i < 5; i++) {
            our_ping(&s, 10 + 10 * client + i, payloads[i]);
            if (client == 0)
                pong(&s, 10.1 + i, payloads[i]);
        }
    }
    end(&s, 100, FAIL, "1 of 2 clients left pings unanswered, the oldest for 80 s");
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_open(&s, 0);
    our_ping(&s, 10, "a");
    end(&s, 400, NOT_APPLICABLE, "halfopen's own");
}

SUITE(heartbeat_pong, TEST(a_second_passes), TEST(beyond_a_second_warns), TEST(ten_seconds_warn),
      TEST(beyond_ten_seconds_fails), TEST(at_speed_ten_the_wall_clock_counts),
      TEST(noise_is_allowed_for), TEST(never_fails), TEST(not_yet_is_inconclusive),
      TEST(at_speed_ten_never_takes_longer), TEST(the_last_of_a_burst_is_enough),
      TEST(all_but_the_last_of_a_burst_are_not),
      TEST(pings_of_one_payload_are_answered_by_as_many_pongs), TEST(other_data_fails),
      TEST(unsolicited_pongs_are_no_answers_and_no_fault), TEST(pings_of_the_server_count),
      TEST(a_ping_that_was_held_counts_from_its_delivery),
      TEST(a_ping_that_never_arrives_is_not_missed),
      TEST(our_pings_among_other_faults_do_not_count),
      TEST(what_faults_do_to_pongs_changes_nothing), TEST(after_a_close_no_pong_is_owed),
      TEST(while_we_do_not_read_no_pong_is_seen), TEST(two_pings_are_too_few),
      TEST(no_pings_are_inconclusive), TEST(a_trace_cut_short_proves_nothing),
      TEST(clients_are_counted), TEST(halfopens_own_client_is_not_judged))
