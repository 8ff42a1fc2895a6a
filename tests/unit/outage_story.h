/* Stories of an outage: clients that lose their connections together and come back by a schedule,
 * each attempt refused. */
#ifndef HALFOPEN_TESTS_OUTAGE_STORY_H
#define HALFOPEN_TESTS_OUTAGE_STORY_H

#include "tests/calibrate/schedules.h"
#include "tests/unit/story.h"

#define OUTAGE_AT 10.0 /* seconds: when the connections are cut */

struct outage_story {
    struct story story;
    double last; /* seconds: the last failure of any client */
    double hang; /* seconds that an attempt lasts before we refuse it; default 2 ms */
    uint32_t next_conn;
};

void outage_begin(struct outage_story *);
/* The client opens at `at` - 10 s and is cut at `at`. */
void outage_cut(struct outage_story *, int client, double at);
/* Its attempts, each so long after the failure before; returns when the last failed. */
double outage_retry(struct outage_story *, int client, double at, const double *delays,
                    size_t count);
/* One attempt that we refuse `hang` later. */
void outage_refused(struct outage_story *, int client, double at);
/* All clients of such a schedule, cut together, on a quiet host. */
void outage_of(struct outage_story *, const char *schedule, struct size, uint64_t seed);
/* Ends the story a second after the last failure if nothing else ended it. */
enum verdict outage_judge(struct outage_story *, const struct rule_desc *);
/* Judges and ends the story; the text of the worst finding contains that part. */
void outage_expect(struct outage_story *, const struct rule_desc *, enum verdict, const char *part);

#endif
