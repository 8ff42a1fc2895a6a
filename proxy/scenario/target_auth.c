/* auth: how the client authenticates, in a target file. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "scenario/target_parts.h"

/* Whatever it is made of, it is a secret: it may have been written out. */
static void load_token(struct target *target, const struct node *token, struct diag *diag)
{
    if (!token || !field_copy(token, &target->auth.token, diag))
        return;
    if (strlen(target->auth.token) < SECRET_LEAST)
        diag_error(diag, token->place, "'token' is shorter than %d characters, too short to tell",
                   SECRET_LEAST);
    secrets_remember(&target->secrets, target->auth.token);
}

static void load_public(struct target *target, const struct node *list, struct diag *diag)
{
    size_t count = 0;
    if (!list || !field_is_list(list, "[apikey]", diag))
        return;
    target->auth.public_keys = xcalloc(list->count + 1, sizeof *target->auth.public_keys);
    for (const struct node *item = list->first; item; item = item->next)
        if (field_copy(item, &target->auth.public_keys[count], diag))
            count++;
}

/* What the built-in server says has to be an acknowledgement by the pattern beside it. */
static void load_answer(struct target *target, const struct node *answer, struct diag *diag)
{
    if (!answer || !field_copy(answer, &target->auth.answer, diag))
        return;
    struct pattern *ack = pattern_known(target->auth.ack);
    if (!target->auth.message)
        diag_error(diag, answer->key_place,
                   "'answer' is to nothing: 'message' says what authenticates the client, as in "
                   "'\"type\":\"auth\"'");
    else if (ack && !pattern_matches(ack, target->auth.answer, strlen(target->auth.answer)))
        diag_error(diag, answer->place, "'answer' is %s, which 'ack' does not match", answer->text);
    pattern_free(ack);
}

void target_load_auth(struct target *target, const struct node *auth, struct diag *diag)
{
    static const char *const known[] = {"message", "ack", "answer", "token", "public", NULL};
    if (!field_is_mapping(auth, "{message: '\"type\":\"auth\"'}", diag))
        return;
    fields_check(auth, known, NULL, "'auth'", diag);
    target_load_pattern(field_find(auth, "message"), &target->auth.message, diag);
    target_load_pattern(field_find(auth, "ack"), &target->auth.ack, diag);
    load_answer(target, field_find(auth, "answer"), diag);
    load_token(target, field_find(auth, "token"), diag);
    load_public(target, field_find(auth, "public"), diag);
}

void target_free_auth(struct target *target)
{
    for (size_t i = 0; target->auth.public_keys && target->auth.public_keys[i]; i++)
        free(target->auth.public_keys[i]);
    free(target->auth.public_keys);
    free(target->auth.message);
    free(target->auth.ack);
    free(target->auth.token);
    free(target->auth.answer);
}

void target_apply_auth(const struct target *target, struct plan *plan)
{
    size_t count = 0;
    target_replace(&plan->auth.message, target->auth.message);
    target_replace(&plan->auth.ack, target->auth.ack);
    target_replace(&plan->auth.token, target->auth.token);
    target_replace(&plan->auth.answer, target->auth.answer);
    while (target->auth.public_keys && target->auth.public_keys[count])
        count++;
    if (count == 0 || plan->auth.public_keys)
        return;
    plan->auth.public_keys = xcalloc(count + 1, sizeof *plan->auth.public_keys);
    for (size_t i = 0; i < count; i++)
        plan->auth.public_keys[i] = xstrdup(target->auth.public_keys[i]);
}
