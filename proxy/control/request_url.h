/* Where a request step goes: to a host of the target file and nowhere else (DESIGN 4). */
#ifndef HALFOPEN_CONTROL_REQUEST_URL_H
#define HALFOPEN_CONTROL_REQUEST_URL_H

#include "control/subject.h"

/* A path is one at the server's port; {port} is that port. false: *why completes "'url' ". */
bool request_url_parse(const char *written, const struct subject *, uint16_t server_port,
                       struct url *, const char **why);

#endif
