/*
 * What is signed: the canonical request and its signature.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/own.h"
#include "core/sigv4_canon.h"

static bool
unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	    c == '~';
}

static void
encode(struct buf *out, const char *s, size_t n, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (unreserved(c) || (keep_slash && c == '/')) {
			buf_char(out, (char)c);
			continue;
		}
		buf_char(out, '%');
		buf_char(out, digits[c >> 4]);
		buf_char(out, digits[c & 15]);
	}
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A malformed escape stays as it is. */
void
canon_decode(struct buf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && n - i > 2 && nibble(s[i + 1]) >= 0 &&
		    nibble(s[i + 2]) >= 0) {
			buf_char(out, (char)(nibble(s[i + 1]) << 4 |
			    nibble(s[i + 2])));
			i += 2;
		} else {
			buf_char(out, s[i]);
		}
	}
}

static int
parameter_compare(const void *a, const void *b)
{
	const struct canon_parameter *p = a, *q = b;
	int order = strcmp(p->name, q->name);

	return order ? order : strcmp(p->value, q->value);
}

static char *
normalise(const char *s, size_t n)
{
	own_buf struct buf plain = BUF_INIT;
	struct buf out = BUF_INIT;

	canon_decode(&plain, s, n);
	encode(&out, plain.data, plain.len, false);
	return buf_steal(&out);
}

void
canon_parameters_free(struct canon_parameter *p, int n)
{
	for (int i = 0; i < n; i++) {
		free(p[i].name);
		free(p[i].value);
	}
}

int
canon_parameters(const char *query,
    struct canon_parameter out[CANON_PARAMETERS_MOST])
{
	int n = 0;

	for (const char *s = query; s != NULL && *s != '\0';) {
		size_t len = strcspn(s, "&");
		const char *eq = memchr(s, '=', len);
		size_t name = eq != NULL ? (size_t)(eq - s) : len;

		if (len > 0) {
			if (n == CANON_PARAMETERS_MOST) {
				canon_parameters_free(out, n);
				return -1;
			}
			out[n].name = normalise(s, name);
			out[n].value = eq != NULL ?
			    normalise(eq + 1, len - name - 1) : xstrdup("");
			n++;
		}
		s += len;
		s += *s == '&';
	}
	return n;
}

static int
canonical_query(struct buf *out, const char *query)
{
	struct canon_parameter p[CANON_PARAMETERS_MOST];
	int n = canon_parameters(query, p);
	bool first = true;

	if (n < 0)
		return -1;
	if (n > 1)
		qsort(p, (size_t)n, sizeof(p[0]), parameter_compare);
	for (int i = 0; i < n; i++) {
		if (strcmp(p[i].name, "X-Amz-Signature") == 0)
			continue;
		buf_fmt(out, "%s%s=%s", first ? "" : "&", p[i].name,
		    p[i].value);
		first = false;
	}
	canon_parameters_free(p, n);
	return 0;
}

/* Trimmed, inner runs of white space made one space. */
static void
canonical_value(struct buf *out, const char *value)
{
	bool space = false, any = false;

	for (const char *s = value; *s != '\0'; s++) {
		if (*s == ' ' || *s == '\t') {
			space = any;
			continue;
		}
		if (space)
			buf_char(out, ' ');
		buf_char(out, *s);
		space = false;
		any = true;
	}
}

static void
canonical_header(struct buf *out, const struct sigv4_request *r,
    const char *name, size_t len)
{
	bool first = true;

	buf_add(out, name, len);
	buf_char(out, ':');
	for (size_t i = 0; i < r->nheaders; i++) {
		const char *have = r->headers[i].name;

		if (strlen(have) != len || strncasecmp(have, name, len) != 0)
			continue;
		if (!first)
			buf_char(out, ',');
		canonical_value(out, r->headers[i].value);
		first = false;
	}
	buf_char(out, '\n');
}

const char *
canon_find_header(const struct sigv4_request *r, const char *name)
{
	for (size_t i = 0; i < r->nheaders; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

int
canon_request(struct buf *out, const struct sigv4_request *r,
    const char *signed_headers, const char *payload_hash)
{
	buf_fmt(out, "%s\n", r->method);
	if (r->path[0] == '\0')
		buf_char(out, '/');
	encode(out, r->path, strlen(r->path), true);
	buf_char(out, '\n');
	if (canonical_query(out, r->query) < 0)
		return -1;
	buf_char(out, '\n');
	for (const char *s = signed_headers; *s != '\0';) {
		size_t len = strcspn(s, ";");

		canonical_header(out, r, s, len);
		s += len;
		s += *s == ';';
	}
	buf_fmt(out, "\n%s\n%s", signed_headers, payload_hash);
	return 0;
}

/* ---- its signature ---- */

void
canon_hash(const void *data, size_t len, char out[65])
{
	unsigned char sum[32];

	digest_sha256(len > 0 ? data : "", len, sum);
	digest_hex(sum, sizeof(sum), out);
}

static void
hmac(const void *key, size_t keylen, const void *data, size_t len,
    unsigned char out[32])
{
	unsigned int n = 32;

	if (HMAC(EVP_sha256(), key, (int)keylen, data, len, out, &n) == NULL)
		abort();
}

void
canon_signature(const char *secret, const char *date, const char *region,
    const char *service, const char *amz_date, const struct buf *canonical,
    char out[65])
{
	own_buf struct buf text = BUF_INIT;
	own_buf struct buf start = BUF_INIT;
	unsigned char key[32], next[32];
	char hash[65];

	canon_hash(canonical->data, canonical->len, hash);
	buf_fmt(&text, SIGV4_ALGORITHM "\n%s\n%s/%s/%s/aws4_request\n%s",
	    amz_date, date, region, service, hash);
	buf_fmt(&start, "AWS4%s", secret);
	hmac(start.data, start.len, date, strlen(date), key);
	hmac(key, 32, region, strlen(region), next);
	hmac(next, 32, service, strlen(service), key);
	hmac(key, 32, "aws4_request", 12, next);
	hmac(next, 32, text.data, text.len, key);
	digest_hex(key, 32, out);
	OPENSSL_cleanse(start.data, start.len);
	OPENSSL_cleanse(next, sizeof(next));
}
