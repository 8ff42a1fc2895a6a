#!/usr/bin/python3
"""Each flaw of the built-in client over real sockets, once: the rule that is meant to find it
(tests/sim/convictions.def) finds it, and the sound client passes every one of those scenarios.

    tests/e2e/flaws.py [--halfopen build/halfopen] [--speed 10] [--at-once 8] [FLAW ...]
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


def wrong_with_flaw(rules, found, trouble):
    """Of a flaw in a scenario: the rules meant for it that do not object, and what they say."""
    said = {rule: found.get(rule, ("missing", trouble)) for rule, _ in rules}
    return [f"{rule} {said[rule][0]}: {said[rule][1]}" for rule, least in rules if said[rule][0] not in ENOUGH[least]]


def wrong_with_sound(found, trouble):
    objections = [f"{rule} {verdict}: {summary}" for rule, (verdict, summary) in found.items()
                  if verdict in ("fail", "warn")]
    decided = any(verdict in ("pass", "not_applicable") for verdict, _ in found.values())
    return objections or ([] if decided else [trouble or "nothing was decided"])


def wrong(flaw, rules, result):
    return wrong_with_flaw(rules, *result) if flaw else wrong_with_sound(*result)


def lacking(flaw, rules, found):
    """What this machine lacks, by the rules that nothing was asked of for it; empty: it has what it takes."""
    asked = [rule for rule, _ in rules] if flaw else list(found)
    if not asked or any(found.get(rule, ("missing",))[0] != "not_tested" for rule in asked):
        return ""
    return "; ".join(found[rule][1] for rule in asked)


def tell(right, flaw, scenario, words):
    print(f"{'ok' if right else 'WRONG':6}{flaw or 'sound':26}{scenario:26}{words}", flush=True)


def play_again(options, cells):
    """What was wrong among others may be so for want of a processor: each once more, alone. Returns how many stay so."""
    stayed = 0
    for (flaw, scenario), rules in cells.items():
        words = wrong(flaw, rules, play(options, flaw, scenario))
        tell(not words, flaw, scenario, "alone: " + ("; ".join(words) or "as it should be"))
        stayed += bool(words)
    return stayed


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--halfopen", default=os.path.join(ROOT, "build", "halfopen"))
    parser.add_argument("--speed", type=float, default=10)
    parser.add_argument("--at-once", type=int, default=8, help="runs side by side")
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
    plays = {(None, scenario): [] for scenario in sorted({scenario for _, scenario in cells})}
    plays.update(sorted(cells.items()))
    doubtful, skipped = {}, 0
    with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        results = {play_of: pool.submit(play, options, *play_of) for play_of in plays}
        for (flaw, scenario), rules in plays.items():
            result = results[flaw, scenario].result()
            lack = lacking(flaw, rules, result[0])
            if lack:
                skipped += 1
                print(f"{'skip':6}{flaw or 'sound':26}{scenario:26}{lack}", flush=True)
                continue
            words = wrong(flaw, rules, result)
            tell(not words, flaw, scenario, "; ".join(words) or ", ".join(rule for rule, _ in rules))
            if words:
                doubtful[flaw, scenario] = rules
    failed = play_again(options, doubtful)
    print(f"{len(plays) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
