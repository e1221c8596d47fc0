#include <config.h>

#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/client.h"
#include "cli/profile.h"
#include "core/sigv4.h"

#define CLIENT_HEADERS_MOST 16
#define CLIENT_BODY_MOST (256 * 1024 * 1024)

struct client {
	CURL *curl;
	struct profile profile;
	char *host;	/* host:port of the endpoint */
};

/* One transfer under way. */
struct transfer {
	const struct client *client;
	const struct request *request;
	struct reply *reply;
	bool ended;	/* by on_data */
};

struct client *
client_new(const struct args *args, struct err *err)
{
	struct client *c = xcalloc(1, sizeof *c);
	const char *host;

	if (profile_read(args, &c->profile, err) != 0) {
		free(c);
		return NULL;
	}
	host = strstr(c->profile.endpoint, "://");
	if (host == NULL ||
	    (strncmp(c->profile.endpoint, "http:", 5) != 0 &&
		strncmp(c->profile.endpoint, "https:", 6) != 0)) {
		err_code(err, ERR_INVALID, CLI_WRONG,
		    "%s is no address: http://HOST:PORT is needed",
		    c->profile.endpoint);
		client_free(c);
		return NULL;
	}
	c->host = xstrndup(host + 3, strcspn(host + 3, "/"));
	c->curl = curl_easy_init();
	if (c->curl == NULL) {
		err_set(err, ERR_INTERNAL, "libcurl cannot start");
		client_free(c);
		return NULL;
	}
	return c;
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	if (c->curl != NULL)
		curl_easy_cleanup(c->curl);
	profile_free(&c->profile);
	free(c->host);
	free(c);
}

void
reply_free(struct reply *r)
{
	buf_free(&r->head);
	buf_free(&r->body);
}

void
reply_header(const struct reply *r, const char *name, struct buf *out)
{
	const char *line = r->head.data;
	size_t len = strlen(name);

	for (; line != NULL && *line != '\0';
	     line += strcspn(line, "\n"), line += *line == '\n')
		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			line += len + 1;
			line += strspn(line, " \t");
			buf_add(out, line, strcspn(line, "\r\n"));
			return;
		}
}

/* ---- headers and signature ---- */

struct head {
	struct curl_slist *list;
	struct sigv4_header signed_[CLIENT_HEADERS_MOST];
	char *names[CLIENT_HEADERS_MOST];
	char *values[CLIENT_HEADERS_MOST];
	size_t n;
};

static void
head_free(struct head *h)
{
	while (h->n > 0) {
		h->n--;
		free(h->names[h->n]);
		free(h->values[h->n]);
	}
	curl_slist_free_all(h->list);
}

static void
head_put(struct head *h, const char *name, const char *value)
{
	own_free char *line = xasprintf("%s: %s", name, value);

	if (h->n == CLIENT_HEADERS_MOST)
		return;
	h->list = curl_slist_append(h->list, line);
	h->names[h->n] = xstrdup(name);
	h->values[h->n] = xstrdup(value);
	h->signed_[h->n] =
	    (struct sigv4_header){ h->names[h->n], h->values[h->n] };
	h->n++;
}

static void
head_fill(struct head *h, const struct client *c, const struct request *r,
    const char *date)
{
	const char *const *line = r->headers;

	head_put(h, "Host", c->host);
	head_put(h, "X-Amz-Date", date);
	if (c->profile.token != NULL)
		head_put(h, "X-Amz-Security-Token", c->profile.token);
	for (; line != NULL && *line != NULL; line++) {
		size_t len = strcspn(*line, ":");
		own_free char *name = xstrndup(*line, len);

		head_put(h, name, *line + len + strspn(*line + len, ": "));
	}
}

static void
head_sign(struct head *h, const struct client *c, const struct request *r,
    const char *date)
{
	own_buf struct buf value = BUF_INIT;
	own_free char *line = NULL;
	struct sigv4_request s = {
		.method = r->method,
		.path = r->path,
		.query = r->query,
		.headers = h->signed_,
		.nheaders = h->n,
		.body = r->body != NULL ? r->body : "",
		.body_len = r->body_len,
	};

	sigv4_sign(&s, c->profile.key_id, c->profile.secret,
	    c->profile.region, "lambda", date, &value);
	line = xasprintf("Authorization: %s", value.data);
	h->list = curl_slist_append(h->list, line);
}

/* ---- one transfer ---- */

static size_t
client_on_head(char *data, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)one;
	if (n > 5 && strncmp(data, "HTTP/", 5) == 0)
		buf_reset(&t->reply->head);
	buf_add(&t->reply->head, data, n);
	return n;
}

static size_t
client_on_body(char *data, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	long status = 0;

	(void)one;
	curl_easy_getinfo(t->client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (t->request->on_data != NULL && status < 300) {
		if (t->request->on_data(t->request->arg, data, n) == 0)
			return n;
		t->ended = true;
		return 0;
	}
	if (t->reply->body.len + n > CLIENT_BODY_MOST)
		return 0;
	buf_add(&t->reply->body, data, n);
	return n;
}

static void
client_set_up(CURL *curl, const struct request *r, struct transfer *t,
    const char *url, struct curl_slist *head)
{
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#endif
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, head);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, client_on_head);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, client_on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	if (r->body != NULL || strcmp(r->method, "GET") != 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
		    r->body != NULL ? r->body : "");
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)r->body_len);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
}

