/*
 * The way out and who may what: a request to the proxy, lists of names and
 * networks, policies of roles.  The first byte says which.
 */
#include <config.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "core/egress.h"
#include "core/policy.h"
#include "net/head.h"
#include "net/proxy_int.h"
#include "tests/fuzz/fuzz.h"

static void
check_head(const char *data, size_t len)
{
	own_buf struct buf out = BUF_INIT;
	struct proxy_target t;
	size_t seen = 0;
	long n = head_find(data, len, &seen);
	const char *end;

	if (n <= 2 || proxy_head(data, (size_t)n, &t, &out) < 0)
		return;
	FUZZ_CHECK(t.host[0] != '\0' && t.port > 0 && t.port < 65536);
	if (t.tunnel) {
		FUZZ_CHECK(out.len == 0);
		return;
	}
	/* What is sent on is one head and no more. */
	end = strstr(out.data, "\r\n\r\n");
	FUZZ_CHECK(end != NULL && end + 4 == out.data + out.len);
	FUZZ_CHECK(strstr(out.data, "\r\nHost: ") ==
	    strcasestr(out.data, "\r\nHost:"));
	FUZZ_CHECK(strcasestr(out.data, "\r\nProxy-Authorization:") == NULL);
}

static void
check_list(const char *text)
{
	struct err err;
	struct egress_list *l = egress_list_parse(text, &err), *narrow;
	enum egress_mode mode;

	if (l != NULL) {
		egress_list_has(l, text, 443);
		egress_list_has(l, "a.example", 80);
	}
	egress_list_free(l);
	if (egress_parse(text, &mode, &narrow, &err) == 0)
		egress_list_free(narrow);
	egress_is_host(text);
}

static void
check_nets(const char *text)
{
	struct sockaddr_in metadata = { .sin_family = AF_INET };
	struct err err;
	struct egress_nets *n = egress_nets_parse(text, &err);

	if (n == NULL)
		return;
	metadata.sin_addr.s_addr = htonl(0xa9fea9fe);
	FUZZ_CHECK(!egress_address(n, (struct sockaddr *)&metadata));
	egress_nets_free(n);
}

static void
check_policy(const char *text, size_t len)
{
	struct err err;
	struct policy *p = policy_parse(text, len, &err);

	if (p == NULL)
		return;
	policy_decide(p, "lambda:InvokeFunction",
	    "arn:aws:lambda:us-east-1:000000000000:function:f");
	policy_decide(p, "lambda:ListFunctions", "*");
	policy_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	own_free char *text = NULL;

	if (size == 0)
		return 0;
	text = xstrndup((const char *)data + 1, size - 1);
	switch (data[0] % 4) {
	case 0:
		check_head((const char *)data + 1, size - 1);
		break;
	case 1:
		check_list(text);
		break;
	case 2:
		check_nets(text);
		break;
	default:
		check_policy((const char *)data + 1, size - 1);
	}
	return 0;
}
