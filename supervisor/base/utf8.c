#include <config.h>

#include "base/utf8.h"

static bool
utf8_tail(const unsigned char *u, size_t len)
{
	size_t i;

	for (i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return false;
	return true;
}

size_t
utf8_next(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;

	if (n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		return n >= 2 && utf8_tail(u, 2) ? 2 : 0;
	if (u[0] >= 0xe0 && u[0] <= 0xef) {
		if (n < 3 || !utf8_tail(u, 3) || (u[0] == 0xe0 && u[1] < 0xa0) ||
		    (u[0] == 0xed && u[1] > 0x9f))
			return 0;
		return 3;
	}
	if (u[0] >= 0xf0 && u[0] <= 0xf4) {
		if (n < 4 || !utf8_tail(u, 4) || (u[0] == 0xf0 && u[1] < 0x90) ||
		    (u[0] == 0xf4 && u[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

bool
utf8_valid(const char *s, size_t n)
{
	size_t i = 0, len;

	while (i < n) {
		len = utf8_next(s + i, n - i);
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}
