#include <config.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"
#include "core/egress.h"

#define HOST_MOST 253
#define BLANKS " \t\n,"

/* ---- names and ports ---- */

struct egress_entry {
	char *host;		/* "*", "*.name", a name or an address */
	int first, last;	/* ports; 0: those of the web */
};

struct egress_list {
	struct egress_entry *entries;
	size_t n;
};

bool
egress_is_host(const char *s)
{
	struct in6_addr v6;
	size_t n = strlen(s), i;

	if (n == 0 || n > HOST_MOST)
		return false;
	if (strchr(s, ':') != NULL)
		return inet_pton(AF_INET6, s, &v6) == 1;
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    strchr("-_.", s[i]) == NULL)
			return false;
	return s[0] != '.' && s[0] != '-' && strstr(s, "..") == NULL;
}

static int
port_parse(const char **s)
{
	int n = 0;

	if (!isdigit((unsigned char)**s))
		return -1;
	while (isdigit((unsigned char)**s) && n < 65536)
		n = n * 10 + *(*s)++ - '0';
	return n > 0 && n < 65536 ? n : -1;
}

static int
ports_parse(struct egress_entry *e, const char *s)
{
	if (strcmp(s, "*") == 0) {
		e->first = 1;
		e->last = 65535;
		return 0;
	}
	e->first = e->last = port_parse(&s);
	if (e->first > 0 && *s == '-') {
		s++;
		e->last = port_parse(&s);
	}
	return *s == '\0' && e->first > 0 && e->last >= e->first ? 0 : -1;
}

/* Takes word. */
static int
entry_parse(struct egress_entry *e, char *word)
{
	char *host = word, *port;

	e->host = word;
	if (*word == '[') {
		host++;
		port = strchr(host, ']');
		if (port == NULL)
			return -1;
		*port++ = '\0';
		if (*port == '\0')
			port = NULL;
		else if (*port != ':')
			return -1;
	} else {
		port = strchr(word, ':');
	}
	if (port != NULL) {
		*port = '\0';
		if (ports_parse(e, port + 1) < 0)
			return -1;
	}
	memmove(word, host, strlen(host) + 1);
	if (strcmp(word, "*") == 0)
		return 0;
	return egress_is_host(strncmp(word, "*.", 2) == 0 ? word + 2 : word) ?
	    0 : -1;
}

struct egress_list *
egress_list_parse(const char *s, struct err *err)
{
	struct egress_list *l = xcalloc(1, sizeof(*l));
	const char *word;
	size_t n;

	for (;; s += n) {
		s += strspn(s, BLANKS);
		n = strcspn(s, BLANKS);
		if (n == 0)
			return l;
		l->entries = xreallocarray(l->entries, l->n + 1,
		    sizeof(*l->entries));
		word = s;
		l->entries[l->n] = (struct egress_entry){ NULL, 0, 0 };
		if (entry_parse(&l->entries[l->n++], xstrndup(s, n)) < 0)
			break;
	}
	err_set(err, ERR_INVALID, "%.*s is not NAME, NAME:PORT or NAME:FROM-TO",
	    (int)(n > 200 ? 200 : n), word);
	egress_list_free(l);
	return NULL;
}

void
egress_list_free(struct egress_list *l)
{
	size_t i;

	if (l == NULL)
		return;
	for (i = 0; i < l->n; i++)
		free(l->entries[i].host);
	free(l->entries);
	free(l);
}

static bool
entry_has(const struct egress_entry *e, const char *host, size_t len, int port)
{
	size_t n = strlen(e->host);

	if (e->first == 0 ? port != 80 && port != 443 :
	    port < e->first || port > e->last)
		return false;
	if (strcmp(e->host, "*") == 0)
		return true;
	if (e->host[0] == '*')
		return len > n - 1 &&
		    strncasecmp(host + len - (n - 1), e->host + 1, n - 1) == 0;
	return len == n && strncasecmp(host, e->host, n) == 0;
}

