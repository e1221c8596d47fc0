/*
 * api - the Lambda API: what is called (struct call), how it is answered,
 * and who may call.  A handler is one function for one operation of the
 * model; its row is in api/ops.c.
 *
 *	static void
 *	settings_done(void *arg, enum store_result r, const struct err *err)
 *	{
 *		struct call *c = arg;
 *
 *		if (r != STORE_OK)
 *			call_fail(c, err);
 *		else
 *			call_ok(c, json_pack("{s:s}", "Name", "x"));
 *	}
 *
 *	void
 *	op_put_settings(struct call *c)
 *	{
 *		const char *name = in_str(c->in, "FunctionName");
 *		...
 *		settings_begin(c->engine, name, settings_done, c);
 *	}
 *
 * The input was checked against the model before (required members, types,
 * lengths, ranges, patterns, enumerations), so a handler adds only the rules
 * that the model cannot say.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <jansson.h>

#include "base/err.h"
#include "core/arn.h"
#include "core/policy.h"
#include "flow/engine.h"
#include "net/http.h"

struct api;
struct api_op;
struct share;
struct worker;

/* ---- the server's side (role/control.c) ---- */

enum api_auth {
	API_AUTH_NONE,		/* any signature or none: the account's root */
	API_AUTH_SIGV4,
};

struct api_conf {
	struct engine *engine;
	enum api_auth auth;
	/*
	 * The secret of an access key into out (NUL-terminated, 128 bytes);
	 * false: there is no such key.  May be NULL with API_AUTH_NONE.
	 */
	bool (*secret)(void *arg, const char *key_id, char out[128]);
	void *secret_arg;
	const struct policy_set *roles;	/* of workers' code */
};

/* Keeps a copy of *conf; the engine must outlive it.  NULL: err. */
struct api *api_new(const struct api_conf *, struct err *);
/*
 * After the listeners; calls that still wait for something (the store) may be
 * ended later.
 */
void api_free(struct api *);
/* The most bytes of a body that any operation takes: for http_conf. */
size_t api_body_most(void);
size_t api_worker_body_most(void);	/* of those that workers reach */
/* http_conf.handle and .too_large of the public listener; arg is the api. */
void api_handle(void *arg, struct http_request *);
void api_handle_too_large(void *arg, struct http_request *);
/* Of workers' listeners; arg is the struct worker (pool_conf.api). */
void api_handle_worker(void *arg, struct http_request *);
void api_handle_worker_too_large(void *arg, struct http_request *);

/* ---- one call ---- */

struct call {
	struct api *api;
	struct engine *engine;
	const struct api_op *op;
	/*
	 * Every member of the input by its name in the model, wherever it
	 * came from: strings, integers, booleans, lists, objects.  Timestamps
	 * are reals (seconds since 1970).  Blobs inside a JSON body are
	 * decoded already (in_blob).  Absent and null members are not there.
	 */
	json_t *in;
	/* Of a checkpoint that is read without `in`'s members of the body. */
	struct checkpoint_body *checkpoint;
	/*
	 * The whole body of an operation whose payload member is a blob;
	 * valid until the handler returns.
	 */
	const char *payload;
	size_t payload_len;
	struct id request_id;
	char request_text[ID_TEXT];
	/* NULL on the public listener. */
	const struct worker *worker;
	struct share *share;	/* what the worker may use, or NULL */
	size_t counted;		/* bytes of it that this call holds */
	char *principal;	/* ARN of who calls */
	/* Of the handler: whatever it must find again in its callbacks. */
	void *state;

	struct http_request *req;	/* NULL once the peer has left */
	const char *action;		/* for log and metrics; a literal */
	int64_t begun_us;
	void (*gone)(void *arg);
	void *gone_arg;
	bool xml;			/* errors in the query protocol */
	bool orphan;			/* api and engine are gone */
	LIST_ENTRY(call) link;		/* in the api's calls */
};

typedef void api_handler(struct call *);

/*
 * Exactly one of the following ends a call; it is invalid then.  The peer may
 * leave earlier: the answer is thrown away, the handler need not care.
 */

/* The model's success status; takes body (NULL: none, with status 204: {}). */
void call_ok(struct call *, json_t *body);
void call_answer(struct call *, int status, json_t *body);
/* JSON text that somebody else made. */
void call_text(struct call *, int status, const char *json, size_t len);
/* Any bytes; type NULL: application/json. */
void call_raw(struct call *, int status, const char *type, const void *,
    size_t);
/*
 * AWS's error: err->code if set, else what its kind means (api/error.c).
 * Internal ones are logged here and not told.
 */
void call_fail(struct call *, const struct err *);
void call_refuse(struct call *, enum err_kind, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Ends a call whose peer has left; see call_on_gone. */
void call_drop(struct call *);

/* Headers of the answer, before it. */
void call_header(struct call *, const char *name, const char *value);
/* A header of the request; NULL: none. */
const char *call_request_header(const struct call *, const char *name);
/*
 * `gone` runs once if the peer leaves before the answer; the call goes on
 * and must still be ended (call_drop at the latest).
 */
void call_on_gone(struct call *, void (*gone)(void *arg), void *arg);

/* ---- the input ---- */

bool in_has(const json_t *, const char *name);
/* Borrowed from the call; NULL, the default or 0 when absent. */
const char *in_str(const json_t *, const char *name);
int64_t in_int(const json_t *, const char *name, int64_t otherwise);
double in_real(const json_t *, const char *name, double otherwise);
bool in_bool(const json_t *, const char *name, bool otherwise);
json_t *in_object(const json_t *, const char *name);
json_t *in_array(const json_t *, const char *name);
const void *in_blob(const json_t *, const char *name, size_t *len);

/*
 * FunctionName (any form) and Qualifier of the input, made one: qualifier is
 * "" when neither has any.  Refuses other regions, other accounts and two
 * qualifiers that differ.
 */
int call_function(const struct call *, struct arn_function *, struct err *);
/* The same of one member, without a Qualifier. */
int call_function_named(const struct call *, const char *name,
    struct arn_function *, struct err *);
/* DurableExecutionArn of the input; ours or ERR_NOT_FOUND. */
int call_execution(const struct call *, struct arn_execution *, struct err *);

/*
 * The page that was asked for: MaxItems (at most `most`, `most` when absent
 * or 0) and where to go on (`at`, "" at the start; see token_marker).
 */
struct page {
	int limit;
	char at[256];
};
int call_page(const struct call *, char kind, const char *subject, int most,
    struct page *, struct err *);
/* The marker behind `at`, for NextMarker. */
json_t *call_marker(const struct call *, char kind, const char *subject,
    const char *at);

#endif
