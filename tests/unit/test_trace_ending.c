#include "tests/check.h"
#include "trace/trace.h"

static enum run_ending ending_of(const char *reason)
{
    struct event ev = {.kind = EV_RUN_END, .at = NSEC_PER_SEC, .client = -1};
    ev.run_end.reason = reason;
    struct trace *trace = trace_from(&ev, reason ? 1 : 0);
    enum run_ending ending = trace_ending(trace);
    trace_free(trace);
    return ending;
}

static void a_trace_that_was_cut_has_none(void)
{
    CHECK_INT(ending_of(NULL), ENDING_MISSING);
}

static void finished_is_regular_and_so_are_clients_that_left(void)
{
    CHECK_INT(ending_of(RUN_FINISHED), ENDING_REGULAR);
    CHECK_INT(ending_of(RUN_CLIENTS_EXITED), ENDING_REGULAR);
    CHECK_INT(ending_of(RUN_NOT_TESTED "hooks.close"), ENDING_REGULAR);
}

static void interrupts_and_timeouts_end_it_early(void)
{
    CHECK_INT(ending_of(RUN_INTERRUPTED), ENDING_EARLY);
    CHECK_INT(ending_of(RUN_TIMED_OUT), ENDING_EARLY);
}

static void any_other_reason_is_trouble(void)
{
    CHECK_INT(ending_of("the server has exited"), ENDING_TROUBLE);
    CHECK_INT(ending_of(""), ENDING_TROUBLE);
    CHECK_INT(ending_of(RUN_NOT_TESTED "hooks.closer"), ENDING_TROUBLE);
    CHECK_INT(ending_of(RUN_NOT_TESTED "hooks"), ENDING_TROUBLE);
}

SUITE(trace_ending, TEST(a_trace_that_was_cut_has_none),
      TEST(finished_is_regular_and_so_are_clients_that_left),
      TEST(interrupts_and_timeouts_end_it_early), TEST(any_other_reason_is_trouble))
