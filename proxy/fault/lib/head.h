/* What the faults on the opening handshake share: which head is meant, and editing it. */
#ifndef HALFOPEN_FAULT_LIB_HEAD_H
#define HALFOPEN_FAULT_LIB_HEAD_H

#include "fault/fault.h"
#include "ws/http.h"

/* The unit is the head of a handshake and can be read; out is to be freed by http_head_fini. */
bool head_of_handshake(const struct unit *, struct http_head *out);
/* The answer that opens the WebSocket: a 101. */
bool head_of_switch(const struct unit *, struct http_head *out);

/* Decides the unit: a head in which the header has this value, or is not there (value NULL). */
void head_set(struct fault *, struct unit *, const struct http_head *, const char *name,
              const char *value);

enum head_version { HEAD_HTTP_1_0, HEAD_HTTP_1_1 };

/* Decides the unit: the request without Upgrade, with Connection: close, in that version. */
void head_strip(struct fault *, struct unit *, const struct http_head *, enum head_version);

#endif
