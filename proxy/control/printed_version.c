#include "control/printed_version.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pattern.h"

/* "version 1.2", "v1.2.3", and with all three numbers also "name@1.2.3" and "name/1.2.3". */
static const char written[] =
    "(?i)(?|(?:\\bversion\"?[ :=]{0,3}\"?v?|\\bv)(\\d{1,6}\\.\\d{1,6}(?:\\.\\d{1,9})?"
    "(?:[-+][0-9a-z](?:[0-9a-z.-]*[0-9a-z])?)?)(?![\\d.:]*\\d)"
    "|[a-z][@/](\\d{1,6}\\.\\d{1,6}\\.\\d{1,9}(?:[-+][0-9a-z](?:[0-9a-z.-]*[0-9a-z])?)?)"
    "(?![\\d.:]*\\d))";

char *printed_version(const char *output, size_t len)
{
    struct text why;
    size_t from, found;
    text_init(&why);
    struct pattern *pattern = pattern_new(written, &why);
    bool there = pattern && pattern_find(pattern, output, len, &from, &found);
    char *version = there ? xstrndup(output + from, found) : NULL;
    pattern_free(pattern);
    text_fini(&why);
    return version;
}

char *printed_version_in(const char *path)
{
    char bytes[PRINTED_VERSION_BYTES];
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file)
        (void)fclose(file); /* it was only read */
    return printed_version(bytes, len);
}
