/* ws://, wss://, http:// and https:// URLs, and plain HOST:PORT. */
#ifndef HALFOPEN_CONTROL_URL_H
#define HALFOPEN_CONTROL_URL_H

#include <stdbool.h>
#include <stdint.h>

struct url {
    bool secure;
    char *host;      /* without brackets */
    uint16_t port;   /* 0, to listen on any free one, only when it was written */
    char *target;    /* path and query, at least "/" */
    char *authority; /* as a Host header has it: host, and the port when it is not the default */
};

/* false: *why completes "'ftp://x' ": what was expected, as one would write it. Nothing to free. */
bool url_parse(const char *written, struct url *, const char **why);
/* The same with the first {port} replaced. */
bool url_parse_with_port(const char *written, uint16_t port, struct url *, const char **why);
void url_fini(struct url *);

#endif
