#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>

#include "base/mem.h"
#include "base/own.h"
#include "core/sigv4_canon.h"

#define WINDOW_S 300	/* JSON and query services */
#define PRESIGNED_EARLY_S 900
#define PRESIGNED_MOST_S 604800

/* ---- reading ---- */

static int
date_parse(const char *s, int64_t *at)
{
	static const char form[] = "ddddddddTddddddZ";
	int v[6], part[] = { 0, 4, 6, 9, 11, 13 };
	struct tm tm = { 0 };

	if (strlen(s) != 16)
		return -1;
	for (int i = 0; i < 16; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s[i]) :
		    s[i] != form[i])
			return -1;
	for (int i = 0; i < 6; i++) {
		v[i] = 0;
		for (int k = 0; k < (i == 0 ? 4 : 2); k++)
			v[i] = v[i] * 10 + s[part[i] + k] - '0';
	}
	if (v[0] < 1970 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 ||
	    v[3] > 23 || v[4] > 59 || v[5] > 60)
		return -1;
	tm.tm_year = v[0] - 1900;
	tm.tm_mon = v[1] - 1;
	tm.tm_mday = v[2];
	tm.tm_hour = v[3];
	tm.tm_min = v[4];
	tm.tm_sec = v[5];
	*at = (int64_t)timegm(&tm);
	return 0;
}

void
sigv4_date(int64_t at_s, char out[17])
{
	time_t t = (time_t)at_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm);
}

static int
copy(char *out, size_t room, const char *s, size_t n)
{
	if (n == 0 || n >= room)
		return -1;
	memcpy(out, s, n);
	out[n] = '\0';
	return 0;
}

/* Four fixed parts from the right; the rest is the key's id. */
static int
credential_parse(const char *s, struct sigv4_auth *a)
{
	const char *end = s + strlen(s), *at = end, *part[4];

	for (int i = 3; i >= 0; i--) {
		while (at > s && at[-1] != '/')
			at--;
		if (at == s)
			return -1;
		part[i] = at--;
	}
	if (strcmp(part[3], "aws4_request") != 0 ||
	    copy(a->key_id, sizeof(a->key_id), s, (size_t)(at - s)) < 0 ||
	    copy(a->date, sizeof(a->date), part[0],
	    (size_t)(part[1] - part[0] - 1)) < 0 ||
	    copy(a->region, sizeof(a->region), part[1],
	    (size_t)(part[2] - part[1] - 1)) < 0 ||
	    copy(a->service, sizeof(a->service), part[2],
	    (size_t)(part[3] - part[2] - 1)) < 0)
		return -1;
	return strlen(a->date) == 8 ? 0 : -1;
}

static bool
is_signature(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

/* Lower case, in order, as they go into the canonical request unchanged. */
static bool
is_header_list(const char *s)
{
	const char *last = NULL;
	size_t lastlen = 0;

	while (*s != '\0') {
		size_t n = strcspn(s, ";");
		int order;

		if (n == 0)
			return false;
		for (size_t i = 0; i < n; i++)
			if (isupper((unsigned char)s[i]) ||
			    !isgraph((unsigned char)s[i]) || s[i] == ':')
				return false;
		if (last != NULL) {
			order = memcmp(last, s, lastlen < n ? lastlen : n);
			if (order > 0 || (order == 0 && lastlen >= n))
				return false;
		}
		last = s;
		lastlen = n;
		s += n;
		if (*s == ';' && *++s == '\0')
			return false;
	}
	return last != NULL;
}

static int
incomplete(struct err *err, const char *text)
{
	return err_code(err, ERR_DENIED, "IncompleteSignatureException", "%s",
	    text);
}

/* The value of name in "name=value, name=value"; -1: absent or too long. */
static int
field(const char *list, const char *name, char *out, size_t room)
{
	size_t len = strlen(name);

	while (*list != '\0') {
		size_t n;

		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n > len && strncmp(list, name, len) == 0 &&
		    list[len] == '=')
			return copy(out, room, list + len + 1, n - len - 1);
		list += n;
	}
	return -1;
}

static int
header_parse(const struct sigv4_request *r, const char *value,
    struct sigv4_auth *a, struct err *err)
{
	own_buf struct buf text = BUF_INIT;
	const char *list = value + strlen(SIGV4_ALGORITHM);
	const char *date = canon_find_header(r, "x-amz-date");
	char credential[400];

