#include "control/prompts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/input.h"

struct question {
    struct question *next;
    void *who;
    char *words;
    void (*on_done)(void *who);
};

struct prompts {
    struct loop *loop;
    struct table *table;
    struct input *input; /* NULL: nobody was asked yet */
    struct question *first;
};

struct prompts *prompts_new(struct loop *loop, struct table *table)
{
    struct prompts *prompts = xcalloc(1, sizeof *prompts);
    prompts->loop = loop;
    prompts->table = table;
    return prompts;
}

static void question_free(struct question *question)
{
    free(question->words);
    free(question);
}

void prompts_close(struct prompts *prompts)
{
    while (prompts->first) {
        struct question *next = prompts->first->next;
        question_free(prompts->first);
        prompts->first = next;
    }
    input_free(prompts->input);
    prompts->input = NULL;
}

void prompts_free(struct prompts *prompts)
{
    if (!prompts)
        return;
    prompts_close(prompts);
    free(prompts);
}

/* A question is told even where the table is quiet. */
static void show(const struct prompts *prompts)
{
    if (!prompts->first)
        return;
    if (table_is_quiet(prompts->table))
        fprintf(stderr, "%s\n", prompts->first->words);
    else
        table_say(prompts->table, prompts->first->words);
}

static void on_line(void *context, const char *line, size_t len)
{
    struct prompts *prompts = context;
    struct question *done = prompts->first;
    (void)line;
    (void)len;
    if (!done)
        return;
    prompts->first = done->next;
    show(prompts);
    done->on_done(done->who);
    question_free(done);
}

void prompts_ask(struct prompts *prompts, void *who, const char *name, const char *text,
                 void (*on_done)(void *who))
{
    struct question **last = &prompts->first;
    struct question *added = xcalloc(1, sizeof *added);
    *added = (struct question){
        .who = who, .on_done = on_done, .words = xprintf("  ?   %s: %s  [Enter]", name, text)};
    while (*last)
        last = &(*last)->next;
    *last = added;
    if (!prompts->input)
        prompts->input = input_new(prompts->loop, on_line, prompts);
    if (prompts->first == added)
        show(prompts);
}

void prompts_withdraw(struct prompts *prompts, void *who)
{
    if (!prompts)
        return;
    bool shown = prompts->first && prompts->first->who == who;
    for (struct question **at = &prompts->first; *at;) {
        struct question *question = *at;
        if (question->who != who) {
            at = &question->next;
            continue;
        }
        *at = question->next;
        question_free(question);
    }
    if (shown)
        show(prompts);
}
