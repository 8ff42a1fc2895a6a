/* What a step of a scenario does that is no fault. */
#include <string.h>

#include "control/catalogue.h"

static const struct step_words {
    const char *name, *does, *doc, *example;
} steps[] = {
    {"wait", "waits, or waits until something has happened",
     "For a time, or until open, reopened, closed, attempts, ping, pong, heartbeat, quiet, message, "
     "gave_up or exited, at_most so long. `of` says for how many clients, `since` from which step.",
     "wait: {until: reopened, of: all, at_most: 90s}"},
    {"clear", "ends the fault of that label", "The label is what `as` gave the fault.",
     "clear: outage"},
    {"mark", "writes a remark into the trace",
     "It shows in the report, and an assertion may count from it.", "mark: 'the outage begins'"},
    {"close", "sends a Close frame in the name of the peer",
     "With code and reason, to client, server or both. `documented: true` takes close_codes of the "
     "target file in turn.",
     "close: {code: 1001, reason: maintenance, to: client}"},
    {"repeat", "does steps several times", "Steps nest in it.",
     "repeat: {times: 8, steps: [{wait: 5s}]}"},
    {"hook", "makes the application act, or asks it for its state",
     "send, close or state, by the way that hooks of the target file give; a client without is left "
     "alone. `clients` says which of them.",
     "hook: {send: 20, every: 200ms}"},
    {"signal", "sends a signal to the client's process", "`clients` says to which of them.",
     "signal: TERM"},
    {"restart", "ends the server or a client and starts it again",
     "After `down`, while the next steps go on. Only what was started here can be restarted. `signal` "
     "is TERM unless given; who does not heed it within 2 s is ended harder.",
     "restart: {who: server, down: 5s}"},
    {"request", "makes one HTTP request",
     "To the server's own address, or to a host that the target file names. With `status`, "
     "expect.SCENARIO.requests compares the answer.",
     "request: {method: POST, url: /admin/kick, status: 204}"},
    {"prompt", "waits until a person presses Enter",
     "At most 10 minutes unless at_most says otherwise. It takes a terminal: without one nothing is "
     "run. A scenario with a prompt runs at speed 1.",
     "prompt: 'enable flight mode'"},
    {"route", "sends new connections to another backend",
     "One of server.urls, or of those that halfopen's own server stands for. Connections that exist "
     "stay where they are.",
     "route: {to: b}"},
};

bool catalogue_explain_step(const char *name, struct text *out)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(steps[i].name, name) != 0)
            continue;
        text_addf(out, "%s: a step of a scenario\n\nIt %s.\n\n", name, steps[i].does);
        catalogue_fold(out, steps[i].doc, 0, 96);
        text_addf(out, "\nExample\n  steps:\n    - %s\n\nSee docs/scenarios.md.\n",
                  steps[i].example);
        return true;
    }
    return false;
}