	if (strncmp(value, SIGV4_ALGORITHM, strlen(SIGV4_ALGORITHM)) != 0 ||
	    (*list != ' ' && *list != '\t'))
		return incomplete(err,
		    "Unsupported AWS 'algorithm' in Authorization header.");
	if (field(list, "Credential", credential, sizeof(credential)) < 0)
		buf_str(&text, "Authorization header requires 'Credential' "
		    "parameter. ");
	else if (credential_parse(credential, a) < 0)
		buf_str(&text, "Credential must have exactly 5 "
		    "slash-delimited elements, e.g. "
		    "keyid/date/region/service/term. ");
	if (field(list, "Signature", a->signature, sizeof(a->signature)) < 0)
		buf_str(&text, "Authorization header requires 'Signature' "
		    "parameter. ");
	if (field(list, "SignedHeaders", a->signed_headers,
	    sizeof(a->signed_headers)) < 0)
		buf_str(&text, "Authorization header requires "
		    "'SignedHeaders' parameter. ");
	if (date == NULL || date_parse(date, &a->at_s) < 0)
		buf_str(&text, "Authorization header requires existence of "
		    "either a 'X-Amz-Date' or a 'Date' header. ");
	if (text.len > 0) {
		text.data[text.len - 1] = '\0';
		return incomplete(err, text.data);
	}
	memcpy(a->amz_date, date, 17);
	a->session = canon_find_header(r, "x-amz-security-token") != NULL;
	return 0;
}

static const char *
parameter_find(const struct canon_parameter *p, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(p[i].name, name) == 0)
			return p[i].value;
	return NULL;
}

/* The decoded value; -1: absent or too long. */
static int
parameter_copy(const struct canon_parameter *p, int n, const char *name,
    char *out, size_t room)
{
	own_buf struct buf plain = BUF_INIT;
	const char *value = parameter_find(p, n, name);

	if (value == NULL)
		return -1;
	canon_decode(&plain, value, strlen(value));
	if (plain.len == 0 || memchr(plain.data, '\0', plain.len) != NULL)
		return -1;
	return copy(out, room, plain.data, plain.len);
}

static int
presigned_read(const struct canon_parameter *p, int n, struct sigv4_auth *a)
{
	char algorithm[32], credential[400], expires[16], *end;

	if (parameter_copy(p, n, "X-Amz-Algorithm", algorithm,
	    sizeof(algorithm)) < 0 || strcmp(algorithm, SIGV4_ALGORITHM) != 0 ||
	    parameter_copy(p, n, "X-Amz-Credential", credential,
	    sizeof(credential)) < 0 || credential_parse(credential, a) < 0 ||
	    parameter_copy(p, n, "X-Amz-Date", a->amz_date,
	    sizeof(a->amz_date)) < 0 || date_parse(a->amz_date, &a->at_s) < 0 ||
	    parameter_copy(p, n, "X-Amz-SignedHeaders", a->signed_headers,
	    sizeof(a->signed_headers)) < 0 ||
	    parameter_copy(p, n, "X-Amz-Signature", a->signature,
	    sizeof(a->signature)) < 0 ||
	    parameter_copy(p, n, "X-Amz-Expires", expires,
	    sizeof(expires)) < 0)
		return -1;
	a->expires_s = strtoll(expires, &end, 10);
	if (*end != '\0' || a->expires_s < 1 || a->expires_s > PRESIGNED_MOST_S)
		return -1;
	a->presigned = true;
	a->session = parameter_find(p, n, "X-Amz-Security-Token") != NULL;
	return 0;
}

static int
presigned_parse(const struct sigv4_request *r, struct sigv4_auth *a,
    struct err *err)
{
	struct canon_parameter p[CANON_PARAMETERS_MOST];
	int n = canon_parameters(r->query, p);
	int done;

	if (n < 0)
		return incomplete(err, "Too many query parameters.");
	if (parameter_find(p, n, "X-Amz-Signature") == NULL &&
	    parameter_find(p, n, "X-Amz-Algorithm") == NULL) {
		canon_parameters_free(p, n);
		return err_code(err, ERR_DENIED,
		    "MissingAuthenticationTokenException",
		    "Missing Authentication Token");
	}
	done = presigned_read(p, n, a);
	canon_parameters_free(p, n);
	return done == 0 ? 0 : incomplete(err, "AWS query-string parameters "
	    "must include 'X-Amz-Algorithm', 'X-Amz-Credential', "
	    "'X-Amz-Signature', 'X-Amz-SignedHeaders', 'X-Amz-Date' and "
	    "'X-Amz-Expires'. Re-examine the query-string parameters.");
}

/* Is name (any case) in the list a;b;c? */
static bool
is_signed(const struct sigv4_auth *a, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = a->signed_headers; *s != '\0';) {
		size_t n = strcspn(s, ";");

		if (n == len && strncasecmp(s, name, n) == 0)
			return true;
		s += n;
		s += *s == ';';
	}
	return false;
}

int
sigv4_parse(const struct sigv4_request *r, struct sigv4_auth *a,
    struct err *err)
{
	const char *value = canon_find_header(r, "authorization");
	int done;

