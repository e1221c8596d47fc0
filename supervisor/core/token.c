#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/digest.h"
#include "base/mem.h"
#include "core/token.h"

#define MAC 16
#define AT_MOST 200
#define MARKER_LIFE_MS (24LL * 3600 * 1000)
/* Largest text that any parse has to look at. */
#define RAW_MOST (1 + 8 + AT_MOST + MAC)

/*
 * Base 32 in lower-case letters and digits: no character of it is ever
 * escaped in a URI, and one text only stands for given bytes.
 */
static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

static void
text_put(const unsigned char *in, size_t n, struct buf *out)
{
	uint32_t acc = 0;
	int bits = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		acc = acc << 8 | in[i];
		bits += 8;
		while (bits >= 5) {
			bits -= 5;
			buf_char(out, digits[acc >> bits & 31]);
		}
		acc &= (1u << bits) - 1;
	}
	if (bits > 0)
		buf_char(out, digits[acc << (5 - bits) & 31]);
}

static int
digit_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return -1;
}

/* Length of the bytes, or -1. */
static int
text_get(const char *s, unsigned char *out, size_t room)
{
	uint32_t acc = 0;
	int bits = 0, v;
	size_t n = 0;

	for (; *s != '\0'; s++) {
		v = digit_value(*s);
		if (v < 0)
			return -1;
		acc = acc << 5 | (uint32_t)v;
		bits += 5;
		if (bits < 8)
			continue;
		if (n == room)
			return -1;
		bits -= 8;
		out[n++] = (unsigned char)(acc >> bits);
		acc &= (1u << bits) - 1;
	}
	return bits >= 5 || acc != 0 ? -1 : (int)n;
}

#define BLOCK 64	/* of SHA-256 */
#define DIGEST 32

static void
mac_pad(const unsigned char *key, unsigned char with, struct buf *b)
{
	unsigned char pad[BLOCK];
	size_t i;

	for (i = 0; i < BLOCK; i++)
		pad[i] = (i < TOKEN_KEY ? key[i] : 0) ^ with;
	buf_add(b, pad, BLOCK);
}

/*
 * Binds the bytes to their kind and subject.  HMAC as RFC 2104 has it: with
 * OpenSSL's own it took a tenth of a checkpoint, since that looks up what it
 * needs by name each time.
 */
static void
mac_make(const unsigned char *key, char kind, const char *subject,
    const unsigned char *data, size_t n, unsigned char out[MAC])
{
	struct buf b = BUF_INIT;
	unsigned char sum[DIGEST];
	size_t len = strlen(subject);

	_Static_assert(TOKEN_KEY <= BLOCK, "a longer key is hashed first");
	buf_reserve(&b, BLOCK + 1 + sizeof(uint32_t) + len + n);
	mac_pad(key, 0x36, &b);
	buf_char(&b, kind);
	buf_u32be(&b, (uint32_t)len);
	buf_add(&b, subject, len);
	buf_add(&b, data, n);
	digest_sha256(b.data, b.len, sum);
	buf_reset(&b);
	mac_pad(key, 0x5c, &b);
	buf_add(&b, sum, DIGEST);
	digest_sha256(b.data, b.len, sum);
	memcpy(out, sum, MAC);
	buf_free(&b);
}

static void
seal(const unsigned char *key, char kind, const char *subject,
    struct buf *data, struct buf *out)
{
	unsigned char mac[MAC];

	mac_make(key, kind, subject, (unsigned char *)data->data, data->len,
	    mac);
	buf_add(data, mac, MAC);
	text_put((unsigned char *)data->data, data->len, out);
	buf_free(data);
}

/* Length of what was sealed, or -1. */
static int
unseal(const unsigned char *key, char kind, const char *subject,
    const char *text, unsigned char raw[RAW_MOST])
{
	unsigned char mac[MAC];
	int n;

	if (strlen(text) > RAW_MOST * 8 / 5 + 1)
		return -1;
	n = text_get(text, raw, RAW_MOST);
	if (n < MAC)
		return -1;
	n -= MAC;
	mac_make(key, kind, subject, raw, (size_t)n, mac);
	return CRYPTO_memcmp(mac, raw + n, MAC) == 0 ? n : -1;
}

static uint64_t
get_be(const unsigned char *p, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void
text_out(struct buf *text, char out[TOKEN_TEXT])
{
	if (text->len >= TOKEN_TEXT)
		abort();
	memcpy(out, text->data, text->len + 1);
	buf_free(text);
}

void
token_checkpoint(const unsigned char key[TOKEN_KEY],
    const struct checkpoint_token *t, char out[TOKEN_TEXT])
{
	struct buf data = BUF_INIT, text = BUF_INIT;

	buf_add(&data, t->execution.b, sizeof(t->execution.b));
	buf_u32be(&data, (uint32_t)t->cluster_epoch);
	buf_u32be(&data, (uint32_t)t->epoch);
	buf_u64be(&data, (uint64_t)t->seq);
	seal(key, 'T', "", &data, &text);
	text_out(&text, out);
}

int
token_checkpoint_parse(const unsigned char key[TOKEN_KEY], const char *s,
    struct checkpoint_token *t)
{
	unsigned char raw[RAW_MOST];

	if (unseal(key, 'T', "", s, raw) != 32)
		return -1;
	memcpy(t->execution.b, raw, 16);
	t->cluster_epoch = (int32_t)get_be(raw + 16, 4);
	t->epoch = (int32_t)get_be(raw + 20, 4);
	t->seq = (int64_t)get_be(raw + 24, 8);
	return 0;
}

void
token_callback(const unsigned char key[TOKEN_KEY], const struct id *id,
    int32_t ord, char out[TOKEN_TEXT])
{
	struct buf data = BUF_INIT, text = BUF_INIT;

	buf_add(&data, id->b, sizeof(id->b));
	buf_u32be(&data, (uint32_t)ord);
	seal(key, 'C', "", &data, &text);
	text_out(&text, out);
}

int
token_callback_parse(const unsigned char key[TOKEN_KEY], const char *s,
    struct id *id, int32_t *ord)
{
	unsigned char raw[RAW_MOST];

	if (unseal(key, 'C', "", s, raw) != 20)
		return -1;
	memcpy(id->b, raw, 16);
	*ord = (int32_t)get_be(raw + 16, 4);
	return 0;
}

void
token_marker(const unsigned char key[TOKEN_KEY], char kind,
    const char *subject, const char *at, int64_t now_ms, struct buf *out)
{
	struct buf data = BUF_INIT;

	if (strlen(at) > AT_MOST)
		abort();
	buf_char(&data, kind);
	buf_u64be(&data, (uint64_t)(now_ms + MARKER_LIFE_MS));
	buf_str(&data, at);
	seal(key, 'M', subject, &data, out);
}

int
token_marker_parse(const unsigned char key[TOKEN_KEY], char kind,
    const char *subject, const char *text, int64_t now_ms, char at[256])
{
	unsigned char raw[RAW_MOST];
	int n;

	n = unseal(key, 'M', subject, text, raw);
	if (n < 9 || raw[0] != (unsigned char)kind)
		return -1;
	if ((int64_t)get_be(raw + 1, 8) < now_ms)
		return -1;
	memcpy(at, raw + 9, (size_t)n - 9);
	at[n - 9] = '\0';
	return 0;
}
