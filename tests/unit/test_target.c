#include "scenario/target.h"

#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

static char *environment(const char *name)
{
    static char secret[] = "hunter2", empty[] = "";
    if (strcmp(name, "TOKEN") == 0)
        return secret;
    return strcmp(name, "EMPTY") == 0 ? empty : NULL;
}

static struct target *load_as(const char *file, const char *text)
{
    struct diag *diag = diag_new();
    struct target *target = target_parse(file, text, strlen(text), environment, diag);
    diag_print(diag, stderr);
    diag_free(diag);
    return target;
}

static struct target *load(const char *text)
{
    struct target *target = load_as("halfopen.yaml", text);
    CHECK(target != NULL);
    return target ? target : load_as("halfopen.yaml", "{}");
}

static void the_client_is_read(void)
{
    struct target *t = load("client:\n  command: node app.js {url}\n  env: {NODE_ENV: test, N: 1}\n"
                            "  sockets: {path: /feed, protocol: graphql-ws, host: a.example}\n");
    CHECK(t->client.given && !t->server.given);
    CHECK_STR(t->client.command, "node app.js {url}");
    CHECK_INT(t->client.env_count, 2);
    CHECK_STR(t->client.env[1].name, "N");
    CHECK_STR(t->client.env[1].value, "1");
    CHECK_STR(t->client.path, "/feed");
    CHECK_STR(t->client.protocol, "graphql-ws");
    CHECK_STR(t->client.host, "a.example");
    target_free(t);
}

static void the_server_is_read(void)
{
    struct target *t = load("server:\n  command: node server.js {port}\n"
                            "  url: wss://127.0.0.1:{port}/feed\n"
                            "  health: http://127.0.0.1:{port}/healthz\n"
                            "  tls: {ca: /etc/ca.pem, verify: false}\n");
    CHECK_STR(t->server.command, "node server.js {port}");
    CHECK_STR(t->server.url, "wss://127.0.0.1:{port}/feed");
    CHECK_STR(t->server.health, "http://127.0.0.1:{port}/healthz");
    CHECK_STR(t->server.ca, "/etc/ca.pem");
    CHECK(!t->server.verify);
    target_free(t);
}

static void a_certificate_is_looked_for_beside_the_target_file(void)
{
    struct target *t = load_as("ci/halfopen.yaml", "server: {url: 'ws://a', tls: {ca: ca.pem}}\n");
    CHECK_STR(t->server.ca, "ci/ca.pem");
    CHECK(t->server.verify);
    target_free(t);
}

static void the_system_is_read(void)
{
    struct target *t =
        load("system: {name: web, version: 1.2, owner: rt}\nbehind: nginx\ntls: true\n");
    CHECK_STR(t->system.name, "web");
    CHECK_STR(t->system.version, "1.2");
    CHECK_STR(t->system.owner, "rt");
    CHECK_STR(t->behind.profile, "nginx");
    CHECK_STR(t->behind.idle, "60s");
    CHECK_STR(t->behind.counts, "any");
    CHECK(t->tls);
    target_free(t);
}

static void what_a_profile_leaves_open_is_given_beside_it(void)
{
    struct target *t = load("behind: {profile: haproxy, idle: 50s}\n");
    CHECK_STR(t->behind.profile, "haproxy");
    CHECK_STR(t->behind.idle, "50s");
    CHECK_STR(t->behind.counts, "any");
    target_free(t);
}

static void the_environment_is_put_in_and_remembered(void)
{
    struct target *t = load("client: {command: 'app --token={env.TOKEN} {url}{env.EMPTY}'}\n"
                            "system: {owner: '{env.TOKEN}{env.TOKEN}'}\n");
    CHECK_STR(t->client.command, "app --token=hunter2 {url}");
    CHECK_STR(t->system.owner, "hunter2hunter2");
    CHECK_INT(t->secrets.count, 1);
    CHECK_STR(t->secrets.values[0], "hunter2");
    target_free(t);
}

static void a_message_never_shows_a_value_of_the_environment(void)
{
    static const char text[] = "server: {url: '{env.TOKEN}'}\npolicy: {ping: '{env.TOKEN}'}\n";
    struct diag *diag = diag_new();
    struct text said;
    text_init(&said);
    CHECK(target_parse("halfopen.yaml", text, strlen(text), environment, diag) == NULL);
    diag_add_text(diag, &said);
    CHECK_CONTAINS(text_chars(&said), "'url' is {env.TOKEN}");
    CHECK(strstr(text_chars(&said), "hunter2") == NULL);
    text_fini(&said);
    diag_free(diag);
}

static void messages_are_recognised_by_a_group(void)
{
    struct target *t = load("messages: {id: '\"id\":(\\d+)'}\n");
    struct plan *plan = plan_new();
    CHECK_STR(t->messages.id, "\"id\":(\\d+)");
    target_apply(t, plan);
    CHECK_STR(plan->message_id, "\"id\":(\\d+)");
    plan_free(plan);
    target_free(t);
}

static void sessions_say_what_subscribes_resumes_and_tells_the_state(void)
{
    struct target *t =
        load("sessions: {subscribe: sub, resume: 're(su)?me', state: 'sid=(\\d+)'}\n");
    struct plan *plan = plan_new();
    target_apply(t, plan);
    CHECK_STR(plan->sessions.subscribe, "sub");
    CHECK_STR(plan->sessions.resume, "re(su)?me");
    CHECK_STR(plan->sessions.state, "sid=(\\d+)");
    plan_free(plan);
    target_free(t);
}

