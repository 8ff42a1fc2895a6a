#!/usr/bin/env python3
"""layers.py: what the source may include and call, and how long it may get. Prints file:line: message."""
import pathlib
import re
import subprocess
import sys

# A file includes only from folders of a lower rank, and its own; folders of one rank never each other.
RANK = {
    "proxy/base": 0, "proxy/ws": 1, "proxy/trace": 2, "proxy/fault": 3, "proxy/rules": 3, "proxy/core": 4,
    "proxy/scenario": 5, "proxy/net": 5, "proxy/endpoint": 5, "reports": 5, "proxy/control": 6,
}
# The time library is loaded into other programs: it stands alone, and shares its page with net.
PRELOAD = "proxy/preload"
SHARED_WITH_NET = "preload/page.h"

# Which files may see a library.
LIBRARIES = {
    r"ev\.h": ["proxy/net/"],
    r"openssl/": ["proxy/net/", "proxy/base/digest.c"],
    r"sys/(socket|epoll|timerfd)\.h|netinet/|arpa/|netdb\.h": ["proxy/net/", "proxy/preload/"],
    r"yaml\.h": ["proxy/scenario/"],
    r"zlib\.h": ["proxy/ws/"],
    r"libxml/": ["reports/"],
    r"CUnit/": ["tests/"],
}

ALWAYS_BANNED = "strcpy strcat sprintf vsprintf atoi atol atoll atof strtok gets alloca tmpnam mktemp"
ONLY_IN_NET = (
    "time clock clock_gettime gettimeofday rand random srand srandom drand48 getrandom arc4random "
    "sleep usleep nanosleep ev_now ev_time"
)
# Programs that stand for somebody else's, or that measure, have clocks of their own.
HAVE_CLOCKS = ("proxy/net/", "proxy/preload/", "tests/e2e/", "tests/preload/", "bench/")

LONGEST_FUNCTION = 60
LONGEST_FILE = 600
# Folders on the machine of whoever wrote it.
SOMEBODYS_PATH = re.compile(r"(?<![\w.])/(home|Users|root|work|tmp/wt)/[A-Za-z0-9_.-]+")

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def say(path, line, message):
    say.count += 1
    print(f"{path}:{line}: {message}")


say.count = 0


def tracked():
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    if listing.returncode == 0:
        return [path for path in listing.stdout.splitlines() if pathlib.Path(path).is_file()]
    return [str(path) for path in pathlib.Path(".").rglob("*") if path.is_file() and "build" not in path.parts]


def folder_of(path):
    for folder in (*RANK, PRELOAD):
        if path.startswith(folder + "/"):
            return folder
    return None


def folder_included(name):
    """The folder that an include of ours names: base/buf.h is proxy/base, reports/results.h is reports."""
    top = name.split("/")[0]
    return top if top in RANK else f"proxy/{top}" if f"proxy/{top}" in (*RANK, PRELOAD) else None


def check_own_include(path, number, name):
    here, there = folder_of(path), folder_included(name)
    if here is None or there is None or here == there:
        if here is not None and "/" not in name:
            say(path, number, f'"{name}": write the folder, as in "base/buf.h"')
        return
    if PRELOAD in (here, there):
        if not (here == "proxy/net" and name == SHARED_WITH_NET):
            say(path, number, f'"{name}": proxy/preload stands alone, but for {SHARED_WITH_NET} in proxy/net')
    elif RANK[there] >= RANK[here]:
        where = "beside it" if RANK[there] == RANK[here] else "above it"
        say(path, number, f'"{name}": {here} may not include from {there}, which is {where}')


def check_library(path, number, name):
    for pattern, allowed in LIBRARIES.items():
        if re.match(pattern, name) and not path.startswith(tuple(allowed)):
            if pattern.startswith("CUnit") or not path.startswith(("tests/", "bench/")):
                say(path, number, f"<{name}>: only in {' and '.join(allowed)}")


def check_includes(path, lines):
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if found and found[1] == '"':
            check_own_include(path, number, found[2])
        elif found:
            check_library(path, number, found[2])


def without_comments_and_strings(text):
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def check_calls(path, code):
    banned = ALWAYS_BANNED.split()
    if not path.startswith(HAVE_CLOCKS):
        banned += ONLY_IN_NET.split()
    call = re.compile(r"(?<![\w.>])(" + "|".join(banned) + r")\s*\(")
    for number, line in enumerate(code.splitlines(), 1):
        for found in call.finditer(line):
            why = "banned" if found[1] in ALWAYS_BANNED.split() else "only in proxy/net"
            say(path, number, f"{found[1]}(): {why}")


def check_lengths(path, lines):
    if len(lines) > LONGEST_FILE:
        say(path, LONGEST_FILE + 1, f"{len(lines)} lines in a file: at most {LONGEST_FILE}")
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
        elif line == "}" and begin:
            if number - begin + 1 > LONGEST_FUNCTION:
                say(path, begin, f"{number - begin + 1} lines in a function: at most {LONGEST_FUNCTION}")
            begin = None


def check_paths(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for found in SOMEBODYS_PATH.finditer(line):
            say(path, number, f"{found[0]}: a path of somebody's machine")


def main():
    for path in tracked():
        try:
            text = pathlib.Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if not path.endswith("package-lock.json") and path != "scripts/layers.py":
            check_paths(path, text)
        if path.endswith((".c", ".h", ".cc")):
            lines = text.splitlines()
            check_includes(path, lines)
            check_calls(path, without_comments_and_strings(text))
            check_lengths(path, lines)
    return 1 if say.count else 0


sys.exit(main())
