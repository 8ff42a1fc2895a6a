/* Whether the server is there: it accepts connections, and where the target file names a health
 * check, that answers 2xx. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/job_parts.h"
#include "control/url.h"

#define HEALTH_EVERY    (200 * NSEC_PER_MSEC) /* real: between two questions */
#define HEALTH_PATIENCE (5 * NSEC_PER_SEC)    /* real: for one answer */

const char *job_server_host(const struct job *job)
{
    return job->spec.subject->server.host ? job->spec.subject->server.host : "127.0.0.1";
}

static void be_ready(struct job *job)
{
    job->server_ready = true;
    loop_touch(job->loop, &job->turn);
}

/* --- Does it accept? --- */

static void on_probe_open(struct peer *peer)
{
    struct job *job = peer_owner(peer);
    job->asked_server = false;
    peer_close(peer);
    job->server_accepts = true;
    if (!job->spec.subject->server_health)
        be_ready(job);
}

static void on_probe_failed(struct peer *peer, const char *how)
{
    struct job *job = peer_owner(peer);
    (void)how;
    job->asked_server = false;
}

static void on_probe_end(struct peer *peer, enum io_result how)
{
    (void)peer;
    (void)how;
}

static void on_probe_data(struct peer *peer, const uint8_t *bytes, size_t len)
{
    (void)peer;
    (void)bytes;
    (void)len;
}

static void on_probe_writable(struct peer *peer)
{
    (void)peer;
}

static const struct peer_ops probe_ops = {.on_open = on_probe_open,
                                          .on_failed = on_probe_failed,
                                          .on_data = on_probe_data,
                                          .on_writable = on_probe_writable,
                                          .on_end = on_probe_end};

static void ask_to_connect(struct job *job)
{
    const char *why = NULL;
    if (job->asked_server)
        return;
    if (job->probe)
        peer_forget(job->probe);
    job->probe = dialer_connect(job->dialer, job_server_host(job), job->server_port, NULL,
                                &probe_ops, job, &why);
    job->asked_server = job->probe != NULL;
}

/* --- Is it healthy? --- */

static void on_health(void *context, int status, const char *body, size_t len, const char *why)
{
    struct job *job = context;
    (void)body;
    (void)len;
    job->health = NULL; /* it is freed right after */
    free(job->health_said);
    job->health_said = *why ? xstrdup(why) : xprintf("it answered %d", status);
    if (!*why && status >= 200 && status < 300)
        be_ready(job);
}

static void ask_health(struct job *job)
{
    struct url url = {0};
    const char *why = NULL;
    if (job->health || loop_now() < job->health_at)
        return;
    job->health_at = loop_now() + HEALTH_EVERY;
    if (url_parse_with_port(job->spec.subject->server_health, job->server_port, &url, &why))
        job->health = fetch_start(job->loop, job->dialer,
                                  &(struct fetch_request){.method = "GET",
                                                          .host = url.host,
                                                          .authority = url.authority,
                                                          .target = url.target,
                                                          .port = url.port,
                                                          .patience = HEALTH_PATIENCE,
                                                          .on_done = on_health,
                                                          .context = job});
    url_fini(&url);
}

/* --- Both --- */

void job_ask_server(struct job *job)
{
    if (job->server_ready)
        return;
    if (!job->server_accepts)
        ask_to_connect(job);
    else
        ask_health(job);
}

void job_say_deaf_server(struct job *job)
{
    const struct child *server = job->server_child.process ? &job->server_child : NULL;
    struct text words;
    text_init(&words);
    if (job->server_accepts) {
        text_addf(&words,
                  "the server accepts connections, and its health check (server.health of the "
                  "target file) did not answer 2xx: %s",
                  job->health_said ? job->health_said : "it did not answer at all");
    } else {
        text_addf(&words, "the server does not accept connections on %s:%u", job_server_host(job),
                  job->server_port);
        causes_of_deaf_server(server != NULL, job->server_port, &words);
    }
    job_say_trouble(job, server, text_chars(&words));
    text_fini(&words);
}

void job_server_free(struct job *job)
{
    fetch_cancel(job->health);
    free(job->health_said);
    if (job->probe)
        peer_forget(job->probe);
}