static enum err_kind
kind_of(long status, const char *code)
{
	if (strcmp(code, "CallbackTimeoutException") == 0)
		return ERR_CONFLICT;
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 408:
	case 504:
		return ERR_TIMEOUT;
	case 409:
	case 412:
		return ERR_CONFLICT;
	case 413:
		return ERR_TOO_LARGE;
	case 429:
		return ERR_LIMIT;
	case 503:
		return ERR_UNAVAILABLE;
	default:
		return status < 500 ? ERR_INVALID : ERR_INTERNAL;
	}
}

static int
client_refused(const struct reply *r, struct err *err)
{
	own_buf struct buf code = BUF_INIT;
	own_json json_t *body = NULL;
	const char *text;

	reply_header(r, "x-amzn-ErrorType", &code);
	buf_str(&code, "");
	if (code.len > 0)
		code.data[strcspn(code.data, ":")] = '\0';
	if (r->body.len > 0)
		body = json_loadb(r->body.data, r->body.len, 0, NULL);
	text = json_string_value(json_object_get(body, "Message"));
	if (text == NULL)
		text = json_string_value(json_object_get(body, "message"));
	if (text == NULL)
		text = "the server gave no reason";
	if (code.len == 0)
		buf_fmt(&code, "HTTP %ld", r->status);
	return err_set(err, kind_of(r->status, code.data), "%s: %s",
	    code.data, text);
}

static int
client_failed(const struct client *c, CURLcode code, struct err *err)
{
	return err_set(err,
	    code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE,
	    "cannot reach %s: %s%s", c->profile.endpoint,
	    curl_easy_strerror(code),
	    code == CURLE_COULDNT_CONNECT
		? " (is `perdure serve` running? --endpoint names another)"
		: "");
}

int
client_send(struct client *c, const struct request *r, struct reply *reply,
    struct err *err)
{
	struct transfer t = { c, r, reply, false };
	struct head head = { .list = NULL };
	own_free char *url = xasprintf("%s%s%s%s", c->profile.endpoint,
	    r->path, r->query != NULL && r->query[0] != '\0' ? "?" : "",
	    r->query != NULL ? r->query : "");
	char date[17];
	CURLcode code;

	buf_reset(&reply->head);
	buf_reset(&reply->body);
	sigv4_date(time(NULL), date);
	head_fill(&head, c, r, date);
	if (c->profile.key_id != NULL)
		head_sign(&head, c, r, date);
	/* What libcurl adds by itself is not wanted. */
	head.list = curl_slist_append(head.list, "Expect:");
	head.list = curl_slist_append(head.list, "Accept:");
	if (r->headers == NULL)
		head.list = curl_slist_append(head.list, "Content-Type:");
	client_set_up(c->curl, r, &t, url, head.list);
	code = curl_easy_perform(c->curl);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &reply->status);
	head_free(&head);
	if (code != CURLE_OK && !t.ended)
		return client_failed(c, code, err);
	return reply->status < 300 ? 0 : client_refused(reply, err);
}

/* ---- JSON ---- */

json_t *
client_json(struct client *c, const char *method, const char *path,
    const char *query, const json_t *body, struct err *err)
{
	static const char *const headers[] = {
		"Content-Type: application/json", NULL
	};
	own_reply struct reply reply = REPLY_INIT;
	own_free char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct request r = {
		.method = method,
		.path = path,
		.query = query,
		.headers = text != NULL ? headers : NULL,
		.body = text,
		.body_len = text != NULL ? strlen(text) : 0,
	};
	json_error_t why;
	json_t *answer;

	if (client_send(c, &r, &reply, err) != 0)
		return NULL;
	if (reply.body.len == 0)
		return json_object();
	answer = json_loadb(reply.body.data, reply.body.len,
	    JSON_ALLOW_NUL | JSON_DECODE_ANY, &why);
	if (answer == NULL)
		err_set(err, ERR_INTERNAL, "the answer is not JSON: %s",
		    why.text);
	return answer;
}

json_t *
client_list(struct client *c, const char *path, const char *query,
    const char *member, size_t most, struct err *err)
{
	json_t *all = json_array();
	own_free char *marker = NULL, *with = NULL;

	for (;;) {
		own_json json_t *page = NULL;
		const char *next;

		free(steal_ptr(&with));
		with = marker == NULL ? xstrdup(query != NULL ? query : "")
				      : url_fmt("Marker=%s", marker);
		if (marker != NULL && query != NULL && query[0] != '\0') {
			char *both = xasprintf("%s&%s", query, with);

			free(with);
			with = both;
		}
		page = client_json(c, "GET", path, with, NULL, err);
		if (page == NULL) {
			json_decref(all);
			return NULL;
		}
		json_array_extend(all, json_object_get(page, member));
		if (most > 0 && json_array_size(all) >= most)
			break;
		next = json_string_value(json_object_get(page, "NextMarker"));
		if (next == NULL || next[0] == '\0')
			break;
		free(steal_ptr(&marker));
		marker = xstrdup(next);
	}
	while (most > 0 && json_array_size(all) > most)
		json_array_remove(all, json_array_size(all) - 1);
	return json_pack("{s:o}", member, all);
}
