/* What `init` writes beside the target file: a workflow, and a few lines for whoever waits. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "control/init_file.h"

void init_workflow_write(const struct init_facts *facts, const char *output, struct text *out)
{
    bool node = facts->client && strncmp(facts->client, "node ", 5) == 0;
    bool named = strcmp(output, "halfopen.yaml") != 0;
    text_add(out,
             "# What halfopen run says of each push, as annotations and as a report to download.\n"
             "name: websocket resilience\n"
             "on: [push, pull_request]\n\n"
             "jobs:\n"
             "  halfopen:\n"
             "    runs-on: ubuntu-latest\n"
             "    timeout-minutes: 20\n"
             "    steps:\n"
             "      - uses: actions/checkout@v4\n");
    text_add(out,
             node ? "      - run: npm ci\n" : "      # - run: what your client needs to start\n");
    text_add(
        out,
        "      # Where halfopen comes from is yours to say: the repository's URL, as a variable of the\n"
        "      # workflow (Settings, Secrets and variables, Actions, Variables).\n"
        "      - name: install halfopen\n"
        "        run: |\n"
        "          git clone --depth 1 \"${{ vars.HALFOPEN_REPOSITORY }}\" /tmp/halfopen\n"
        "          make -C /tmp/halfopen demo\n"
        "          sudo make -C /tmp/halfopen install\n");
    text_add(out, "      - run: halfopen run");
    if (named) {
        text_add(out, " --target ");
        init_add_quoted(out, output);
    }
    text_add(out, " --speed 10 --format github\n"
                  "      - uses: actions/upload-artifact@v4\n"
                  "        if: always()\n"
                  "        with:\n"
                  "          name: halfopen-report\n"
                  "          path: halfopen-report\n");
}

/* --- The summary --- */

static void add_sockets(const struct lessons *lessons, struct text *out)
{
    text_addf(out, "  connects     %llu time%s", (unsigned long long)lessons->attempts,
              lessons->attempts == 1 ? "" : "s");
    for (size_t i = 0; i < lessons->socket_count; i++) {
        const struct socket_lesson *socket = &lessons->sockets[i];
        text_addf(out, "%s%s", i == 0 ? ", to " : ", ", socket->path);
        if (socket->protocols && *socket->protocols)
            text_addf(out, " (%s)", socket->protocols);
    }
    const char *agent = lessons->socket_count > 0 ? lessons->sockets[0].agent : NULL;
    text_addf(out, "%s%s\n", agent && *agent ? ", as " : "", agent ? agent : "");
}

static void add_beat(const struct beat_lesson *beat, const char *who, struct text *out)
{
    static const char *const words[] = {[BEAT_NONE] = "none seen",
                                        [BEAT_MAYBE] = "perhaps a message of its own",
                                        [BEAT_APPLICATION] = "a message of its own",
                                        [BEAT_WORD] =
                                            "a message of its own, in words that need no pattern",
                                        [BEAT_PONGS] = "an unsolicited pong",
                                        [BEAT_PINGS] = "a protocol ping"};
    text_addf(out, "  heartbeat    %s: %s", who, words[beat->how]);
    if (beat->beats > 1) {
        text_add(out, " every ");
        units_add_duration(out, beat->interval);
    }
    if (beat->ping)
        text_addf(out, ", %s", beat->ping);
    text_add(out, "\n");
}

void init_summary_write(const struct init_facts *facts, struct text *out)
{
    const struct lessons *lessons = facts->lessons;
    add_sockets(lessons, out);
    add_beat(&lessons->client, "the client", out);
    if (facts->server || facts->server_command)
        add_beat(&lessons->server, "the server", out);
    if (lessons->sent > 0)
        text_addf(out, "  sends        %llu messages by itself%s%s\n",
                  (unsigned long long)lessons->sent, lessons->id ? ", counted by " : "",
                  lessons->id ? lessons->id : "");
    else
        text_add(out, "  sends        nothing by itself\n");
    if (lessons->authenticates)
        text_addf(out, "  credentials  in its first message%s%s\n",
                  lessons->auth_key ? ", as " : "", lessons->auth_key ? lessons->auth_key : "");
    if (lessons->query_key)
        text_addf(out, "  credentials  in its URL, as %s\n", lessons->query_key);
}
