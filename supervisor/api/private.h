/*
 * private - what the files of api/ share about the server itself.
 */
#ifndef API_PRIVATE_H
#define API_PRIVATE_H

#include "api/api.h"
#include "api/input.h"
#include "api/ops.h"
#include "api/router.h"

struct api {
	struct api_conf conf;
	struct router *router;
	struct rules *rules;
	const struct op_row **rows;	/* beside api_ops; NULL: not served */
	char root[64];			/* ARN of the account's root */
	LIST_HEAD(, call) calls;
};

/* Takes the request; parked from now on. */
struct call *call_new(struct api *, const struct worker *,
    struct http_request *);
/*
 * Charges the call, which may outlive its connection, to its worker; false:
 * the worker has too many, or too large ones.
 */
bool call_count(struct call *);
/* As call_refuse, with a text of any length. */
void call_error(struct call *, enum err_kind, const char *code,
    const char *text);

/* Lines that come over time; call_stream_end (or call_drop) ends the call. */
void call_stream_begin(struct call *, const char *type);
void call_stream_add(struct call *, const void *, size_t);
/* Bytes that the peer has not taken; `room` runs when there are none. */
size_t call_stream_pending(const struct call *);
void call_stream_on_room(struct call *, void (*room)(void *arg), void *arg);
void call_stream_end(struct call *);

/*
 * Who calls, and may it call at all?  service: the one that the path belongs
 * to.  -1: err says what is wrong with the signature.
 */
int auth_check(struct call *, const char *service, struct err *);
/* grant.c: what a worker's role does not allow is ERR_DENIED. */
int grant_check(const struct call *, const struct op_row *, struct err *);
/* ARN of the role session of the function that a worker runs. */
char *auth_worker_arn(const struct api *, const struct worker *);

/* sts.c: GetCallerIdentity, in the query protocol. */
bool sts_wants(struct http_request *);
void sts_handle(struct call *);
/* logs.c: GET /_perdure/logs */
void logs_handle(struct call *);

#endif
