#include <config.h>

#include <string.h>

#include "net/http_int.h"

#define STREAM_PENDING_MOST (16 * 1024 * 1024)

static const char *
status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} rows[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 206, "Partial Content" },
		{ 301, "Moved Permanently" }, { 302, "Found" },
		{ 304, "Not Modified" }, { 307, "Temporary Redirect" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 408, "Request Timeout" },
		{ 409, "Conflict" }, { 412, "Precondition Failed" },
		{ 413, "Payload Too Large" }, { 417, "Expectation Failed" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "Status";
}

/* Line ends in a value would begin a header of somebody else's choice. */
static void
headers_add(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++)
		buf_char(b, (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s);
}

void
http_set_header(struct http_request *r, const char *name, const char *value)
{
	headers_add(&r->headers, name);
	buf_str(&r->headers, ": ");
	headers_add(&r->headers, value);
	buf_str(&r->headers, "\r\n");
}

static void
answer_head(struct http_request *r, int status)
{
	struct conn *c = r->conn;

	buf_fmt(&c->out, "HTTP/1.1 %d %s\r\n", status, status_text(status));
	buf_add(&c->out, r->headers.data, r->headers.len);
	if (c->close_after)
		buf_str(&c->out, "Connection: close\r\n");
	else if (r->head.minor == 0)
		buf_str(&c->out, "Connection: keep-alive\r\n");
}

static bool
answer_is_empty(const struct http_request *r, int status)
{
	return status == 204 || status == 304 ||
	    (r->head.method != NULL && strcmp(r->head.method, "HEAD") == 0);
}

void
http_answer(struct http_request *r, int status, const void *body, size_t len)
{
	struct conn *c = r->conn;

	if (c == NULL) {
		request_free(r);
		return;
	}
	answer_head(r, status);
	if (status != 204 && status != 304)
		buf_fmt(&c->out, "Content-Length: %zu\r\n", len);
	buf_str(&c->out, "\r\n");
	if (answer_is_empty(r, status))
		len = 0;
	conn_release(c);
	c->slices = 0;
	/* Of a peer that reads nothing, answers would pile up. */
	if (conn_send(c, body, len) == 0 && !conn_count(c))
		conn_close(c);
	request_free(r);
}

void
http_drop(struct http_request *r)
{
	struct conn *c = r->conn;

	r->gone = NULL;
	if (c != NULL)
		conn_close(c);
	request_free(r);
}

void
http_stream_begin(struct http_request *r, int status)
{
	struct conn *c = r->conn;

	r->streaming = true;
	if (c == NULL)
		return;
	r->skip = answer_is_empty(r, status);
	r->chunked = r->head.minor > 0 && !r->skip;
	if (r->head.minor == 0)
		c->close_after = true;
	answer_head(r, status);
	if (r->chunked)
		buf_str(&c->out, "Transfer-Encoding: chunked\r\n");
	buf_str(&c->out, "\r\n");
	event_add(&c->wr, NULL);
}

size_t
http_stream_pending(const struct http_request *r)
{
	return r->conn == NULL ? 0 : r->conn->out.len - r->conn->out_at;
}

/*
 * Only gathers: the loop writes.  So nothing happens to the request inside
 * the call, and many small pieces make one packet.
 */
void
http_stream_add(struct http_request *r, const void *data, size_t len)
{
	struct conn *c = r->conn;

	if (c == NULL || len == 0 || r->skip)
		return;
	if (http_stream_pending(r) > STREAM_PENDING_MOST) {
		/* The reading side finds the end and tells the owner. */
		shutdown(c->fd, SHUT_RDWR);
		event_add(&c->rd, NULL);
		return;
	}
	if (c->out_at > CONN_KEEP_BYTES) {
		c->out.len -= c->out_at;
		memmove(c->out.data, c->out.data + c->out_at, c->out.len);
		c->out_at = 0;
	}
	if (r->chunked)
		buf_fmt(&c->out, "%zx\r\n", len);
	buf_add(&c->out, data, len);
	if (r->chunked)
		buf_str(&c->out, "\r\n");
	event_add(&c->wr, NULL);
}

void
http_stream_on_room(struct http_request *r, void (*room)(void *), void *arg)
{
	r->room = room;
	r->room_arg = arg;
}

void
http_stream_end(struct http_request *r)
{
	struct conn *c = r->conn;

	if (c != NULL) {
		if (r->chunked)
			buf_str(&c->out, "0\r\n\r\n");
		conn_release(c);
		conn_send(c, "", 0);
	}
	request_free(r);
}