bool
egress_list_has(const struct egress_list *l, const char *host, int port)
{
	size_t i, len = strlen(host);

	/* A dot at the end only says that the name is whole. */
	if (len > 1 && host[len - 1] == '.')
		len--;
	for (i = 0; i < l->n; i++)
		if (entry_has(&l->entries[i], host, len, port))
			return true;
	return false;
}

int
egress_parse(const char *s, enum egress_mode *mode, struct egress_list **list,
    struct err *err)
{
	*list = NULL;
	s += strspn(s, BLANKS);
	if (strcmp(s, "none") == 0)
		*mode = EGRESS_NONE;
	else if (strcmp(s, "full") == 0)
		*mode = EGRESS_FULL;
	else if (strcmp(s, "proxy") == 0)
		*mode = EGRESS_PROXY;
	else if (strncmp(s, "proxy ", 6) == 0) {
		*mode = EGRESS_PROXY;
		*list = egress_list_parse(s + 6, err);
		return *list == NULL ? -1 : 0;
	} else
		return err_set(err, ERR_INVALID, "%.200s is not none, proxy, "
		    "\"proxy NAME...\" or full", s);
	return 0;
}

/* ---- addresses ---- */

struct egress_net {
	unsigned char bytes[16];	/* v4: mapped into v6 */
	int bits;
};

struct egress_nets {
	struct egress_net *list;
	size_t n;
};

#define V4(a, b, c, d, bits) \
    { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }, 96 + (bits) }

/* What no setting opens. */
static const struct egress_net never[] = {
	V4(0, 0, 0, 0, 8), V4(169, 254, 0, 0, 16), V4(224, 0, 0, 0, 4),
	V4(240, 0, 0, 0, 4),
	{ { 0xfe, 0x80 }, 10 },			/* this link */
	{ { 0xff }, 8 },
	{ { 0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54 }, 128 },
};

/* The rest that is not the internet's, by IANA's special registries. */
static const struct egress_net special[] = {
	V4(10, 0, 0, 0, 8), V4(100, 64, 0, 0, 10), V4(127, 0, 0, 0, 8),
	V4(172, 16, 0, 0, 12), V4(192, 0, 0, 0, 24), V4(192, 0, 2, 0, 24),
	V4(192, 88, 99, 0, 24), V4(192, 168, 0, 0, 16), V4(198, 18, 0, 0, 15),
	V4(198, 51, 100, 0, 24), V4(203, 0, 113, 0, 24),
	{ { 0x20, 0x01, 0, 0 }, 23 },		/* Teredo, ORCHID */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },
	{ { 0x20, 0x02 }, 16 },			/* 6to4: holds an IPv4 one */
	{ { 0x3f, 0xff, 0 }, 20 },
};
static const struct egress_net mapped = { { [10] = 0xff, [11] = 0xff }, 96 };
/* All that was ever given to the internet. */
static const struct egress_net global = { { 0x20 }, 3 };

static bool
net_has(const struct egress_net *n, const unsigned char a[16])
{
	int bytes = n->bits / 8, bits = n->bits % 8;

	if (memcmp(n->bytes, a, (size_t)bytes) != 0)
		return false;
	return bits == 0 || (n->bytes[bytes] ^ a[bytes]) >> (8 - bits) == 0;
}

static bool
nets_have(const struct egress_net *list, size_t n, const unsigned char a[16])
{
	size_t i;

	for (i = 0; i < n; i++)
		if (net_has(&list[i], a))
			return true;
	return false;
}

#define HAVE(list, a) nets_have(list, sizeof(list) / sizeof(*(list)), a)

