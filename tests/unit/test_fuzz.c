/* The corpora of the fuzz targets as plain tests: each file, each beginning of it, and each with a
 * bit turned. What must hold is asserted in the targets. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/guarded.h"

#define INPUT_LIMIT ((size_t)16 << 10)
#define CUTS        200 /* of a file: every so many bytes when it is longer */

static void try(void (*target)(const uint8_t *, size_t), const uint8_t *bytes, size_t len)
{
    uint8_t *guarded = guarded_copy(bytes, len);
    target(guarded, len);
    guarded_free(guarded, len);
}

static void try_all(void (*target)(const uint8_t *, size_t), uint8_t *bytes, size_t len)
{
    size_t step = len / CUTS + 1;
    for (size_t cut = 0; cut <= len; cut += step)
        try(target, bytes, cut);
    for (size_t at = 0; at < len; at += step) {
        uint8_t kept = bytes[at];
        bytes[at] ^= (uint8_t)(1 << at % 8);
        try(target, bytes, len);
        bytes[at] = kept;
    }
    try(target, bytes, len);
}

static size_t try_file(void (*target)(const uint8_t *, size_t), const char *path)
{
    static uint8_t bytes[INPUT_LIMIT];
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    size_t len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    try_all(target, bytes, len);
    return 1;
}

static void try_corpus(const char *name, void (*target)(const uint8_t *, size_t))
{
    char *folder = xprintf("tests/fuzz/corpus/%s", name);
    size_t tried = 0;
    DIR *open = opendir(folder);
    for (struct dirent *entry; open && (entry = readdir(open));) {
        char *path = xprintf("%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            tried += try_file(target, path);
        free(path);
    }
    if (open)
        closedir(open);
    CHECK(tried >= 3);
    free(folder);
}

static void frames_come_out_alike_whole_and_in_bytes(void)
{
    try_corpus("frame", fuzz_frame);
}

static void heads_come_out_alike_and_no_byte_is_lost(void)
{
    try_corpus("http", fuzz_http);
}

static void a_scenario_is_a_plan_or_an_error_with_a_place(void)
{
    try_corpus("yaml", fuzz_yaml);
}

static void a_trace_reads_back_and_every_rule_speaks(void)
{
    try_corpus("trace", fuzz_trace);
}

SUITE(fuzz, TEST(frames_come_out_alike_whole_and_in_bytes),
      TEST(heads_come_out_alike_and_no_byte_is_lost),
      TEST(a_scenario_is_a_plan_or_an_error_with_a_place),
      TEST(a_trace_reads_back_and_every_rule_speaks))
