"""What makes halfopen run fit to live with: accepted failures, required rules, the results of an earlier run,
a part of the scenarios, and other ways to be told.
"""
import json
import os
import re
import sys

import harness
from harness import HALFOPEN

# Cut off silently just after a heartbeat, so that no delay of the host makes its silence shorter, a client has 1.5 s
# to notice. No outage is long enough for a cap, which no client must have.
DEAD = """\
scenario: {name}
clients: 1
steps:
  - wait: {{until: open, at_most: 20s}}
  - drop: {{connections: existing, at: {{after: heartbeat, at_most: 10s}}}}
    as: outage
  - wait: {{until: [reopened, closed], at_most: 18s}}
  - wait: {{until: reopened, since: outage, at_most: 10s}}
expect:
  - reconnect.silent_death: {{within: 1500ms, warn_within: 2s}}
  - reconnect.cap
"""

# Nothing happens to it.
QUIET = """\
scenario: {name}
clients: 1
steps:
  - wait: {{until: open, at_most: 20s}}
  - wait: {wait}
expect: [{rules}]
"""

SOUND = f"exec {HALFOPEN} client --ping 500ms --pong 300ms --backoff_base 200ms {{url}}"
SLOW = f"exec {HALFOPEN} client --ping 4s --pong 300ms --backoff_base 200ms {{url}}"


class OptionsCase(harness.Case):
    def setUp(self):
        super().setUp()
        self.report = os.path.join(self.folder, "report")

    def dead(self, name="dead"):
        return self.write(name + ".yaml", DEAD.format(name=name))

    def quiet(self, name="quiet", wait="100ms", rules="reconnect.cap"):
        return self.write(name + ".yaml", QUIET.format(name=name, wait=wait, rules=rules))

    def run_with(self, client, *words, report=None):
        given = ["--client", client] if client else []
        return self.halfopen("run", *words, *given, "--speed", "5", "--report",
                             report or self.report)

    def read(self, name):
        with open(os.path.join(self.report, name), encoding="utf-8") as file:
            return file.read()

    def results(self):
        return json.loads(self.read("results.json"))

    def rule(self, name, scenario=0):
        rules = self.results()["scenarios"][scenario]["rules"]
        return next(rule for rule in rules if rule["name"] == name)

    def names(self):
        return [scenario["name"] for scenario in self.results()["scenarios"]]

    def target(self, text):
        return ["--target", self.write("halfopen.yaml", text)]


# --- The target file's rules ---

class Claims(OptionsCase):
    ACCEPT = "rules: {accept: {reconnect.silent_death: {until: %s, owner: rt-team, reason: RT-8812}}}\n"

    def test_an_accepted_failure_is_told_everywhere_and_fails_nothing(self):
        ended = self.run_with(SLOW, self.dead(), *self.target(self.ACCEPT % "2999-12-31"))
        self.assertEqual(ended.code, 0, ended)
        words = "accepted until 2999-12-31 by rt-team: RT-8812"
        self.assertIn(words, ended.out)
        self.assertRegex(ended.out, r"dead +1 client .* accepted ")
        self.assertIn(words + ": does not fail the run", self.read("index.html"))
        self.assertRegex(self.read("junit.xml"), f'<skipped message="fail, {words}: ')
        self.assertNotIn("<failure", self.read("junit.xml"))
        rule = self.rule("reconnect.silent_death")
        self.assertEqual((rule["verdict"], rule["accepted"], rule["acceptance"]), ("fail", True, words))

    def test_past_its_day_it_fails_again(self):
        ended = self.run_with(SLOW, self.dead(), *self.target(self.ACCEPT % "2001-12-31"))
        self.assertEqual(ended.code, 1, ended)
        self.assertIn("no longer accepted: it was until 2001-12-31 by rt-team: RT-8812", ended.out)
        self.assertRegex(ended.out, r"dead +1 client .* FAILED ")
        self.assertIn("<failure", self.read("junit.xml"))
        self.assertFalse(self.rule("reconnect.silent_death")["accepted"])

    def test_a_required_rule_that_stays_undecided_is_exit_4(self):
        quiet = self.quiet()
        self.assertEqual(self.run_with(SOUND, quiet).code, 0)  # nobody has to decide a SHOULD rule
        ended = self.run_with(SOUND, quiet, *self.target("rules: {require: [reconnect.cap]}\n"))
        self.assertEqual(ended.code, 4, ended)
        self.assertIn("required  reconnect.cap (RECON-04) was not decided: inconclusive", ended.out)
        self.assertIn("exit 4: no MUST rule failed, but a rule the target file requires was not decided", ended.out)
        self.assertEqual(self.results()["required_undecided"], ["reconnect.cap"])

    def test_a_required_rule_that_no_scenario_judges_is_exit_4(self):
        ended = self.run_with(SOUND, self.quiet(), *self.target("rules: {require: [reconnect.jitter]}\n"))
        self.assertEqual(ended.code, 4, ended)
        self.assertIn("required  reconnect.jitter (RECON-03) was not decided: no scenario of this run expects it", ended.out)


