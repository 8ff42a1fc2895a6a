/* Chromium as a client: which program it is, how it is started with a page, and what it leaves
 * behind.
 */
#ifndef HALFOPEN_CONTROL_BROWSER_H
#define HALFOPEN_CONTROL_BROWSER_H

#include <stdint.h>

/* The program named in the variable CHROMIUM, else the first of Chromium's usual names in PATH.
 * lookup: getenv, or a test's own. NULL: there is none. The caller frees. */
char *browser_find(char *(*lookup)(const char *name));

/* The page's URL with each {url} replaced by that URL, percent-encoded. The caller frees. */
char *browser_page(const char *page, const char *url);
/* The same for a whole URL inside another. */
char *browser_encoded(const char *url);

/* A command line that opens the page without a window; its profile and its home are the folder
 * given. authority: certificate of one that it is to trust, by certutil; NULL: none. The caller
 * frees. */
char *browser_command(const char *program, const char *profile, const char *page,
                      const char *authority);

/* A new empty folder. NULL: errno says why. The caller frees the name. */
char *browser_new_profile(void);
void browser_remove_profile(const char *profile); /* with all that is in it */

/* The port that a browser with this profile can be asked on; 0: not yet. */
uint16_t browser_port(const char *profile);

/* How many pages of the origin of that page are in a list as /json/list gives it; -1: it is none.
 */
int browser_count_pages(const char *list, const char *page);

#endif
