/* What ends the endpoints when we are killed ourselves: the kernel then ends only our own children,
 * not what those have started. A process in a session of its own, so that no signal to our group
 * reaches it, waits until our end of a socket closes, and ends whatever bears our mark in its
 * environment, is in a group of ours, or descends from such. What has left its environment, its
 * group and its family all three is beyond it. */
#ifndef HALFOPEN_NET_WATCHER_H
#define HALFOPEN_NET_WATCHER_H

#include <sys/types.h>

struct watcher;

/* mark: how the entry in the environment of all of them begins. NULL: it could not be started, and
 * errno says why. */
struct watcher *watcher_start(const char *mark);
void watcher_add(struct watcher *, pid_t group); /* NULL is allowed, here and below */
void watcher_remove(struct watcher *, pid_t group);
void watcher_stop(struct watcher *); /* there is nothing left to end; returns when it is gone */

#endif