# --- Compared with an earlier run ---

class Baseline(OptionsCase):
    def setUp(self):
        super().setUp()
        self.first = os.path.join(self.folder, "first")

    def test_what_failed_then_is_known_and_fails_nothing(self):
        self.assertEqual(self.run_with(SLOW, self.dead(), report=self.first).code, 1)
        ended = self.run_with(SLOW, self.dead(), "--baseline", self.first)
        self.assertEqual(ended.code, 0, ended)
        words = "known: the same in the baseline"
        self.assertIn(words, ended.out)
        self.assertRegex(ended.out, r"dead +1 client .* known ")
        self.assertIn(words + ": does not fail the run", self.read("index.html"))
        self.assertRegex(self.read("junit.xml"), f'<skipped message="fail, {words}: ')
        self.assertNotIn("<failure", self.read("junit.xml"))
        rule = self.rule("reconnect.silent_death")
        self.assertEqual((rule["verdict"], rule["baseline"]), ("fail", "same"))
        self.assertEqual(self.results()["rules"]["reconnect.silent_death"]["baseline"], "same")

    def test_what_passed_then_is_worse(self):
        self.assertEqual(self.run_with(SOUND, self.dead(), report=self.first).code, 0)
        ended = self.run_with(SLOW, self.dead(), "--baseline", os.path.join(self.first, "results.json"))
        self.assertEqual(ended.code, 1, ended)
        self.assertIn("worse than in the baseline", ended.out)
        self.assertEqual(self.rule("reconnect.silent_death")["baseline"], "worse")
        self.assertIn("<failure", self.read("junit.xml"))

    def test_what_was_not_there_is_new(self):
        self.assertEqual(self.run_with(SOUND, self.quiet(), report=self.first).code, 0)
        ended = self.run_with(SLOW, self.dead(), "--baseline", self.first)
        self.assertEqual(ended.code, 1, ended)
        self.assertEqual(self.rule("reconnect.silent_death")["baseline"], "new")

    def test_a_baseline_that_cannot_be_read_is_exit_2(self):
        for path, words in (("nowhere", "nowhere: No such file or directory"),
                            (self.folder, "results.json: No such file or directory"),
                            (self.write("torn.json", '{"schema": 1'), "torn.json:1:"),
                            (self.write("other.json", "{}"), "other.json: no results of halfopen")):
            ended = self.run_with(SOUND, self.quiet(), "--baseline", path)
            self.assertEqual(ended.code, 2, ended)
            self.assertIn("--baseline: ", ended.err)
            self.assertIn(words, ended.err)
            self.assertFalse(os.path.exists(self.report))


# --- A part of what there is ---

class Parts(OptionsCase):
    def test_only_takes_globs_of_rules_and_scenarios(self):
        dead, quiet = self.dead(), self.quiet(rules="reconnect.cap, reconnect.jitter")
        for words, expected in (
                (["--only", "reconnect.c*"], {"dead": ["reconnect.cap"], "quiet": ["reconnect.cap"]}),
                (["--only", "RECON-03"], {"quiet": ["reconnect.jitter"]}),
                (["--only", "d?ad"], {"dead": ["reconnect.silent_death", "reconnect.cap"]}),
                (["--only", "quiet", "--only", "*.silent_death"],
                 {"dead": ["reconnect.silent_death"], "quiet": ["reconnect.cap", "reconnect.jitter"]})):
            ended = self.run_with(SOUND, dead, quiet, *words)
            self.assertIn(ended.code, (0, 4), ended)
            found = {scenario["name"]: [rule["name"] for rule in scenario["rules"]]
                     for scenario in self.results()["scenarios"]}
            self.assertEqual(found, expected, words)

    def test_last_failed_runs_what_failed_until_nothing_does(self):
        first = self.run_with(SLOW, self.dead(), self.quiet())
        self.assertEqual(first.code, 1, first)
        again = self.run_with(SLOW, "--last-failed")  # found by its file, without being named
        self.assertEqual(again.code, 1, again)
        self.assertEqual(self.names(), ["dead"])
        self.assertEqual([rule["name"] for rule in self.results()["scenarios"][0]["rules"]],
                         ["reconnect.silent_death"])
        repaired = self.run_with(SOUND, "--last-failed")
        self.assertEqual(repaired.code, 0, repaired)
        self.assertEqual(self.rule("reconnect.silent_death")["verdict"], "pass")
        before = self.read("results.json")
        nothing = self.run_with(SOUND, "--last-failed")
        self.assertEqual(nothing.code, 0, nothing)
        self.assertIn("nothing to run again: nothing failed in the last report", nothing.out)
        self.assertEqual(self.read("results.json"), before)

    def test_last_failed_without_a_report_says_so(self):
        ended = self.run_with(SOUND, self.quiet(), "--last-failed")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("--last-failed: there is no last report", ended.err)
        self.assertIn("run without --last-failed first", ended.err)

    def test_last_failed_of_a_run_that_decided_nothing_is_no_success(self):
        target = self.target("rules: {require: [reconnect.cap]}\n")
        self.assertEqual(self.run_with(SOUND, self.quiet(), *target).code, 4)
        ended = self.run_with(SOUND, "--last-failed")
        self.assertEqual(ended.code, 4, ended)
        self.assertIn("nothing failed in the last report", ended.out)

    def test_shards_share_the_scenarios(self):
        scenarios = [self.quiet(name, wait) for name, wait in
                     (("one", "3s"), ("two", "1s"), ("three", "1s"), ("four", "1s"))]
        found = []
        for index in (1, 2):
            ended = self.run_with(SOUND, *scenarios, "--shard", f"{index}/2")
            self.assertEqual(ended.code, 0, ended)
            self.assertIn(f"shard {index}/2", ended.out)
            found.append(sorted(self.names()))
        self.assertEqual(found, [["one", "two"], ["four", "three"]])

    def test_a_shard_without_a_scenario_is_no_error(self):
        ended = self.run_with(SOUND, self.quiet(), "--shard", "2/2")
        self.assertEqual(ended.code, 0, ended)
        self.assertIn("nothing was run: no scenario falls to this shard", ended.out)
        self.assertEqual(self.names(), [])
        self.read("index.html")

    def test_shards_that_are_none(self):
        for shard in ("3/2", "0/2", "2", "a/b"):
            ended = self.run_with(SOUND, self.quiet(), "--shard", shard)
            self.assertEqual(ended.code, 2, ended)
            self.assertIn(f"--shard is '{shard}': which of how many, as in 1/3", ended.err)
        ended = self.run_with(SOUND, self.quiet(), "--shard", "1/2", "--last-failed")
        self.assertEqual(ended.code, 2, ended)


