#include <config.h>

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/digest.h"

/*
 * One a process, as it has one thread that digests: to look up the method by
 * its name and to make a context cost more than to digest what is short.
 */
static EVP_MD *digest_method;
static EVP_MD_CTX *digest_context;

void
digest_sha256(const void *p, size_t n, unsigned char out[32])
{
	if (digest_context == NULL) {
		digest_method = EVP_MD_fetch(NULL, "SHA256", NULL);
		digest_context = EVP_MD_CTX_new();
	}
	if (digest_method == NULL || digest_context == NULL ||
	    EVP_DigestInit_ex(digest_context, digest_method, NULL) != 1 ||
	    EVP_DigestUpdate(digest_context, p, n) != 1 ||
	    EVP_DigestFinal_ex(digest_context, out, NULL) != 1)
		abort();
}

void
digest_hex(const unsigned char *p, size_t n, char *out)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		*out++ = hex[p[i] >> 4];
		*out++ = hex[p[i] & 15];
	}
	*out = '\0';
}

static const char digest_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789+/";

void
digest_base64(struct buf *b, const void *data, size_t n)
{
	const unsigned char *p = data;
	unsigned v;
	char four[4];
	size_t i;

	buf_reserve(b, (n + 2) / 3 * 4);
	for (i = 0; i < n; i += 3) {
		v = (unsigned)p[i] << 16;
		v |= i + 1 < n ? (unsigned)p[i + 1] << 8 : 0;
		v |= i + 2 < n ? p[i + 2] : 0;
		four[0] = digest_alphabet[v >> 18];
		four[1] = digest_alphabet[v >> 12 & 63];
		four[2] = i + 1 < n ? digest_alphabet[v >> 6 & 63] : '=';
		four[3] = i + 2 < n ? digest_alphabet[v & 63] : '=';
		buf_add(b, four, 4);
	}
	if (n == 0)
		buf_str(b, "");
}

static int
digest_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* The last four, which may be padded. */
static int
digest_last(struct buf *b, const char *s)
{
	int pad = s[3] != '=' ? 0 : s[2] != '=' ? 1 : 2;
	unsigned char three[3];
	int v[4], i;

	for (i = 0; i < 4; i++) {
		v[i] = i < 4 - pad ? digest_value(s[i]) : 0;
		if (v[i] < 0)
			return -1;
	}
	three[0] = (unsigned char)(v[0] << 2 | v[1] >> 4);
	three[1] = (unsigned char)(v[1] << 4 | v[2] >> 2);
	three[2] = (unsigned char)(v[2] << 6 | v[3]);
	if ((pad == 2 && (v[1] & 15) != 0) || (pad == 1 && (v[2] & 3) != 0))
		return -1;
	buf_add(b, three, (size_t)(3 - pad));
	return 0;
}

int
digest_unbase64(struct buf *b, const char *s, size_t n)
{
	unsigned char values[256], a, c, e, g;
	size_t i;
	char *to;

	if (n % 4 != 0)
		return -1;
	buf_reserve(b, n / 4 * 3);
	if (n == 0) {
		buf_str(b, "");
		return 0;
	}
	/* Archives are megabytes, so four letters are four looks. */
	for (i = 0; i < sizeof(values); i++)
		values[i] = (unsigned char)digest_value((char)i);
	to = b->data + b->len;
	for (i = 0; i + 4 < n; i += 4, s += 4) {
		a = values[(unsigned char)s[0]];
		c = values[(unsigned char)s[1]];
		e = values[(unsigned char)s[2]];
		g = values[(unsigned char)s[3]];
		if ((a | c | e | g) > 63)
			return -1;
		*to++ = (char)(a << 2 | c >> 4);
		*to++ = (char)(c << 4 | e >> 2);
		*to++ = (char)(e << 6 | g);
	}
	b->len = (size_t)(to - b->data);
	return digest_last(b, s);
}