	memset(a, 0, sizeof(*a));
	done = value != NULL ? header_parse(r, value, a, err) :
	    presigned_parse(r, a, err);
	if (done < 0)
		return -1;
	if (!is_signature(a->signature) || !is_header_list(a->signed_headers))
		return incomplete(err, "Authorization header has a malformed "
		    "'Signature' or 'SignedHeaders' parameter.");
	if (strncmp(a->date, a->amz_date, 8) != 0)
		return err_code(err, ERR_DENIED, "InvalidSignatureException",
		    "Date in Credential scope does not match YYYYMMDD from "
		    "ISO-8601 version of date from HTTP: '%s' != '%.8s', from "
		    "'%s'.", a->date, a->amz_date, a->amz_date);
	if (!is_signed(a, "host"))
		return err_code(err, ERR_DENIED, "InvalidSignatureException",
		    "'Host' must be a 'SignedHeader' in the AWS "
		    "Authorization.");
	for (size_t i = 0; i < r->nheaders; i++) {
		const char *name = r->headers[i].name;

		if (strncasecmp(name, "x-amz-", 6) == 0 && !is_signed(a, name))
			return err_code(err, ERR_DENIED,
			    "InvalidSignatureException", "'%.100s' must be a "
			    "'SignedHeader' in the AWS Authorization.", name);
	}
	return 0;
}

/* ---- checking ---- */

int
sigv4_scope(const struct sigv4_auth *a, const char *region,
    const char *service, int64_t now_s, struct err *err)
{
	int64_t early = a->presigned ? PRESIGNED_EARLY_S : WINDOW_S;
	int64_t late = a->presigned ? a->expires_s : WINDOW_S;
	char limit[17], now[17];

	sigv4_date(now_s, now);
	if (a->at_s + late < now_s) {
		sigv4_date(now_s - late, limit);
		return err_code(err, ERR_DENIED, "InvalidSignatureException",
		    "Signature expired: %s is now earlier than %s (%s - %lld "
		    "%s.)", a->amz_date, limit, now,
		    (long long)(late % 60 ? late : late / 60),
		    late % 60 ? "sec" : "min");
	}
	if (a->at_s > now_s + early) {
		sigv4_date(now_s + early, limit);
		return err_code(err, ERR_DENIED, "InvalidSignatureException",
		    "Signature not yet current: %s is still later than %s "
		    "(%s + %lld min.)", a->amz_date, limit, now,
		    (long long)(early / 60));
	}
	if (region != NULL && strcmp(a->region, region) != 0)
		return err_code(err, ERR_DENIED, "InvalidSignatureException",
		    "Credential should be scoped to a valid region. ");
	if (service != NULL && strcmp(a->service, service) != 0)
		return err_code(err, ERR_DENIED, "InvalidSignatureException",
		    "Credential should be scoped to correct service: '%s'. ",
		    service);
	return 0;
}

static int
mismatch(struct err *err)
{
	return err_code(err, ERR_DENIED, "InvalidSignatureException",
	    "The request signature we calculated does not match the "
	    "signature you provided. Check your AWS Secret Access Key and "
	    "signing method. Consult the service documentation for details.");
}

int
sigv4_verify(const struct sigv4_request *r, const struct sigv4_auth *a,
    const char *secret, struct err *err)
{
	own_buf struct buf canonical = BUF_INIT;
	const char *said = canon_find_header(r, "x-amz-content-sha256");
	char hash[65], made[65];

	canon_hash(r->body, r->body_len, hash);
	if (said != NULL && strcmp(said, hash) != 0)
		return mismatch(err);
	if (canon_request(&canonical, r, a->signed_headers, hash) < 0)
		return mismatch(err);
	canon_signature(secret, a->date, a->region, a->service, a->amz_date,
	    &canonical, made);
	return CRYPTO_memcmp(made, a->signature, 64) == 0 ? 0 : mismatch(err);
}

/* ---- making ---- */

static int
name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "a;b;c" of all headers of a request. */
static void
header_list(const struct sigv4_request *r, struct buf *out)
{
	char **names = xcalloc(r->nheaders + 1, sizeof(*names));

	for (size_t i = 0; i < r->nheaders; i++) {
		names[i] = xstrdup(r->headers[i].name);
		for (char *s = names[i]; *s != '\0'; s++)
			*s = (char)tolower((unsigned char)*s);
	}
	qsort(names, r->nheaders, sizeof(*names), name_compare);
	for (size_t i = 0; i < r->nheaders; i++)
		if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
			buf_fmt(out, "%s%s", i == 0 ? "" : ";", names[i]);
	for (size_t i = 0; i < r->nheaders; i++)
		free(names[i]);
	free(names);
}

void
sigv4_sign(const struct sigv4_request *r, const char *key_id,
    const char *secret, const char *region, const char *service,
    const char amz_date[17], struct buf *out)
{
	own_buf struct buf canonical = BUF_INIT;
	own_buf struct buf list = BUF_INIT;
	char hash[65], made[65], date[9];

	memcpy(date, amz_date, 8);
	date[8] = '\0';
	header_list(r, &list);
	canon_hash(r->body, r->body_len, hash);
	(void)canon_request(&canonical, r, list.data, hash);
	canon_signature(secret, date, region, service, amz_date, &canonical,
	    made);
	buf_fmt(out, SIGV4_ALGORITHM " Credential=%s/%s/%s/%s/aws4_request, "
	    "SignedHeaders=%s, Signature=%s", key_id, date, region, service,
	    list.data, made);
}
