#include "tests/unit/mail_story.h"

#include <stdio.h>

#include "tests/check.h"

#define IDS_LIMIT 20000

static const char *how = "declared";

void mail_how(const char *given)
{
    how = given;
}

void mail_begin(struct story *s, const char *declares)
{
    how = "declared";
    story_begin(s);
    story_target(s, declares);
    story_open(s, 0);
}

const char *mail_id(unsigned number)
{
    static char ids[IDS_LIMIT][8];
    if (number >= IDS_LIMIT)
        return "";
    snprintf(ids[number], sizeof ids[number], "%u", number);
    return ids[number];
}

static void ask(struct story *s, double at, unsigned number)
{
    struct event *ev = story_add(s, at, EV_HOOK_ASKED, SIDE_CLIENT, BY_PROXY);
    ev->conn = 0;
    ev->hook_asked =
        (struct ev_hook_asked){.hook = "send", .number = number, .how = "stdin", .answer = "taken"};
}

void mail_ask(struct story *s, double from, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++)
        ask(s, from + MAIL_EVERY * (i - first), i);
}

void mail_ask_all(struct story *s, double at, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++)
        ask(s, at, i);
}

void mail_send(struct story *s, double from, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++)
        story_id(s, from + MAIL_EVERY * (i - first), SIDE_CLIENT, mail_id(i), how);
}

void mail_live(struct story *s, double from, unsigned first, unsigned last)
{
    mail_ask(s, from, first, last);
    mail_send(s, from + 0.001, first, last);
}

void mail_burst(struct story *s, double at, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++)
        story_id(s, at, SIDE_CLIENT, mail_id(i), how);
}

void mail_burst_reversed(struct story *s, double at, unsigned first, unsigned last)
{
    for (unsigned i = last; i >= first; i--)
        story_id(s, at, SIDE_CLIENT, mail_id(i), how);
}

void mail_outage(struct story *s, double from, double to)
{
    story_fault(s, from, "reset", SIDE_CLIENT, false);
    story_cut(s, from, "reset", "rst");
    story_of(s, s->client, s->conn + 1);
    story_open(s, to);
}

void mail_expect(struct story *s, double end, const struct rule_desc *rule, enum verdict want,
                 const char *part)
{
    story_run_end(s, end);
    CHECK_STR(verdict_name(story_judge(s, rule, NULL)), verdict_name(want));
    CHECK_CONTAINS(story_text(s), part);
    story_end(s);
}
