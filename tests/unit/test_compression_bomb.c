/* security.compression_bomb, on traces written by hand. */
#include "tests/check.h"
#include "tests/unit/offence_story.h"
#include "ws/frame.h"

extern const struct rule_desc security_compression_bomb_rule;

#define MIB (1024.0 * 1024)

static void bomb(struct story *s, double at)
{
    story_offence(s, at, "oversize_message", "{\"form\":\"deflated\",\"size\":\"268435456\"}");
}

/* At 10 s, to a client that answered a ping before. */
static void bombed(struct story *s)
{
    story_begin(s);
    story_open_deflate(s, 0);
    story_probe(s, 1);
    bomb(s, 10);
}

static void server_says(struct story *s, double at)
{
    story_data(s, at, SIDE_SERVER, "m", 20);
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 100);
    story_expect(s, &security_compression_bomb_rule, want, part);
}

static void who_closes_has_refused_it_however_long_that_took(void)
{
    struct story s;
    bombed(&s);
    story_fail(&s, 15, 1009);
    expect(&s, PASS, "a message that inflates to 256 MiB was refused with 1009");
    bombed(&s);
    story_fail(&s, 10.1, 1002);
    expect(&s, PASS, "was refused with 1002");
    bombed(&s);
    story_fin(&s, 10.1, SIDE_CLIENT);
    expect(&s, PASS, "was refused without a Close");
}

static void who_answers_a_later_ping_has_taken_it(void)
{
    struct story s;
    bombed(&s);
    story_probe(&s, 12);
    expect(&s, FAIL, "a message that inflates to 256 MiB was taken, and the client went on");
}

/* The pong may have been under way. */
static void a_pong_without_a_later_ping_tells_nothing(void)
{
    struct story s;
    bombed(&s);
    story_pong(&s, 10.01, SIDE_CLIENT);
    expect(&s, INCONCLUSIVE, "had no answer that tells");
}

static void a_refusal_may_come_after_a_pong(void)
{
    struct story s;
    bombed(&s);
    story_probe(&s, 12);
    story_fail(&s, 13, 1009);
    expect(&s, PASS, "was refused with 1009");
}

/* The bomb is in the client's context and not in the server's: what comes next cannot be read. */
static void closing_over_the_servers_next_message_is_no_refusal(void)
{
    struct story s;
    bombed(&s);
    story_probe(&s, 11);
    server_says(&s, 12);
    story_fail(&s, 12.01, 1007);
    expect(&s, FAIL, "was taken");
    bombed(&s);
    server_says(&s, 12);
    story_fail(&s, 12.01, 1007);
    expect(&s, INCONCLUSIVE, "had no answer that tells");
    bombed(&s);
    server_says(&s, 12);
    story_fail(&s, 12.01, 1009);
    expect(&s, PASS, "was refused with 1009");
}

static void a_client_that_is_not_known_to_read_is_not_blamed(void)
{
    struct story s;
    story_begin(&s);
    story_open_deflate(&s, 0);
    bomb(&s, 10);
    expect(&s, INCONCLUSIVE, "nothing shows that the client reads");
}

static void memory_that_holds_all_of_it_fails(void)
{
    struct story s;
    bombed(&s);
    story_memory(&s, 9, 50 * MIB);
    story_memory(&s, 10.5, 306 * MIB);
    story_fail(&s, 11, 1009);
    expect(&s, FAIL, "was inflated whole: the client's memory rose by 256 MiB before it closed");
    bombed(&s);
    story_memory(&s, 9, 50 * MIB);
    story_memory(&s, 10.5, 305 * MIB);
    story_fail(&s, 11, 1009);
    expect(&s, PASS, "was refused with 1009");
}

static void memory_of_other_times_and_clients_does_not_count(void)
{
    struct story s;
    bombed(&s);
    story_memory(&s, 9, 50 * MIB);
    story_memory(&s, 10.5, 60 * MIB);
    story_memory(&s, 14, 900 * MIB);
    story_of(&s, 1, 0);
    story_memory(&s, 10.6, 900 * MIB);
    story_of(&s, 0, 1);
    story_fail(&s, 11, 1009);
    expect(&s, PASS, "was refused with 1009");
}

static void a_process_that_is_killed_fails_and_one_that_ends_warns(void)
{
    struct story s;
    bombed(&s);
    story_fin(&s, 11, SIDE_CLIENT);
    story_exit(&s, 11, "signal 6", false);
    expect(&s, FAIL, "a message that inflates to 256 MiB ended the client's process (signal 6)");
    bombed(&s);
    story_fin(&s, 11, SIDE_CLIENT);
    story_exit(&s, 11, "exit 1", false);
    expect(&s, WARN, "ended the client's process (exit 1)");
}

static void without_an_agreement_it_does_not_apply(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_probe(&s, 1);
    bomb(&s, 10);
    expect(&s, NOT_APPLICABLE, "the client offers no permessage-deflate");
}

static void another_giant_is_no_bomb(void)
{
    struct story s;
    story_begin(&s);
    story_open_deflate(&s, 0);
    story_probe(&s, 1);
    story_offence(&s, 10, "oversize_message", "{\"form\":\"frame\",\"size\":\"268435456\"}");
    story_probe(&s, 12);
    expect(&s, INCONCLUSIVE, "no compressed giant reached a connection");
}

static void our_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_open_deflate(&s, 0);
    bomb(&s, 10);
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

SUITE(compression_bomb, TEST(who_closes_has_refused_it_however_long_that_took),
      TEST(who_answers_a_later_ping_has_taken_it), TEST(a_pong_without_a_later_ping_tells_nothing),
      TEST(a_refusal_may_come_after_a_pong),
      TEST(closing_over_the_servers_next_message_is_no_refusal),
      TEST(a_client_that_is_not_known_to_read_is_not_blamed),
      TEST(memory_that_holds_all_of_it_fails),
      TEST(memory_of_other_times_and_clients_does_not_count),
      TEST(a_process_that_is_killed_fails_and_one_that_ends_warns),
      TEST(without_an_agreement_it_does_not_apply), TEST(another_giant_is_no_bomb),
      TEST(our_own_client_is_not_judged))
