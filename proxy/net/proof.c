#include "net/proof.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 4096

/* The section's header, when all of it lies within the file. */
static bool header_at(const uint8_t *bytes, size_t len, const Elf64_Ehdr *elf, size_t index,
                      Elf64_Shdr *header)
{
    if (elf->e_shoff > len || (len - elf->e_shoff) / sizeof *header <= index)
        return false;
    memcpy(header, bytes + elf->e_shoff + index * sizeof *header, sizeof *header);
    return true;
}

static bool is_named(const uint8_t *bytes, size_t len, const Elf64_Shdr *names, size_t at,
                     const char *name)
{
    size_t size = strlen(name) + 1;
    if (names->sh_offset > len || names->sh_size > len - names->sh_offset)
        return false;
    return at <= names->sh_size && size <= names->sh_size - at &&
           memcmp(bytes + names->sh_offset + at, name, size) == 0;
}

bool proof_elf_has_section(const uint8_t *bytes, size_t len, const char *name)
{
    Elf64_Ehdr elf;
    Elf64_Shdr names, header;
    if (len < sizeof elf || memcmp(bytes, ELFMAG, SELFMAG) != 0 || bytes[EI_CLASS] != ELFCLASS64)
        return false;
    memcpy(&elf, bytes, sizeof elf);
    if (elf.e_shentsize != sizeof header || !header_at(bytes, len, &elf, elf.e_shstrndx, &names))
        return false;
    for (size_t i = 0; i < elf.e_shnum; i++) {
        if (header_at(bytes, len, &elf, i, &header) &&
            is_named(bytes, len, &names, header.sh_name, name))
            return true;
    }
    return false;
}

static void path_of(pid_t pid, const char *name, char path[64])
{
    snprintf(path, 64, "/proc/%ld/%s", (long)pid, name);
}

/* Go writes this section into every program, stripped or not, linked to the C library or not. */
static bool is_go(int fd)
{
    struct stat file;
    if (fstat(fd, &file) != 0 || file.st_size <= 0)
        return false;
    size_t len = (size_t)file.st_size;
    uint8_t *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return false;
    bool found = proof_elf_has_section(bytes, len, ".go.buildinfo");
    (void)munmap(bytes, len); /* of a mapping that was made */
    return found;
}

enum sameness { SAME, OTHER, UNKNOWN };

static enum sameness namespace_of(pid_t pid, const char *name)
{
    char path[64];
    struct stat theirs, ours;
    path_of(pid, name, path);
    if (stat(path, &theirs) != 0)
        return UNKNOWN;
    path_of(getpid(), name, path);
    if (stat(path, &ours) != 0)
        return UNKNOWN;
    return theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev ? SAME : OTHER;
}

/* What was reported before an exec stays on the page: only the map tells that it still holds. */
static bool is_mapped(pid_t pid, const char *library)
{
    char path[64], line[LINE_BYTES];
    path_of(pid, "maps", path);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return false;
    bool found = false;
    while (!found && fgets(line, sizeof line, maps))
        found = strstr(line, library) != NULL;
    fclose(maps);
    return found;
}

static enum proof of_program(pid_t pid, struct text *why)
{
    char path[64];
    path_of(pid, "exe", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        text_addf(why, "process %ld cannot be looked at", (long)pid);
        return PROOF_GONE;
    }
    bool go = is_go(fd);
    (void)close(fd);
    if (go) {
        text_addf(why, "process %ld is a Go program, which keeps its own time", (long)pid);
        return PROOF_GO;
    }
    return PROOF_SCALED;
}

static enum proof of_namespaces(pid_t pid, struct text *why)
{
    static const char *const names[] = {"ns/pid", "ns/net"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        enum sameness same = namespace_of(pid, names[i]);
        if (same == SAME)
            continue;
        text_addf(why,
                  same == OTHER ? "process %ld runs in a container"
                                : "process %ld cannot be looked at",
                  (long)pid);
        return same == OTHER ? PROOF_NAMESPACE : PROOF_GONE;
    }
    return PROOF_SCALED;
}

static void say_unhandled(const struct timepage_process *report, struct text *why)
{
    text_addf(why, "it waits in a way that cannot be sped up: %s (%" PRIu64 " times)",
              report->unhandled_name, report->unhandled);
}

enum proof proof_of_report(const struct timepage_process *report, double speed, struct text *why)
{
    if (!report->present) {
        text_add(why, "the time library did not report");
        return PROOF_NO_SLOT;
    }
    if (!report->scaled || report->speed < speed * 0.999 || report->speed > speed * 1.001) {
        text_addf(why, "its clock does not run at speed %g", speed);
        return PROOF_UNSCALED;
    }
    if (report->unhandled) {
        say_unhandled(report, why);
        return PROOF_UNHANDLED;
    }
    return PROOF_SCALED;
}

static bool waited_unhandled(const struct timepage *page, pid_t pid, struct text *why)
{
    struct timepage_process report = timepage_process(page, pid);
    if (!report.present || report.unhandled == 0)
        return false;
    text_addf(why, "process %ld: ", (long)pid);
    say_unhandled(&report, why);
    return true;
}

enum proof proof_of_reports(const struct timepage *page, pid_t root, const struct proctree *tree,
                            struct text *why)
{
    bool unhandled = waited_unhandled(page, root, why);
    for (size_t i = 0; i < tree->count && !unhandled; i++)
        unhandled = waited_unhandled(page, tree->pids[i], why);
    return unhandled ? PROOF_UNHANDLED : PROOF_SCALED;
}

enum proof proof_of(const struct timepage *page, pid_t pid, double speed, struct text *why)
{
    enum proof proof = of_namespaces(pid, why);
    if (proof == PROOF_SCALED)
        proof = of_program(pid, why);
    if (proof != PROOF_SCALED)
        return proof;
    if (!is_mapped(pid, PAGE_LIBRARY) || !is_mapped(pid, "libfaketime")) {
        text_addf(why, "process %ld did not load the time library (static or set-uid?)", (long)pid);
        return PROOF_UNLOADED;
    }
    struct timepage_process report = timepage_process(page, pid);
    struct text reason;
    text_init(&reason);
    proof = proof_of_report(&report, speed, &reason);
    if (proof != PROOF_SCALED)
        text_addf(why, "process %ld: %s", (long)pid, text_chars(&reason));
    text_fini(&reason);
    return proof;
}

enum proof proof_of_socket(const struct timepage *page, const struct socket_table *sockets,
                           const struct proctree *tree, uint16_t local_port, uint16_t remote_port,
                           double speed, struct text *why)
{
    pid_t owners[SOCKET_OWNERS_LIMIT];
    size_t count = socket_owner_find(sockets, tree, local_port, remote_port, owners);
    if (!count) {
        text_addf(why, "no process that was started here holds the %s port %u",
                  local_port ? "socket on" : "connection to",
                  (unsigned)(local_port ? local_port : remote_port));
        return PROOF_NO_OWNER;
    }
    for (size_t i = 0; i < count; i++) {
        enum proof proof = proof_of(page, owners[i], speed, why);
        if (proof != PROOF_SCALED)
            return proof;
    }
    return PROOF_SCALED;
}
