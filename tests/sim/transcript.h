/* Everything that happened between the clients of a run and their world: what each was told, and
 * what it answered. A client with another policy that is told the same and answers the same, byte
 * for byte and to the nanosecond, would have had the same run: its trace need not be made again.
 * Most flaws never show in most scenarios; this is how the matrix knows without playing them.
 *
 * The world talks to its clients through players and looks at nothing else of them. */
#ifndef HALFOPEN_TESTS_SIM_TRANSCRIPT_H
#define HALFOPEN_TESTS_SIM_TRANSCRIPT_H

#include "base/text.h"
#include "endpoint/client.h"

struct transcript;

struct transcript *transcript_new(void);
void transcript_free(struct transcript *);
/* false: with this policy the run could have been another one. What the world itself reads of a
 * policy (struct kernel_policy) is for the caller to compare. */
bool transcript_fits(const struct transcript *, const struct client_policy *);

/* --- One client in a world --- */

struct player;

/* As client_new; transcript: NULL keeps none. number: of this client in the run. */
struct player *player_new(const struct client_policy *, unsigned number, uint64_t seed,
                          const struct client_ops *ops, void *context, nsec now,
                          struct transcript *transcript);
void player_free(struct player *);
void player_connected(struct player *, nsec now);
void player_connect_failed(struct player *, nsec now);
void player_input(struct player *, const uint8_t *bytes, size_t len, nsec now);
void player_eof(struct player *, nsec now);
void player_writable(struct player *, nsec now);
void player_expire(struct player *, nsec now);
void player_produce(struct player *, nsec now); /* one message */
void player_close(struct player *, uint16_t code, const char *reason, nsec now);
void player_tell_state(struct player *, struct text *out, nsec now);
nsec player_deadline(const struct player *);
bool player_is_open(const struct player *);
bool player_stopped(const struct player *);
uint64_t player_buffered(const struct player *);

#endif
