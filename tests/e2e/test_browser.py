"""A page in Chromium as the client: its tabs, its profile, what is left of it."""
import functools
import glob
import http.server
import json
import os
import shutil
import subprocess
import threading

import harness

PAGE = """<script>
const url = new URL(location).searchParams.get('ws');
function open() { const ws = new WebSocket(url); ws.onclose = () => setTimeout(open, 1000); }
open();
</script>"""
SHARED = """<script>
new SharedWorker('worker.js?' + new URLSearchParams({ws: new URL(location).searchParams.get('ws')}));
</script>"""
WORKER = PAGE.replace("<script>", "").replace("</script>", "")
SCENARIO = """scenario: s
tests: client
steps:
  - wait: {until: open, at_most: 30s}
  - wait: 7s
expect:
  - state.tabs
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words):
        pass


class Browser(harness.Case):
    def setUp(self):
        if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
            self.skipTest("there is no Chromium here")
        super().setUp()
        for name, text in (("page.html", PAGE), ("shared.html", SHARED), ("worker.js", WORKER)):
            self.write(name, text)
        handler = functools.partial(Quiet, directory=self.folder)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.addCleanup(self.http.server_close)
        self.addCleanup(self.http.shutdown)

    def run_page(self, page, tabs, *options):
        target = self.write("target.yaml", f"client: {{browser: 'http://127.0.0.1:{self.http.server_port}/{page}"
                            f"?ws={{url}}', tabs: {tabs}}}\n")
        temporary = os.path.join(self.folder, "tmp")
        os.makedirs(temporary)
        report = os.path.join(self.folder, "report")
        ended = self.halfopen("run", self.write("s.yaml", SCENARIO), "--target", target, "--report", report,
                              *options, environment={**self.environment, "TMPDIR": temporary})
        with open(os.path.join(report, "results.json"), encoding="utf-8") as file:
            scenario, = json.load(file)["scenarios"]
        self.assertEqual(os.listdir(temporary), [], "a profile is left")
        mine = subprocess.run(["pgrep", "-f", temporary], capture_output=True, check=False).stdout
        self.assertEqual(mine, b"", "a browser is left")
        trace, = glob.glob(os.path.join(report, "traces", "*.jsonl"))
        return scenario["rules"][0], harness.events(trace), ended

    def test_a_connection_in_each_tab_is_a_warning_and_no_speed_is_tried(self):
        rule, found, ended = self.run_page("page.html", 2, "--speed", "10")
        self.assertEqual((rule["verdict"], rule["measured"]["connections"]), ("warn", 2), rule)
        tabs, = harness.of_kind(found, "browser.tabs")
        self.assertEqual((tabs["open"], tabs["wanted"], tabs["why_not"]), (2, 2, ""))
        self.assertIn("Chromium freezes", ended.out)
        self.assertIn("profile browser", ended.out)

    def test_tabs_that_share_a_worker_pass(self):
        rule, _, _ = self.run_page("shared.html", 2)
        self.assertEqual(rule["verdict"], "pass", rule)


    def test_it_trusts_the_authority_of_the_run(self):
        if not shutil.which("certutil"):
            self.skipTest("Chromium is told of an authority by certutil")
        _, found, _ = self.run_page("page.html", 1, "--tls")
        opened = harness.of_kind(found, "tls.open", side="client")
        self.assertEqual({ev["name"] for ev in opened}, {"localhost"})
        self.assertTrue(harness.of_kind(found, "ws.open"))


class NoBrowser(harness.Case):
    def test_it_says_what_to_install(self):
        target = self.write("target.yaml", "client: {browser: 'http://localhost/?ws={url}'}\n")
        ended = self.halfopen("run", self.write("s.yaml", SCENARIO), "--target", target,
                              environment={**self.environment, "CHROMIUM": "/nowhere/chromium"})
        self.assertEqual(ended.code, 2)
        self.assertIn("there is no Chromium here", ended.err)
        self.assertIn("apt-get install chromium", ended.err)


if __name__ == "__main__":
    harness.main()
