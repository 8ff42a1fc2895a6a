#include "net/proof.h"

#include <elf.h>
#include <string.h>

#include "tests/check.h"

/* A file of nothing but two section headers and their names. */
struct program {
    Elf64_Ehdr head;
    Elf64_Shdr sections[2];
    char names[32];
};

static struct program program(void)
{
    struct program p = {
        .head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64},
                 .e_shoff = offsetof(struct program, sections),
                 .e_shentsize = sizeof(Elf64_Shdr),
                 .e_shnum = 2,
                 .e_shstrndx = 0},
        .sections = {{.sh_name = 0,
                      .sh_offset = offsetof(struct program, names),
                      .sh_size = sizeof "\0.go.buildinfo"},
                     {.sh_name = 1}},
        .names = "\0.go.buildinfo",
    };
    return p;
}

static bool has_section(const struct program *p, size_t len, const char *name)
{
    return proof_elf_has_section((const uint8_t *)p, len, name);
}

static void a_section_is_found_by_its_whole_name(void)
{
    struct program p = program();
    CHECK(has_section(&p, sizeof p, ".go.buildinfo"));
    CHECK(!has_section(&p, sizeof p, ".go.build"));
    CHECK(!has_section(&p, sizeof p, ".go.buildinfo2"));
}

static void a_file_cut_anywhere_has_no_section(void)
{
    struct program p = program();
    size_t whole = offsetof(struct program, names) + sizeof "\0.go.buildinfo";
    CHECK(has_section(&p, whole, ".go.buildinfo"));
    for (size_t len = 0; len < whole; len++)
        CHECK(!has_section(&p, len, ".go.buildinfo"));
}

static void offsets_beyond_the_file_are_no_section(void)
{
    struct program p = program();
    p.head.e_shoff = UINT64_MAX;
    CHECK(!has_section(&p, sizeof p, ".go.buildinfo"));
    p = program();
    p.sections[0].sh_size = UINT64_MAX;
    CHECK(!has_section(&p, sizeof p, ".go.buildinfo"));
    p = program();
    p.sections[1].sh_name = UINT32_MAX;
    CHECK(!has_section(&p, sizeof p, ".go.buildinfo"));
}

static void a_script_is_no_elf_file(void)
{
    struct program p = program();
    p.head.e_ident[0] = '#';
    CHECK(!has_section(&p, sizeof p, ".go.buildinfo"));
}

static struct timepage_process sound(void)
{
    return (struct timepage_process){.present = true, .faked = true, .scaled = true, .speed = 10};
}

static void check_report(struct timepage_process report, double speed, enum proof want,
                         const char *part)
{
    struct text why;
    text_init(&why);
    CHECK_INT(proof_of_report(&report, speed, &why), want);
    CHECK_CONTAINS(text_chars(&why), part);
    text_fini(&why);
}

static void a_scaled_process_is_proved(void)
{
    check_report(sound(), 10, PROOF_SCALED, "");
}

static void no_report_is_no_proof(void)
{
    check_report((struct timepage_process){0}, 10, PROOF_NO_SLOT, "did not report");
}

static void a_clock_at_another_speed_is_no_proof(void)
{
    check_report(sound(), 5, PROOF_UNSCALED, "speed 5");
}

static void a_clock_that_was_not_seen_to_run_is_no_proof(void)
{
    struct timepage_process report = sound();
    report.scaled = false;
    check_report(report, 10, PROOF_UNSCALED, "speed 10");
}

static void one_unscaled_wait_is_one_too_many(void)
{
    struct timepage_process report = sound();
    report.unhandled = 1;
    memcpy(report.unhandled_name, "io_uring_enter", sizeof "io_uring_enter");
    check_report(report, 10, PROOF_UNHANDLED, "io_uring_enter (1 times)");
}

static void keep_alive_timers_do_not_spoil_it(void)
{
    struct timepage_process report = sound();
    report.kernel = 3;
    check_report(report, 10, PROOF_SCALED, "");
}

SUITE(proof, TEST(a_section_is_found_by_its_whole_name), TEST(a_file_cut_anywhere_has_no_section),
      TEST(offsets_beyond_the_file_are_no_section), TEST(a_script_is_no_elf_file),
      TEST(a_scaled_process_is_proved), TEST(no_report_is_no_proof),
      TEST(a_clock_at_another_speed_is_no_proof),
      TEST(a_clock_that_was_not_seen_to_run_is_no_proof), TEST(one_unscaled_wait_is_one_too_many),
      TEST(keep_alive_timers_do_not_spoil_it))
