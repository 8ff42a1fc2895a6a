#include "tests/sim/golden.h"

#include <dirent.h>
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

void golden_folder_init(struct golden_folder *folder, const char *path)
{
    *folder = (struct golden_folder){.path = path};
    text_init(&folder->names);
    text_add(&folder->names, "/");
}

void golden_folder_check(struct golden_folder *folder, const char *name, const struct text *got)
{
    char *path = xprintf("%s/%s", folder->path, name);
    golden_check(path, got);
    text_addf(&folder->names, "%s/", name);
    free(path);
}

static void check_known(const struct golden_folder *folder, const char *name)
{
    char *path = xprintf("%s/%s", folder->path, name), *slashed = xprintf("/%s/", name);
    bool known = name[0] == '.' || strstr(text_chars(&folder->names), slashed) != NULL;
    if (!known && getenv("GOLDEN"))
        CHECK_INT(remove(path), 0);
    else
        CHECK_STR(known ? "" : path, "");
    free(path);
    free(slashed);
}

void golden_folder_fini(struct golden_folder *folder)
{
    DIR *dir = opendir(folder->path);
    CHECK(dir != NULL);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        check_known(folder, entry->d_name);
    if (dir)
        closedir(dir);
    text_fini(&folder->names);
}
