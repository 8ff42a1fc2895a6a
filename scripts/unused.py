#!/usr/bin/env python3
"""unused.py BUILD: functions and tables that the product's objects export and no line of the product names
again. Each finding is one line. What a test alone calls is code for nobody, too, but for the seams."""
import collections
import glob
import re
import subprocess
import sys

# Where tests take hold: from memory instead of a file, and what cannot be seen from outside.
SEAMS = {"profile_parse", "trace_parse", "trace_from", "recorder_copy_to", "event_fields", "diag_problems",
         "client_buffered", "server_conn_buffered", "server_conn_received",
         "run_add_fault", "peer_reset"}
DEFINED = set("TDRBV")
WORD = re.compile(r"[A-Za-z_]\w*")


def product(build):
    found = [path for folder in ("proxy", "reports") for path in glob.glob(f"{build}/{folder}/**/*.o", recursive=True)]
    return found + [f"{build}/gen/faults.o", f"{build}/gen/rules.o"]


def exported(objects):
    """Name to object."""
    names = {}
    listing = subprocess.run(["nm", "-A", "-P", "-g", *objects], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        where, name, kind = line.split()[:3]
        if kind in DEFINED and name != "main":
            names[name] = where.rstrip(":")
    return names


def occurrences(paths):
    count = collections.Counter()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            count.update(WORD.findall(file.read()))
    return count


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    names = exported(product(build))
    sources = occurrences(glob.glob("proxy/**/*.c", recursive=True) + glob.glob("reports/*.c") +
                          glob.glob(f"{build}/gen/[fr]*.c"))
    headers = occurrences(glob.glob("proxy/**/*.h", recursive=True) + glob.glob("proxy/**/*.def", recursive=True) +
                          glob.glob("reports/*.h"))
    for name, where in sorted(names.items(), key=lambda pair: (pair[1], pair[0])):
        used = sources[name] > 1 or headers[name] > 1
        if used and name in SEAMS:
            print(f"scripts/unused.py: {name} is no seam: the product uses it")
        if not used and name not in SEAMS:
            print(f"{where[len(build) + 1:-2]}.c: {name} is used by nothing but tests, if at all")


if __name__ == "__main__":
    main()
