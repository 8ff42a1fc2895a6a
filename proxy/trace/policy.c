#include "trace/policy.h"

#include <jansson.h>
#include <string.h>

#define ROW(label, kind, field, ctype, ...)                                                        \
    {                                                                                              \
        .name = label, .type = kind, .offset = PARAM_FIELD(policy, field, ctype), __VA_ARGS__      \
    }

const struct param policy_params[] = {
    ROW("ping", PARAM_DURATION, ping, nsec, .def = "30s", .min = "100ms", .max = "1h",
        .doc = "a heartbeat at least this often (P)"),
    ROW("pong", PARAM_DURATION, pong, nsec, .def = "10s", .min = "100ms", .max = "1h",
        .doc = "the reply to a heartbeat within this (W)"),
    ROW("backoff.base", PARAM_DURATION, backoff_base, nsec, .def = "1s", .min = "10ms", .max = "5m",
        .doc = "delay before the first retry, before jitter"),
    ROW("backoff.factor", PARAM_RATIO, backoff_factor, double, .def = "2", .min = "1.1",
        .max = "10", .doc = "how much each delay grows"),
    ROW("backoff.cap", PARAM_DURATION, backoff_cap, nsec, .def = "30s", .min = "100ms", .max = "1h",
        .doc = "longest delay, before jitter"),
    ROW("backoff.jitter", PARAM_RATIO, backoff_jitter, double, .def = "0.5", .min = "0", .max = "1",
        .doc = "half width of the random factor: 0.5 means x0.5 to x1.5"),
    ROW("first_delay", PARAM_DURATION, first_delay, nsec, .def = "5s", .min = "0s", .max = "10m",
        .doc = "longest random delay accepted before the first reconnect"),
    ROW("retry_limit", PARAM_COUNT, retry_limit, uint64_t, .def = "10", .max = "100000",
        .doc = "attempts before the user is told; 0: not judged"),
    ROW("stable_after", PARAM_DURATION, stable_after, nsec, .def = "5s", .min = "0s", .max = "1h",
        .doc = "a connection this old resets the backoff"),
    ROW("connect_timeout", PARAM_DURATION, connect_timeout, nsec, .def = "20s", .min = "100ms",
        .max = "10m", .doc = "an attempt without an answer is given up within this"),
    ROW("close_timeout", PARAM_DURATION, close_timeout, nsec, .def = "10s", .min = "100ms",
        .max = "10m", .doc = "the closing handshake is over within this"),
    ROW("idle_timeout", PARAM_DURATION, idle_timeout, nsec, .def = "60s", .min = "1s", .max = "24h",
        .doc = "smallest idle timeout of the intermediaries on the path"),
    ROW("buffer_limit", PARAM_SIZE, buffer_limit, uint64_t, .def = "64MiB", .min = "1KiB",
        .max = "64GiB", .doc = "more than this kept for a slow peer is a warning"),
    ROW("can_ping", PARAM_BOOL, can_ping, bool, .def = "true",
        .doc = "the client can send protocol pings; false for a script in a browser"),
    ROW("sees_status", PARAM_BOOL, sees_status, bool, .def = "true",
        .doc = "the client is told the HTTP status of a refused handshake; false for a browser"),
    {.name = NULL},
};

void policy_defaults(struct policy *policy)
{
    *policy = (struct policy){0};
    param_defaults(policy_params, policy);
}

size_t policy_param_count(void)
{
    return sizeof policy_params / sizeof *policy_params - 1;
}

void policy_write_json(const struct policy *policy, const char *const *origins, struct text *out)
{
    struct json json;
    json_init(&json, out, 0);
    json_object_open(&json, NULL);
    for (size_t i = 0; i < policy_param_count(); i++) {
        struct text value;
        text_init(&value);
        param_add_value(&policy_params[i], policy, &value);
        json_object_open(&json, policy_params[i].name);
        json_put_string(&json, "value", text_chars(&value));
        json_put_string(&json, "origin", origins && origins[i] ? origins[i] : "default");
        json_object_close(&json);
        text_fini(&value);
    }
    json_object_close(&json);
}

bool policy_read_json(struct policy *policy, const char *chars)
{
    json_error_t error;
    const char *name;
    json_t *entry, *object = json_loads(chars, 0, &error);
    struct text why;
    bool good = json_is_object(object);
    text_init(&why);
    json_object_foreach(object, name, entry)
    {
        const struct param *param = param_find(policy_params, name);
        const char *value = json_string_value(json_object_get(entry, "value"));
        if (param && value)
            good = param_set(param, policy, value, &why) && good;
    }
    text_fini(&why);
    json_decref(object);
    return good;
}
