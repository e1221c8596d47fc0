/*
 * Who is calling.  The public listener checks signatures; a worker is known
 * by the listener it speaks on, so whatever it signs with does not matter.
 */
#include <config.h>

#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "api/private.h"
#include "base/mem.h"
#include "core/sigv4.h"
#include "flow/registry.h"
#include "pool/pool.h"

#define HEADERS_MOST 200

static int
auth_headers(const struct call *c, struct sigv4_header *out, size_t *n,
    struct err *err)
{
	*n = 0;
	while (http_header_at(c->req, (int)*n, &out[*n].name, &out[*n].value))
		if (++*n == HEADERS_MOST)
			return err_code(err, ERR_DENIED,
			    "IncompleteSignatureException",
			    "Too many headers.");
	return 0;
}

static int
auth_signature(const struct call *c, const char *service, struct err *err)
{
	const struct api_conf *conf = &c->api->conf;
	struct sigv4_header headers[HEADERS_MOST];
	struct sigv4_request r = { .headers = headers };
	struct sigv4_auth a;
	char secret[128];
	int done;

	if (auth_headers(c, headers, &r.nheaders, err) < 0)
		return -1;
	r.method = http_method(c->req);
	r.path = http_path(c->req);
	r.query = http_query(c->req);
	r.body = http_body(c->req, &r.body_len);
	/* What is cheap first: the body is hashed for known keys only. */
	if (sigv4_parse(&r, &a, err) < 0 ||
	    sigv4_scope(&a, c->engine->region, service,
	    env_wall_ms(c->engine->env) / 1000, err) < 0)
		return -1;
	if (a.session || conf->secret == NULL ||
	    !conf->secret(conf->secret_arg, a.key_id, secret))
		return err_code(err, ERR_DENIED, "UnrecognizedClientException",
		    "The security token included in the request is invalid.");
	done = sigv4_verify(&r, &a, secret, err);
	OPENSSL_cleanse(secret, sizeof(secret));
	return done;
}

static bool
ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && strncasecmp(s + len - n, end, n) == 0;
}

/*
 * Nobody else's name: an address, a name without dots, or one of those that
 * never mean a host on the internet.
 */
static bool
is_local_name(const char *host)
{
	size_t len = strcspn(host, ":");

	if (host[0] == '[' || strspn(host, "0123456789.") == len ||
	    memchr(host, '.', len) == NULL)
		return true;
	return ends_with(host, len, ".localhost") ||
	    ends_with(host, len, ".local") ||
	    ends_with(host, len, ".internal");
}

/*
 * Without signatures any page in a browser on this machine could call us:
 * from another origin, or from a name that was made to mean 127.0.0.1.
 * Clients other than browsers send no Origin.
 */
static int
auth_browser(const struct call *c, struct err *err)
{
	const char *origin = http_header(c->req, "Origin");
	const char *host = http_header(c->req, "Host");
	const char *from = origin ? strstr(origin, "://") : NULL;

	if (host != NULL && !is_local_name(host))
		return err_set(err, ERR_DENIED, "Without signatures only "
		    "local names are served, not %.100s.", host);
	if (origin != NULL && (from == NULL || host == NULL ||
	    strcasecmp(from + 3, host) != 0))
		return err_set(err, ERR_DENIED, "Without signatures pages of "
		    "%.100s may not call.", origin);
	return 0;
}

/* arn:...:role/path/name; the session's name is the function's. */
char *
auth_worker_arn(const struct api *api, const struct worker *w)
{
	const char *role = worker_role(w);
	const char *name = role ? strrchr(role, '/') : NULL;

	return xasprintf("arn:aws:sts::%s:assumed-role/%s/%s",
	    api->conf.engine->account, name ? name + 1 : "none",
	    worker_function(w));
}

int
auth_check(struct call *c, const char *service, struct err *err)
{
	if (c->worker != NULL) {
		c->principal = auth_worker_arn(c->api, c->worker);
		return 0;
	}
	c->principal = xstrdup(c->api->root);
	if (c->api->conf.auth == API_AUTH_NONE)
		return auth_browser(c, err);
	return auth_signature(c, service, err);
}
