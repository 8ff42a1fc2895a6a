#include "control/job_browser.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "control/browser.h"
#include "control/job_parts.h"

#define ASK_PATIENCE (5 * NSEC_PER_SEC)  /* real: for one answer of the browser */
#define TAB_PATIENCE (20 * NSEC_PER_SEC) /* real: for all of them */
#define TABS_SETTLE                                                                                \
    (3 * NSEC_PER_SEC) /* real: a page that was opened last has connected by then                  \
                        */

enum asking { ASKING_NOTHING, ASKING_FOR_TAB, ASKING_FOR_LIST };

struct job_browser {
    struct job *job;
    unsigned client, opened; /* opened: tabs, the first included */
    char *profile, *page;
    nsec began, told; /* real */
    enum asking asking;
    struct fetch *fetch; /* NULL: none is under way */
    bool ready;
};

struct job_browser *job_browser_new(struct job *job, unsigned client, const char *url,
                                    char **command)
{
    const struct subject *subject = job->spec.subject;
    char *profile = browser_new_profile();
    if (!profile)
        return NULL;
    struct job_browser *browser = xcalloc(1, sizeof *browser);
    browser->job = job;
    browser->client = client;
    browser->opened = 1;
    browser->profile = profile;
    browser->page = browser_page(subject->client_page, url);
    browser->began = loop_now();
    const char *authority = job->tls_to_client && job->spec.ca ? job->spec.ca->authority : NULL;
    *command = browser_command(subject->browser, profile, browser->page, authority);
    return browser;
}

void job_browser_free(struct job_browser *browser)
{
    if (!browser)
        return;
    fetch_cancel(browser->fetch);
    browser_remove_profile(browser->profile);
    free(browser->profile);
    free(browser->page);
    free(browser);
}

static void tell(struct job_browser *browser, int open, const char *why_not)
{
    struct job *job = browser->job;
    struct event ev = {.kind = EV_BROWSER_TABS, .by = BY_PROXY};
    ev.client = (int)run_client_number(job->run, browser->client);
    ev.at = nsec_max(driver_now(job->driver), recorder_last(job->recorder));
    ev.browser_tabs = (struct ev_browser_tabs){.open = open > 0 ? (uint64_t)open : 0,
                                               .wanted = job->spec.subject->client_tabs,
                                               .why_not = why_not};
    recorder_emit(job->recorder, ev);
    browser->ready = true;
    browser->told = loop_now();
}

static void on_answer(void *context, int status, const char *body, size_t len, const char *why)
{
    struct job_browser *browser = context;
    enum asking asked = browser->asking;
    (void)len;
    browser->fetch = NULL; /* it is freed right after */
    browser->asking = ASKING_NOTHING;
    if (*why || status < 200 || status >= 300) {
        char *sentence = *why ? xstrdup(why) : xprintf("the browser answered %d", status);
        tell(browser, 0, sentence);
        free(sentence);
    } else if (asked == ASKING_FOR_TAB) {
        browser->opened++;
        loop_touch(browser->job->loop, &browser->job->turn);
    } else {
        int open = browser_count_pages(body, browser->page);
        tell(browser, open, open < 0 ? "the browser's list of its tabs cannot be read" : "");
    }
}

static void ask(struct job_browser *browser, enum asking what, const char *method,
                const char *target, uint16_t port)
{
    char *authority = xprintf("127.0.0.1:%u", port);
    browser->asking = what;
    browser->fetch = fetch_start(browser->job->loop, browser->job->dialer,
                                 &(struct fetch_request){.method = method,
                                                         .host = "127.0.0.1",
                                                         .authority = authority,
                                                         .target = target,
                                                         .port = port,
                                                         .http_1_1 = true,
                                                         .patience = ASK_PATIENCE,
                                                         .on_done = on_answer,
                                                         .context = browser});
    free(authority);
}

static void go_on(struct job_browser *browser, uint16_t port)
{
    if (browser->opened == browser->job->spec.subject->client_tabs) {
        ask(browser, ASKING_FOR_LIST, "GET", "/json/list", port);
        return;
    }
    char *page = browser_encoded(browser->page);
    char *target = xprintf("/json/new?%s", page);
    ask(browser, ASKING_FOR_TAB, "PUT", target, port);
    free(target);
    free(page);
}

bool job_browser_is_ready(struct job_browser *browser)
{
    if (browser->ready)
        return browser->job->spec.subject->client_tabs == 1 ||
               loop_now() >= browser->told + TABS_SETTLE;
    if (browser->asking != ASKING_NOTHING)
        return false;
    uint16_t port = browser_port(browser->profile);
    if (port > 0)
        go_on(browser, port);
    else if (loop_now() > browser->began + TAB_PATIENCE)
        tell(browser, 0, "the browser did not say where it can be asked");
    return false;
}
