/* reconnect.resubscribe where the target file says what subscribes and what resumes. */
#include "tests/check.h"
#include "tests/unit/renewal_story.h"

/* --- Declared --- */

#define RESUMES "{\"sessions\":{\"subscribe\":true,\"resume\":true}}"

static const char *const none[] = {NULL};
static const char *const a[] = {"a", NULL};
static const char *const ab[] = {"a", "b", NULL};
static const char *const aba[] = {"a", "b", "a", NULL};
static const char *const ba[] = {"b", "a", NULL};
static const char *const cd[] = {"c", "d", NULL};
static const char *const nameless[] = {"", NULL};

static void subscriptions_taken_up_again_pass_in_any_order(void)
{
    struct story s;
    renewal_declared(&s, ab, ba);
    renewal_expect(&s, PASS, "repeated the subscriptions");
    renewal_declared(&s, aba, ab);
    renewal_expect(&s, PASS, "repeated the subscriptions");
}

static void none_taken_up_again_fails_for_one_client(void)
{
    struct story s;
    renewal_declared(&s, ab, none);
    renewal_expect(&s, FAIL, "none of the 2 subscriptions");
    renewal_declared(&s, ab, cd);
    renewal_expect(&s, FAIL, "none of the 2 subscriptions");
}

static void some_not_taken_up_again_are_a_warning(void)
{
    struct story s;
    renewal_declared(&s, ab, a);
    renewal_expect(&s, WARN, "took up 1 of its 2 subscriptions again");
}

static void without_a_group_one_is_as_good_as_another(void)
{
    struct story s;
    renewal_declared(&s, nameless, nameless);
    renewal_expect(&s, PASS, "repeated the subscriptions");
    renewal_declared(&s, nameless, none);
    renewal_expect(&s, FAIL, "did not repeat its only subscription");
}

static void a_pattern_that_never_matched_decides_nothing(void)
{
    struct story s;
    renewal_declared(&s, none, none);
    renewal_expect(&s, INCONCLUSIVE, "no message of the client matched sessions.subscribe");
}

static void resumed(struct story *s, const char *first_after)
{
    renewal_begin(s);
    story_target(s, RESUMES);
    renewal_session(s, 0, 0, LOST);
    renewal_subscribe(s, 1, "a");
    renewal_number(s, 2, 1, 1, 25);
    renewal_session(s, 0, BACK, OVER);
    if (*first_after)
        renewal_subscribe(s, BACK + 1, first_after);
}

/* Which of its messages subscribe is known, whoever it is. */
static void a_credential_excuses_nobody_where_that_is_declared(void)
{
    struct story s;
    renewal_declared(&s, ab, none);
    story_of(&s, 0, SECOND);
    renewal_says_who_it_is(&s, 0);
    renewal_expect(&s, FAIL, "none of the 2 subscriptions");
}

static void some_and_no_stream_fails(void)
{
    struct story s;
    renewal_declared(&s, ab, a);
    story_of(&s, 0, 1);
    renewal_hear(&s, 2, 1, LOST - 0.5, "tick");
    renewal_expect(&s, FAIL, "1 of the 2 subscriptions, and what the server had sent all the time");
}

static void a_resume_is_enough(void)
{
    struct story s;
    resumed(&s, "");
    renewal_say(&s, BACK + 2, "resume");
    story_session(&s, BACK + 2, SIDE_CLIENT, "resume", "");
    story_run_end(&s, OVER);
    renewal_expect(&s, PASS, "the client resumed");
}

/* What a resume looks like is known, and this is none, whatever the server answers. */
static void other_words_are_no_resume_where_that_is_declared(void)
{
    struct story s;
    resumed(&s, "a");
    renewal_say(&s, BACK + 2, "something else");
    renewal_hear(&s, BACK + 2, 1, BACK + 2.5, "snapshot");
    renewal_number(&s, BACK + 3, 1, 40, 50);
    story_run_end(&s, OVER);
    renewal_expect(&s, WARN, "up to 14 messages of the server never came");
}

static void a_server_that_goes_on_is_in_the_way_of_a_failure(void)
{
    struct story s;
    renewal_begin(&s);
    story_target(&s, RENEWAL_SUBSCRIBES);
    renewal_session(&s, 0, 0, LOST);
    renewal_subscribe(&s, 1, "a");
    renewal_hear(&s, 2, 1, LOST, "tick");
    renewal_session(&s, 0, BACK, OVER);
    renewal_hear(&s, BACK + 2, 1, OVER, "tick");
    story_run_end(&s, OVER);
    renewal_expect(&s, INCONCLUSIVE, "its server may know it again");
}

SUITE(resubscribe_declared, TEST(subscriptions_taken_up_again_pass_in_any_order),
      TEST(none_taken_up_again_fails_for_one_client), TEST(some_not_taken_up_again_are_a_warning),
      TEST(without_a_group_one_is_as_good_as_another),
      TEST(a_pattern_that_never_matched_decides_nothing), TEST(a_resume_is_enough),
      TEST(other_words_are_no_resume_where_that_is_declared),
      TEST(a_credential_excuses_nobody_where_that_is_declared), TEST(some_and_no_stream_fails),
      TEST(a_server_that_goes_on_is_in_the_way_of_a_failure))
