/* The user's command lines, as text. Pure. */
#ifndef HALFOPEN_NET_COMMAND_H
#define HALFOPEN_NET_COMMAND_H

#include <sys/types.h>

#include "base/text.h"

struct command_values {
    const char *url; /* NULL: {url} stays as it is; the same for the others */
    long index;      /* -1: none */
    long port;       /* 0: none */
    long hook_port;  /* 0: none */
};

/* {url}, ${url}, {index}, ${index}, {port}, ${port}, {hook_port}, ${hook_port} replaced; everything
 * else, other braces too, stays. A value with characters that mean something to the shell is
 * quoted, unless the command already quotes the place. Caller frees. */
char *command_substitute(const char *command, const struct command_values *);
/* As one word of a shell: as it is where that is safe, else in single quotes. */
void command_add_quoted(struct text *, const char *word);
/* Without what looks like a secret, for the trace: long values after token=, password=, key=,
 * secret=. */
char *command_redacted(const char *command);
/* "exit 1", "signal 9" out of a wait status. */
void command_exit_words(int status, struct text *out);

#endif
