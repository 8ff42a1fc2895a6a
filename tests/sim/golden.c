#include "tests/sim/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"

static void read_file(const char *path, struct text *out)
{
    char bytes[4096];
    FILE *file = fopen(path, "r");
    for (size_t len; file && (len = fread(bytes, 1, sizeof bytes, file)) > 0;)
        text_add_bytes(out, bytes, len);
    if (file)
        (void)fclose(file);
}

static void write_file(const char *path, const struct text *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (!file)
        return;
    CHECK_INT(fwrite(text_chars(text), 1, text->len, file), text->len);
    CHECK_INT(fclose(file), 0);
}

/* The line that begins at or before that place. */
static char *line_at(const char *text, size_t at)
{
    while (at > 0 && text[at - 1] != '\n')
        at--;
    return xstrndup(text + at, strcspn(text + at, "\n"));
}

void golden_check(const char *path, const struct text *got)
{
    struct text want;
    size_t at = 0;
    if (getenv("GOLDEN")) {
        write_file(path, got);
        return;
    }
    text_init(&want);
    read_file(path, &want);
    const char *ours = text_chars(got), *theirs = text_chars(&want);
    while (ours[at] && ours[at] == theirs[at])
        at++;
    char *our_line = line_at(ours, at), *their_line = line_at(theirs, at);
    if (ours[at] != theirs[at])
        fprintf(stderr, "\n%s differs (make golden writes it anew)", path);
    CHECK_STR(ours[at] == theirs[at] ? "" : our_line, ours[at] == theirs[at] ? "" : their_line);
    free(our_line);
    free(their_line);
    text_fini(&want);
}
