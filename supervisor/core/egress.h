/*
 * egress - where a function may connect to: how it asks for it, names and
 * ports, and the addresses that nobody gets to by a name.
 */
#ifndef CORE_EGRESS_H
#define CORE_EGRESS_H

#include <stdbool.h>

#include "base/err.h"

struct buf;
struct sockaddr;
struct egress_list;
struct egress_nets;

/* A function asks by this tag: "none", "proxy", "proxy NAME...", "full". */
#define EGRESS_TAG "perdure:egress"

enum egress_mode {
	EGRESS_NONE,
	EGRESS_PROXY,	/* through our proxy, to what the list says */
	EGRESS_FULL,
};

/*
 * Names and ports, separated by blanks or commas: "api.example.com",
 * "*.example.com:443", "*:80", "192.0.2.1:8000-8999", "[2001:db8::1]:*".
 * Without a port: 80 and 443.  A "*" in front stands for names below; alone,
 * for everything.
 */
struct egress_list *egress_list_parse(const char *, struct err *);
void egress_list_free(struct egress_list *);	/* accepts NULL */
bool egress_list_has(const struct egress_list *, const char *host, int port);

/* The tag's or the setting's text; *list (or NULL) is what it narrows to. */
int egress_parse(const char *, enum egress_mode *, struct egress_list **,
    struct err *);

/*
 * Networks ("10.1.0.0/16, fd12::/48") that may be reached although they are
 * not the internet's.
 */
struct egress_nets *egress_nets_parse(const char *, struct err *);
void egress_nets_free(struct egress_nets *);	/* accepts NULL */
/*
 * Is it an address of the internet, or in one of the networks?  Never that of
 * a cloud's metadata, of this link, or of many.
 */
bool egress_address(const struct egress_nets *, const struct sockaddr *);

enum egress_nets_kind {
	EGRESS_NEVER,	/* what no setting opens */
	EGRESS_SPECIAL,	/* the rest that is not the internet's */
	EGRESS_OPENED,	/* the operator's */
	EGRESS_PUBLIC,	/* none of these */
};

/* Which one decides about it; NULL: the operator opens none. */
enum egress_nets_kind egress_kind(const struct egress_nets *,
    const struct sockaddr *);

/* Their IPv4 networks for a filter elsewhere: "10.0.0.0/8, 127.0.0.0/8". */
void egress_nets_ipv4(const struct egress_nets *, enum egress_nets_kind,
    struct buf *);

/* A host's name or address as it may be looked up. */
bool egress_is_host(const char *);

#endif
