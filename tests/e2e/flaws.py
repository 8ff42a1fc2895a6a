#!/usr/bin/python3
"""Each flaw of the built-in client over real sockets, once: the rule that is meant to find it
(tests/sim/convictions.def) finds it, and the sound client passes every one of those scenarios.

    tests/e2e/flaws.py [--halfopen build/halfopen] [--speed 10] [--at-once 2] [FLAW ...]
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONVICTIONS = os.path.join(ROOT, "tests", "sim", "convictions.def")
MEANT = re.compile(r'^MEANT\((\w+), "([a-z0-9-]+)", "([a-z_.0-9]+)", (FAIL|WARN)\)', re.M)
AT_MOST_SECONDS = 400  # for one flaw in one scenario, its repetition included
ENOUGH = {"FAIL": {"fail"}, "WARN": {"warn", "fail"}}


def meant():
    """(flaw, scenario) -> [(rule, least)], of all that the simulation holds the flaws against."""
    with open(CONVICTIONS, encoding="utf-8") as file:
        text = file.read()
    cells = {}
    for flaw, scenario, rule, least in MEANT.findall(text):
        cells.setdefault((flaw, scenario), []).append((rule, least))
    return cells


def play(options, flaw, scenario):
    """The verdicts by rule, or why there are none."""
    with tempfile.TemporaryDirectory(prefix="halfopen-flaws-") as folder:
        words = [options.halfopen, "run", scenario, "--self-test", "--speed", str(options.speed), "--quiet",
                 "--report", folder, *(["--flaw", flaw] if flaw else [])]
        try:
            ended = subprocess.run(words, cwd=ROOT, text=True, capture_output=True, timeout=AT_MOST_SECONDS,
                                   check=False)
            with open(os.path.join(folder, "results.json"), encoding="utf-8") as file:
                results = json.load(file)
        except subprocess.TimeoutExpired:
            return {}, f"no end after {AT_MOST_SECONDS} s"
        except (OSError, ValueError) as error:
            return {}, f"exit {ended.returncode}: {error}; {ended.stderr.strip()}"
    found = {}
    for one in results["scenarios"]:
        for rule in one.get("rules", []):
            found[rule["name"]] = (rule["verdict"], rule["summary"])
    return found, ""


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def note(self, right, words):
        self.passed += right
        self.failed += not right
        print(("ok    " if right else "WRONG ") + words, flush=True)


def hold_flaw(tally, flaw, scenario, rules, found, trouble):
    for rule, least in rules:
        verdict, summary = found.get(rule, ("missing", trouble))
        right = verdict in ENOUGH[least]
        tally.note(right, f"{flaw:26}{scenario:26}{rule:30}{verdict}" + ("" if right else f": {summary}"))


def hold_sound(tally, scenario, found, trouble):
    wrong = [f"{rule} {verdict}: {summary}" for rule, (verdict, summary) in found.items()
             if verdict in ("fail", "warn")]
    decided = any(verdict == "pass" for verdict, _ in found.values())
    tally.note(decided and not wrong, f"{'sound':26}{scenario:26}" + ("; ".join(wrong) or trouble or "passes"))


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--halfopen", default=os.path.join(ROOT, "build", "halfopen"))
    parser.add_argument("--speed", type=float, default=10)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("flaws", nargs="*")
    options = parser.parse_args(arguments)
    options.halfopen = os.path.abspath(options.halfopen)
    return options


def main():
    options = parse(sys.argv[1:])
    cells = {cell: rules for cell, rules in meant().items() if not options.flaws or cell[0] in options.flaws}
    unknown = set(options.flaws) - {flaw for flaw, _ in cells}
    if unknown:
        sys.exit(f"nothing is meant for: {', '.join(sorted(unknown))}")
    tally = Tally()
    with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        sound = {scenario: pool.submit(play, options, None, scenario)
                 for scenario in sorted({scenario for _, scenario in cells})}
        flawed = {cell: pool.submit(play, options, *cell) for cell in sorted(cells)}
        for scenario, future in sound.items():
            hold_sound(tally, scenario, *future.result())
        for cell, future in flawed.items():
            hold_flaw(tally, *cell, cells[cell], *future.result())
    print(f"{tally.passed} passed, {tally.failed} failed")
    sys.exit(1 if tally.failed else 0)


if __name__ == "__main__":
    main()