# --- Other ways to be told ---

class Told(OptionsCase):
    def test_durations_slowest_first_beside_the_estimate(self):
        ended = self.run_with(SLOW, self.quiet(), self.dead(), "--durations")
        self.assertEqual(ended.code, 1, ended)
        table = ended.out[ended.out.index("slowest first"):]
        rows = re.findall(r"^  (\S+) +(\d+\.\d) s +(\d+\.\d) s(   ran twice)?$", table, re.M)
        self.assertEqual([row[0] for row in rows], ["dead", "quiet"], ended)
        self.assertEqual([row[3] for row in rows], ["   ran twice", ""])
        self.assertEqual([row[2] for row in rows], ["5.8", "0.3"])  # a ping, one more, its pong, a reconnect; nothing
        wall = {scenario["name"]: scenario["wall_s"] for scenario in self.results()["scenarios"]}
        for name, took, *_ in rows:
            self.assertAlmostEqual(float(took), wall[name], delta=0.06)
        self.assertLess(ended.out.index("FAILED"), ended.out.index("slowest first"))
        quiet = self.run_with(SOUND, self.quiet(), "--durations", "--quiet")
        self.assertEqual((quiet.code, quiet.out), (0, ""))

    def test_github_gets_an_error_for_each_rule_that_failed(self):
        dead, other = self.dead(), self.dead("other")
        ended = self.run_with(SLOW, dead, other, self.quiet(), "--format", "github")
        self.assertEqual(ended.code, 1, ended)
        lines = [line for line in ended.out.split("\n") if line.startswith("::")]
        self.assertEqual(len(lines), 1, ended)
        self.assertTrue(lines[0].startswith(f"::error file={dead},title=reconnect.silent_death (RECON-01%2C must)"
                                            "::dead: "), lines)
        self.assertIn("%0Aalso in other%0Afix: ", lines[0])

    def test_github_gets_nothing_of_what_is_known_and_json_stays_json(self):
        first = os.path.join(self.folder, "first")
        found = self.run_with(SLOW, self.dead(), "--format", "github", "--json", report=first)
        self.assertEqual(json.loads(found.out)["exit"], 1)
        self.assertIn("::error file=", found.err)
        ended = self.run_with(SLOW, self.dead(), "--format", "github", "--baseline", first)
        self.assertEqual(ended.code, 0, ended)
        self.assertNotIn("::", ended.out.replace("ws://", ""))

    def test_an_option_that_is_given_nothing_is_exit_2(self):
        ended = self.run_with(" ", self.quiet())
        self.assertEqual(ended.code, 2)
        self.assertIn("--client is empty: --client CMD", ended.err)

    def test_another_format_is_exit_2(self):
        ended = self.run_with(SOUND, self.quiet(), "--format", "gitlab")
        self.assertEqual(ended.code, 2, ended)
        self.assertIn("--format is 'gitlab': there is github", ended.err)

    def test_all_of_them_are_in_the_help(self):
        ended = self.halfopen("run", "--help")
        for option in ("--last-failed", "--durations", "--baseline DIR", "--shard I/N", "--format github",
                       "--only GLOB"):
            self.assertIn(option + " ", ended.out)


if __name__ == "__main__":
    harness.main()
