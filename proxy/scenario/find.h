/* Where scenarios, suites and profiles are: those that come with halfopen are found by name from
 * anywhere. */
#ifndef HALFOPEN_SCENARIO_FIND_H
#define HALFOPEN_SCENARIO_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

struct paths {
    char **paths;
    size_t count;
};

void paths_init(struct paths *);
void paths_fini(struct paths *);

/* The folder scenarios/ that comes with this program: $HALFOPEN_DATA, ../scenarios of the program's
 * folder (a checkout's build/), or ../share/halfopen/scenarios. The caller frees. NULL: none
 * there. */
char *find_data_folder(void);

/* All that come along, sorted by path. folder: NULL finds nothing. */
void find_all_scenarios(const char *folder, struct paths *out);
void find_all_suites(const char *folder, struct paths *out);
void find_all_profiles(const char *folder, struct paths *out);
/* kind: a folder of facts about the world, as in fault_desc.presets. */
void find_all_presets(const char *folder, const char *kind, struct paths *out);
/* "silent-drop" of ".../client/silent-drop.yaml"; the caller frees. */
char *find_name(const char *path);

/* What a person may write for scenarios: a file, a folder (all *.yaml below it but suites/ and
 * profiles/), or a name. scenarios/... is found in `folder` where there is nothing of that name.
 * Adds to out what is not there yet. false: said why. */
bool find_scenarios(const char *folder, const char *written, struct paths *out, struct diag *);
/* The scenarios of a suite, in its order; "all" is every one that comes along. */
bool find_suite(const char *folder, const char *name, struct paths *out, struct diag *);
/* The same for the suite in that file. */
bool find_suite_file(const char *folder, const char *path, struct paths *out, struct diag *);
/* A profile by name or file. The caller frees. NULL: said why, if there is a diag to say it to. */
char *find_profile(const char *folder, const char *written, struct diag *);
/* The same, for one that a file names at that place: a path is taken from its folder, else from
 * here. */
char *find_profile_beside(const char *folder, const char *written, const char *file,
                          struct place at, struct diag *);
/* The same for a preset of that kind; what: "intermediary". A path is taken from the folder of the
 * file that names it (beside), else from here. */
char *find_preset(const char *folder, const char *kind, const char *what, const char *written,
                  const char *beside, struct place at, struct diag *);

#endif
