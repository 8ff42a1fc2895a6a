#!/usr/bin/python3
"""Holds halfopen's verdicts about real client libraries against what is known of them (facts.json).

    tests/e2e/clients/run.py [--halfopen build/halfopen] [--speed 10] [--jobs 20] [NAME ...]

A client whose facts are about some scenarios only names them. The verdict about a rule has to be among those that the facts allow. A single scenario may leave it
undecided; it must not contradict them.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
SCENARIOS = ("silent-drop,silent-drop-to-client,stall,heartbeat,lost-pongs,pinged,delayed-pongs,proxy-idle-timeout,"
             "refused-reconnects,refused-reconnects-quick,slow-reader,sent-while-away,slow-uplink,queue-fills,"
             "application-closes,slow-handshake,missed-news")
AT_MOST_SECONDS = 900  # for one library; the scenarios take 25 s at speed 10, twice that when repeated
NOISY_S = 0.025  # of a host on which a verdict may stay open: what docs/calibration.md calls quiet
UNDECIDED = {"inconclusive", "not_tested", "not_applicable"}


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def skip(self, words, why="noisy"):
        self.skipped += 1
        print(f"{why} {words.rstrip()}", flush=True)

    def note(self, right, words):
        if right:
            self.passed += 1
        else:
            self.failed += 1
        print(("ok    " if right else "WRONG ") + words.rstrip(), flush=True)


def scenarios_of(options, facts):
    """Of those asked for, those that its facts are about."""
    asked = options.scenarios.split(",")
    return [name for name in asked if name in facts.get("scenarios", asked)]


def command_line(options, facts, report):
    words = [options.halfopen, "run", *scenarios_of(options, facts), "--quiet",
             "--client", facts["command"], "--speed", str(options.speed), "--jobs", str(options.jobs), "--report", report]
    if "server" in facts:
        words += ["--server-cmd", facts["server"]]
    if "target" in facts:
        words += ["--target", facts["target"]]
    return words


def results_of(options, facts, report):
    """None when there are none: halfopen itself went wrong."""
    try:
        ended = subprocess.run(command_line(options, facts, report), cwd=HERE, text=True,
                               capture_output=True, timeout=AT_MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        print(f"      no end after {AT_MOST_SECONDS} s")
        return None
    try:
        with open(os.path.join(report, "results.json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        print(f"      exit {ended.returncode}, {error}\n{ended.stdout}{ended.stderr}")
        return None


def findings_about(results, rule):
    for scenario in results["scenarios"]:
        for finding in scenario.get("rules", []):
            if finding["name"] == rule:
                yield scenario, finding


def check_rule(tally, name, rule, expected, results):
    allowed = set(expected["verdict"])
    verdict = results["rules"].get(rule, {}).get("verdict", "missing")
    words = (f"{name:36}{rule:26}{verdict:15}expected {' or '.join(expected['verdict'])}:"
             f" {expected['why']}")
    noise = max((scenario["noise_s"] for scenario, _ in findings_about(results, rule)), default=0)
    if verdict == "inconclusive" and verdict not in allowed and noise > NOISY_S:
        tally.skip(words)
    else:
        tally.note(verdict in allowed, words)
    for scenario, finding in findings_about(results, rule):
        if finding["verdict"] not in allowed | UNDECIDED:
            tally.note(False, f"{name:36}{rule:26}{finding['verdict']:15}in {scenario['name']}")
        if verdict not in allowed or finding["verdict"] not in allowed | UNDECIDED:
            print(f"        {scenario['name']}: {finding['verdict']}: {finding['summary']}")


def check_speed(tally, name, results, speed):
    slow = [s["name"] for s in results["scenarios"] if s.get("speed", speed) != speed]
    tally.note(not slow, f"{name:36}{'runs at speed ' + str(speed):26}" + ", ".join(slow))


def rules_by_scenario(results):
    return {scenario["name"]: scenario["rules"] for scenario in results["scenarios"]}


def check_offline(tally, options, name, results, report):
    """The traces alone give what the live run said, repetitions merged."""
    judged = subprocess.run([options.halfopen, "judge", report, "--json"], text=True,
                            capture_output=True, timeout=60, check=False)
    try:
        again = json.loads(judged.stdout)
        same = (rules_by_scenario(again) == rules_by_scenario(results)
                and (judged.returncode, again["rules"]) == (results["exit"], results["rules"]))
    except (ValueError, KeyError):
        same = False
    tally.note(same, f"{name:36}{'judged again, offline':26}")


def lacks_module(facts):
    module = facts.get("module")
    return module and subprocess.run(["/usr/bin/python3", "-c", f"import {module}"], stderr=subprocess.DEVNULL,
                                     check=False).returncode != 0


def check_client(tally, options, name, facts):
    if not scenarios_of(options, facts):
        return
    if lacks_module(facts):
        tally.skip(f"{name:36}there is no {facts['module']} in /usr/bin/python3", "lacks")
        return
    with tempfile.TemporaryDirectory(prefix="halfopen-clients-") as folder:
        report = os.path.join(options.keep, name) if options.keep else folder
        results = results_of(options, facts, report)
        if results is not None:
            check_offline(tally, options, name, results, report)
    if results is None:
        tally.note(False, f"{name:36}gave no results")
        return
    check_speed(tally, name, results, options.speed)
    for rule, expected in facts["rules"].items():
        # What none of a choice of scenarios asks for is not there to be right or wrong.
        if rule in results["rules"] or options.scenarios == SCENARIOS:
            check_rule(tally, name, rule, expected, results)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--halfopen", default=os.path.join(ROOT, "build", "halfopen"))
    parser.add_argument("--speed", type=float, default=10)
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--scenarios", default=SCENARIOS, metavar="NAME,...")
    parser.add_argument("--keep", metavar="DIR", help="keep the reports, one folder a client")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args(arguments)
    options.halfopen = os.path.abspath(options.halfopen)
    options.keep = options.keep and os.path.abspath(options.keep)
    return options


def main():
    options = parse(sys.argv[1:])
    with open(os.path.join(HERE, "facts.json"), encoding="utf-8") as file:
        facts = json.load(file)
    unknown = [name for name in options.names if name not in facts]
    if unknown:
        sys.exit(f"no such client: {', '.join(unknown)}; there are {', '.join(facts)}")
    tally = Tally()
    for name in options.names or facts:
        check_client(tally, options, name, facts[name])
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    sys.exit(1 if tally.failed else 0)


if __name__ == "__main__":
    main()
