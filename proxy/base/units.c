#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct unit_name {
    const char *name;
    double factor;
};

static const struct unit_name durations[] = {
    {"ns", 1},   {"us", 1e3},  {"ms", 1e6},   {"s", 1e9},
    {"m", 6e10}, {"h", 36e11}, {"d", 864e11}, {NULL, 0},
};

static const struct unit_name sizes[] = {
    {"B", 1},    {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824},
    {"kB", 1e3}, {"MB", 1e6},   {"GB", 1e9},      {NULL, 0},
};

/* Digits with an optional fraction, nothing else: no sign, no exponent, no hexadecimal. */
static bool read_number(const char *written, double *value, const char **rest)
{
    const char *at = written;
    while (isdigit((unsigned char)*at))
        at++;
    if (at == written)
        return false;
    if (*at == '.') {
        const char *point = at++;
        while (isdigit((unsigned char)*at))
            at++;
        if (at == point + 1)
            return false;
    }
    *value = strtod(written, NULL);
    *rest = at;
    return true;
}

static const struct unit_name *find_unit(const struct unit_name *units, const char *name,
                                         size_t len)
{
    for (; units->name; units++)
        if (strlen(units->name) == len && memcmp(units->name, name, len) == 0)
            return units;
    return NULL;
}

/* A number with one of these units; plain 0 needs none. */
static bool read_quantity(const char *written, const struct unit_name *units, const char *tail,
                          double *value)
{
    const char *rest;
    double number;
    if (!read_number(written, &number, &rest))
        return false;
    size_t len = strlen(rest), tail_len = strlen(tail);
    if (len == 0 && number == 0) {
        *value = 0;
        return true;
    }
    if (len < tail_len || strcmp(rest + len - tail_len, tail) != 0)
        return false;
    const struct unit_name *unit = find_unit(units, rest, len - tail_len);
    if (!unit)
        return false;
    *value = number * unit->factor;
    return true;
}

bool units_duration(const char *written, nsec *out, const char **why)
{
    double value;
    *why = "a duration needs a unit, as in 400ms";
    if (!read_quantity(written, durations, "", &value))
        return false;
    *why = "longer than 100 years";
    if (value > 3.2e18)
        return false;
    *out = (nsec)llround(value);
    return true;
}

bool units_size(const char *written, uint64_t *bytes, const char **why)
{
    double value;
    *why = "a size needs a unit, as in 64KiB";
    if (!read_quantity(written, sizes, "", &value))
        return false;
    *why = "more than a size can be";
    if (value >= 9e18)
        return false;
    *bytes = (uint64_t)llround(value);
    return true;
}

bool units_rate(const char *written, double *bytes_per_second, const char **why)
{
    *why = "a rate needs a unit, as in 1MiB/s";
    return read_quantity(written, sizes, "/s", bytes_per_second);
}

bool units_ratio(const char *written, double *out, const char **why)
{
    const char *rest;
    double number;
    *why = "a ratio is written as 30% or 0.3";
    if (!read_number(written, &number, &rest))
        return false;
    if (strcmp(rest, "%") == 0)
        number /= 100;
    else if (*rest)
        return false;
    *out = number;
    return true;
}

bool units_count(const char *written, uint64_t *out, const char **why)
{
    char *end;
    *why = "a whole number, as in 8";
    if (!isdigit((unsigned char)*written))
        return false;
    errno = 0;
    unsigned long long value = strtoull(written, &end, 10);
    if (*end || errno)
        return false;
    *out = value;
    return true;
}

/* --- Printing --- */

/* Three significant digits, without an exponent. */
static void add_number(struct text *out, double value)
{
    int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    if (value == floor(value) && value < 100)
        decimals = value >= 10 || value == 0 ? 0 : 2;
    text_addf(out, "%.*f", decimals, value);
}

void units_add_duration(struct text *out, nsec value)
{
    static const struct unit_name steps[] = {{"h", 36e11}, {"min", 6e10}, {"s", 1e9},
                                             {"ms", 1e6},  {"us", 1e3},   {"ns", 1}};
    double size = fabs((double)value);
    if (value == NEVER) {
        text_add(out, "for ever");
        return;
    }
    size_t i = 2; /* seconds up to ten minutes: limits are told in seconds */
    if (size >= 36e11)
        i = 0;
    else if (size >= 6e11)
        i = 1;
    while (i < 5 && size < steps[i].factor * 0.9995)
        i++;
    if (size == 0)
        i = 2;
    if (value < 0)
        text_add(out, "-");
    add_number(out, size / steps[i].factor);
    text_addf(out, " %s", steps[i].name);
}

void units_add_size(struct text *out, uint64_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t i = 0;
    while (value >= 1023.5 && i < 6) {
        value /= 1024;
        i++;
    }
    if (i == 0)
        text_addf(out, "%" PRIu64, bytes);
    else
        add_number(out, value);
    text_addf(out, " %s", names[i]);
}

void units_add_rate(struct text *out, double bytes_per_second)
{
    units_add_size(out, (uint64_t)(bytes_per_second + 0.5));
    text_add(out, "/s");
}

void units_add_duration_yaml(struct text *out, nsec value)
{
    static const struct {
        const char *name;
        nsec factor;
    } steps[] = {{"h", 3600 * NSEC_PER_SEC}, {"m", 60 * NSEC_PER_SEC}, {"s", NSEC_PER_SEC},
                 {"ms", NSEC_PER_MSEC},      {"us", NSEC_PER_USEC},    {"ns", 1}};
    nsec fraction = value % NSEC_PER_SEC;
    if (value == 0) {
        text_add(out, "0s");
        return;
    }
    if (value > NSEC_PER_SEC && fraction != 0 && fraction % NSEC_PER_MSEC == 0) {
        text_addf(out, "%" PRId64 ".%03" PRId64, value / NSEC_PER_SEC, fraction / NSEC_PER_MSEC);
        while (out->chars[out->len - 1] == '0')
            out->chars[--out->len] = '\0';
        text_add(out, "s");
        return;
    }
    /* Up to ten minutes in seconds, as people write limits. */
    size_t i = value % (600 * NSEC_PER_SEC) == 0 ? 0 : 2;
    while (value % steps[i].factor != 0)
        i++;
    text_addf(out, "%" PRId64 "%s", value / steps[i].factor, steps[i].name);
}
