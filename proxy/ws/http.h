/* HTTP/1.1 heads and body framing (RFC 9112), as far as a man in the middle needs them: to find the
 * upgrade, to follow plain requests around it on the same connection, to edit a head without
 * touching the rest of it. Junk is reported, never refused: what cannot be HTTP is passed on as raw
 * bytes. */
#ifndef HALFOPEN_WS_HTTP_H
#define HALFOPEN_WS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define HTTP_HEAD_LIMIT ((size_t)64 << 10) /* bytes, up to and with the empty line */

enum http_kind { HTTP_REQUEST, HTTP_RESPONSE };

/* Characters inside a head: not terminated. */
struct http_text {
    const char *chars;
    size_t len;
};

struct http_header {
    struct http_text name, value; /* value without the blanks around it */
    struct http_text line;        /* with its line ending and folded continuations */
};

struct http_head {
    enum http_kind kind;
    struct http_text text;           /* all of it, with the empty line */
    struct http_text method, target; /* requests */
    int status;                      /* responses */
    struct http_text reason;
    int major, minor;
    struct http_header *headers; /* owned */
    size_t header_count;
    bool bare_lf;   /* a line ended without CR */
    bool folded;    /* a header is continued on a second line, RFC 9112 5.2 */
    bool malformed; /* a line that is no header, or a blank before the colon */
};

/* --- Collecting a head --- */

enum http_read {
    HTTP_MORE,     /* all was taken, the head is not complete */
    HTTP_COMPLETE, /* http_reader_head has it; *taken bytes belonged to it */
    HTTP_NOT_HTTP, /* neither is nor can become a head; the bytes so far are in http_reader_bytes */
    HTTP_TOO_LONG  /* no end within HTTP_HEAD_LIMIT; the same */
};

struct http_reader;

struct http_reader *http_reader_new(enum http_kind); /* owns no buffer until it is fed */
void http_reader_free(struct http_reader *);
/* Takes bytes up to the end of the head. After NOT_HTTP and TOO_LONG *taken bytes are in the reader
 * like those before: pass on http_reader_bytes, then the rest of bytes. Not to be called again
 * before a reset unless it said HTTP_MORE. */
enum http_read http_reader_feed(struct http_reader *, const uint8_t *bytes, size_t len,
                                size_t *taken);
const struct http_head *http_reader_head(const struct http_reader *); /* borrows; until the reset */
const uint8_t *http_reader_bytes(const struct http_reader *,
                                 size_t *len); /* what was taken; borrows */
void http_reader_reset(struct http_reader *);  /* ready for the next head; owns no buffer */

/* Parses a head up to its empty line; borrows text, which must outlive out. false: not a head, out
 * is empty. */
bool http_parse(enum http_kind, const char *text, size_t len, struct http_head *out);
void http_head_fini(struct http_head *);

/* --- Looking into it: names and tokens without regard to case --- */

bool http_text_is(struct http_text, const char *); /* without regard to case */
void http_text_add(struct text *, struct http_text);
char *http_text_copy(struct http_text); /* the caller frees */
bool http_header(const struct http_head *, const char *name,
                 struct http_text *value); /* the first */
size_t http_header_count(const struct http_head *, const char *name);
void http_header_add(const struct http_head *, const char *name,
                     struct text *out); /* all, ", " between */
char *http_header_copy(const struct http_head *,
                       const char *name); /* the same; "" if none; caller frees */
/* Whether a comma separated list in these headers has the token ("Connection: keep-alive,
 * Upgrade"). What follows a ';' in an element does not count. */
bool http_has_token(const struct http_head *, const char *name, const char *token);

/* One element of a comma separated list at a time, without the blanks around it; quoted strings may
 * hold commas. list is advanced. false: no more. */
bool http_list_next(struct http_text *list, char separator, struct http_text *element);

/* --- Body framing, RFC 9112 6.3 --- */

enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

/* What the request was, as far as the response's framing depends on it. */
enum http_asked { HTTP_ASKED_OTHER, HTTP_ASKED_HEAD, HTTP_ASKED_CONNECT };

struct http_body {
    enum http_framing framing;
    uint64_t left;  /* LENGTH: of the body; CHUNKED: of the chunk */
    uint64_t bytes; /* taken so far, framing of chunks included */
    int chunk;      /* CHUNKED: where in a chunk */
    bool size_seen; /* CHUNKED: the size has a digit */
    bool malformed; /* lengths that contradict or cannot be read: from there until close */
    bool both;      /* Content-Length beside Transfer-Encoding, RFC 9112 6.1 */
    bool done;
};

enum http_asked http_asked(const struct http_head *request);
void http_body_request(struct http_body *, const struct http_head *request);
void http_body_response(struct http_body *, const struct http_head *response, enum http_asked);
/* How many of these bytes belong to the body; the next head begins after them. All of them as long
 * as the body is not done. */
size_t http_body_feed(struct http_body *, const uint8_t *bytes, size_t len);
bool http_body_is_done(const struct http_body *);       /* UNTIL_CLOSE: never */
bool http_is_interim(const struct http_head *response); /* 1xx but 101: another response follows */

/* --- Editing: the new head into out, everything not named byte for byte as it was --- */

void http_without_header(const struct http_head *, const char *name, struct text *out);
/* The first becomes "name: value" in its place, further ones go; at the end when there is none. */
void http_with_header(const struct http_head *, const char *name, const char *value,
                      struct text *out);
/* Takes elements that begin with token out of the lists in these headers ("permessage-deflate" out
 * of "Sec-WebSocket-Extensions"); a header left empty goes. Returns whether anything changed. */
bool http_without_token(const struct http_head *, const char *name, const char *token,
                        struct text *out);

/* --- Building --- */

/* A response with Content-Length, Connection: close and a text body. headers: further lines, each
 * ended by CRLF, or NULL. */
void http_add_response(struct text *, int status, const char *headers, const char *body);
const char *http_status_words(int status); /* "Service Unavailable"; "" when unknown */

#endif