static bool
address_bytes(const struct sockaddr *sa, unsigned char out[16])
{
	if (sa->sa_family == AF_INET) {
		memcpy(out, mapped.bytes, 12);
		memcpy(out + 12, &((const struct sockaddr_in *)(const void *)
		    sa)->sin_addr, 4);
		return true;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(out, &((const struct sockaddr_in6 *)(const void *)
	    sa)->sin6_addr, 16);
	return true;
}

/*
 * IPv4 inside IPv6 (mapped) is what the kernel connects to, so it is judged
 * as such; other ways to hide one there are not global, or are listed.
 */
enum egress_nets_kind
egress_kind(const struct egress_nets *nets, const struct sockaddr *sa)
{
	unsigned char a[16];

	if (!address_bytes(sa, a) || HAVE(never, a))
		return EGRESS_NEVER;
	if (nets != NULL && nets_have(nets->list, nets->n, a))
		return EGRESS_OPENED;
	if (!net_has(&mapped, a) && !net_has(&global, a))
		return EGRESS_SPECIAL;
	return HAVE(special, a) ? EGRESS_SPECIAL : EGRESS_PUBLIC;
}

bool
egress_address(const struct egress_nets *nets, const struct sockaddr *sa)
{
	enum egress_nets_kind kind = egress_kind(nets, sa);

	return kind == EGRESS_OPENED || kind == EGRESS_PUBLIC;
}

static int
net_parse(struct egress_net *n, const char *word)
{
	own_free char *text = xstrdup(word);
	char *slash = strchr(text, '/'), *end;
	struct in_addr v4;
	long bits = -1;

	if (slash != NULL) {
		*slash++ = '\0';
		bits = strtol(slash, &end, 10);
		if (!isdigit((unsigned char)*slash) || *end != '\0' ||
		    bits > 128)
			return -1;
	}
	if (inet_pton(AF_INET, text, &v4) == 1) {
		*n = mapped;
		memcpy(n->bytes + 12, &v4, 4);
		n->bits = bits < 0 ? 128 : 96 + (int)bits;
	} else if (inet_pton(AF_INET6, text, n->bytes) == 1) {
		n->bits = bits < 0 ? 128 : (int)bits;
	} else
		return -1;
	return n->bits <= 128 ? 0 : -1;
}

struct egress_nets *
egress_nets_parse(const char *s, struct err *err)
{
	struct egress_nets *l = xcalloc(1, sizeof(*l));
	size_t n;

	for (;; s += n) {
		own_free char *word = NULL;

		s += strspn(s, BLANKS);
		n = strcspn(s, BLANKS);
		if (n == 0)
			return l;
		word = xstrndup(s, n);
		l->list = xreallocarray(l->list, l->n + 1, sizeof(*l->list));
		if (net_parse(&l->list[l->n++], word) == 0)
			continue;
		err_set(err, ERR_INVALID, "%.100s is not a network such as "
		    "10.1.0.0/16", word);
		egress_nets_free(l);
		return NULL;
	}
}

void
egress_nets_free(struct egress_nets *l)
{
	if (l == NULL)
		return;
	free(l->list);
	free(l);
}

static void
net_write_ipv4(const struct egress_net *n, struct buf *b)
{
	unsigned char a[4];
	int i, bits = n->bits - 96;

	if (bits < 0 || !net_has(&mapped, n->bytes))
		return;
	for (i = 0; i < 4; i++) {
		a[i] = n->bytes[12 + i];
		if (bits < 8 * i + 8)
			a[i] &= (unsigned char)(bits <= 8 * i ? 0 :
			    0xff << (8 * i + 8 - bits));
	}
	buf_fmt(b, "%s%d.%d.%d.%d/%d", b->len > 0 ? ", " : "", a[0], a[1],
	    a[2], a[3], bits);
}

void
egress_nets_ipv4(const struct egress_nets *opened, enum egress_nets_kind kind,
    struct buf *b)
{
	const struct egress_net *list = kind == EGRESS_NEVER ? never :
	    kind == EGRESS_SPECIAL ? special : opened->list;
	size_t i, n = kind == EGRESS_NEVER ? sizeof(never) / sizeof(*never) :
	    kind == EGRESS_SPECIAL ? sizeof(special) / sizeof(*special) :
	    opened->n;

	for (i = 0; i < n; i++)
		net_write_ipv4(&list[i], b);
}
