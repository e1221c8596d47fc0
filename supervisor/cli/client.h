/*
 * client - blocking calls of the API: built, signed, sent, errors read.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/cli.h"

struct client;

/* A request; path and query are encoded already (url_add). */
struct request {
	const char *method;
	const char *path;
	const char *query;	/* without '?'; NULL: none */
	const char *const *headers;	/* "Name: value", NULL ends; or NULL */
	const void *body;
	size_t body_len;
	/*
	 * Gets each piece of a good answer's body instead of reply.body;
	 * anything but 0 ends the transfer, which is then no error.
	 */
	int (*on_data)(void *arg, const char *, size_t);
	void *arg;
};

struct reply {
	long status;
	struct buf head;
	struct buf body;
};

#define REPLY_INIT { 0, BUF_INIT, BUF_INIT }
#define own_reply __attribute__((cleanup(reply_free)))
void reply_free(struct reply *);
/* Value of a header into out (empty when it is not there). */
void reply_header(const struct reply *, const char *name, struct buf *out);

struct client *client_new(const struct args *, struct err *);
void client_free(struct client *);
static inline void
own_cleanup_client(struct client **c)
{
	client_free(*c);
}
#define own_client __attribute__((cleanup(own_cleanup_client)))

/* A status of 300 and above is an error that carries AWS's name and text. */
int client_send(struct client *, const struct request *, struct reply *,
    struct err *);
/*
 * JSON there and back; body may be NULL and is not taken.  An empty answer
 * is an empty object.  The caller owns the result.
 */
json_t *client_json(struct client *, const char *method, const char *path,
    const char *query, const json_t *body, struct err *);
/*
 * All pages of a list operation as {"member": [...]}, at most `most` entries
 * (0: all).
 */
json_t *client_list(struct client *, const char *path, const char *query,
    const char *member, size_t most, struct err *);

/* Adds text, percent-encoded as one path segment or query value. */
void url_add(struct buf *, const char *);
/* printf for paths: every %s is encoded. */
char *url_fmt(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline void
own_cleanup_json(json_t **j)
{
	json_decref(*j);
}
#define own_json __attribute__((cleanup(own_cleanup_json)))

#endif