static void check_written(struct target *t, bool state_known, const char *want)
{
    struct text out;
    struct json json;
    text_init(&out);
    json_init(&json, &out, 0);
    json_object_open(&json, NULL);
    target_write_sessions(t, state_known, &json);
    json_object_close(&json);
    CHECK_STR(text_chars(&out), want);
    text_fini(&out);
    target_free(t);
}

static void which_of_it_is_declared_is_written_for_the_trace(void)
{
    check_written(load("sessions: {resume: a}\n"), false,
                  "{\"sessions\":{\"subscribe\":false,\"resume\":true,\"state\":false}}");
    check_written(load("sessions: {subscribe: a, state: (b)}\n"), false,
                  "{\"sessions\":{\"subscribe\":true,\"resume\":false,\"state\":true}}");
    check_written(load("tls: false\n"), false, "{}");
    check_written(NULL, true,
                  "{\"sessions\":{\"subscribe\":false,\"resume\":false,\"state\":true}}");
}

static void auth_says_which_messages_it_is_and_what_is_public(void)
{
    struct target *t = load("auth: {message: '\"auth\"', ack: '\"ok\"', answer: '[\"ok\"]',\n"
                            "  token: hunter22, public: [a, b]}\n");
    struct plan *plan = plan_new();
    target_apply(t, plan);
    CHECK_STR(plan->auth.message, "\"auth\"");
    CHECK_STR(plan->auth.ack, "\"ok\"");
    CHECK_STR(plan->auth.answer, "[\"ok\"]");
    CHECK_STR(plan->auth.token, "hunter22");
    CHECK_STR(plan->auth.public_keys[0], "a");
    CHECK_STR(plan->auth.public_keys[1], "b");
    CHECK(plan->auth.public_keys[2] == NULL);
    CHECK_INT(t->secrets.count, 1);
    CHECK_STR(t->secrets.values[0], "hunter22");
    plan_free(plan);
    target_free(t);
}

static void rules_are_required_and_accepted_by_name_or_id(void)
{
    struct target *t = load("rules:\n  suite: core\n  require: [RECON-02]\n"
                            "  accept: {RECON-03: {until: 2028-02-29, owner: rt, reason: RT-1}}\n");
    CHECK_STR(t->suite, "core");
    CHECK_INT(t->require_count, 1);
    CHECK_STR(t->require[0], "reconnect.backoff");
    CHECK_INT(t->accept_count, 1);
    CHECK_STR(t->accept[0].rule, "reconnect.jitter");
    CHECK_STR(t->accept[0].until, "2028-02-29");
    CHECK_STR(t->accept[0].owner, "rt");
    CHECK_STR(t->accept[0].reason, "RT-1");
    target_free(t);
}

static void the_plan_learns_what_it_has_to_recognise(void)
{
    struct target *t = load("client: {sockets: {path: /feed}}\ntls: true\n"
                            "heartbeat: {ping: '\"ping\"', pong: '\"pong\"'}\n");
    struct plan *plan = plan_new();
    target_apply(t, plan);
    CHECK_STR(plan->path, "/feed");
    CHECK(plan->protocol == NULL && plan->tls);
    CHECK_STR(plan->ping_pattern, "\"ping\"");
    CHECK_STR(plan->pong_pattern, "\"pong\"");
    plan_free(plan);
    target_free(t);
}

static void its_policy_goes_over_the_profile(void)
{
    struct target *t = load("policy: {ping: 25s, backoff: {cap: 60s}}\n");
    struct profile *profile = profile_new();
    target_apply_policy(t, profile);
    CHECK_INT(profile->policy.ping, 25 * NSEC_PER_SEC);
    CHECK_INT(profile->policy.backoff_cap, 60 * NSEC_PER_SEC);
    CHECK_INT(profile->policy.pong, 10 * NSEC_PER_SEC);
    CHECK_STR(profile->origins[0], "target file");
    CHECK_STR(profile->origins[1], "default profile");
    profile_free(profile);
    target_free(t);
}

static void nothing_at_all_is_the_built_in_pair(void)
{
    struct target *t = load("{}\n");
    CHECK(!t->client.given && !t->server.given && t->server.verify);
    target_free(t);
}

SUITE(target, TEST(the_client_is_read), TEST(the_server_is_read),
      TEST(a_certificate_is_looked_for_beside_the_target_file), TEST(the_system_is_read),
      TEST(what_a_profile_leaves_open_is_given_beside_it),
      TEST(the_environment_is_put_in_and_remembered),
      TEST(a_message_never_shows_a_value_of_the_environment),
      TEST(messages_are_recognised_by_a_group),
      TEST(sessions_say_what_subscribes_resumes_and_tells_the_state),
      TEST(which_of_it_is_declared_is_written_for_the_trace),
      TEST(auth_says_which_messages_it_is_and_what_is_public),
      TEST(rules_are_required_and_accepted_by_name_or_id),
      TEST(the_plan_learns_what_it_has_to_recognise), TEST(its_policy_goes_over_the_profile),
      TEST(nothing_at_all_is_the_built_in_pair))
