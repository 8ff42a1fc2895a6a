/* close_codes: what the server means by its close codes, in a target file. */
#include "base/units.h"
#include "scenario/target_parts.h"

static bool load_code(const struct node *item, uint16_t *out, struct diag *diag)
{
    const char *why;
    uint64_t code = 0;
    if (!field_is_scalar(item, "4401", diag))
        return false;
    if (!units_count(item->text, &code, &why) || code < 1000 || code > 4999) {
        diag_error(diag, item->place, "%s is no close code: 1000 to 4999", field_written(item));
        return false;
    }
    *out = (uint16_t)code;
    return true;
}

static void load_list(const struct node *list, uint16_t *out, size_t *count, struct diag *diag)
{
    if (!list || !field_is_list(list, "[4401, 4403]", diag))
        return;
    if (list->count > CLOSE_CODES_LIMIT) {
        diag_error(diag, list->place, "'%s' has too many codes: at most %d", list->key,
                   CLOSE_CODES_LIMIT);
        return;
    }
    for (const struct node *item = list->first; item; item = item->next)
        if (load_code(item, &out[*count], diag))
            ++*count;
}

static void refuse_both(const struct node *final, const struct close_codes *codes,
                        struct diag *diag)
{
    for (size_t i = 0; i < codes->final_count; i++)
        if (close_code_is_retry(codes, codes->final[i]))
            diag_error(diag, final->place, "%u is in 'final' and in 'retry': it means one of them",
                       codes->final[i]);
}

void target_load_codes(struct target *target, const struct node *codes, struct diag *diag)
{
    static const char *const known[] = {"final", "retry", NULL};
    struct close_codes *out = &target->close_codes;
    if (!field_is_mapping(codes, "{final: [4401, 4403], retry: [4429]}", diag))
        return;
    fields_check(codes, known, NULL, "'close_codes'", diag);
    const struct node *final = field_find(codes, "final"), *retry = field_find(codes, "retry");
    load_list(final, out->final, &out->final_count, diag);
    load_list(retry, out->retry, &out->retry_count, diag);
    if (!final && !retry)
        diag_error(diag, codes->key_place,
                   "'close_codes' names no code, as in close_codes: {final: [4401, 4403]}");
    if (final)
        refuse_both(final, out, diag);
}
