/*
 * Where functions may connect to: names, ports, addresses.
 */
#include <config.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/own.h"
#include "core/egress.h"

static bool
has(const char *list, const char *host, int port)
{
	struct err err;
	struct egress_list *l = egress_list_parse(list, &err);
	bool found;

	if (l == NULL)
		fail_msg("%s: %s", list, err.text);
	found = egress_list_has(l, host, port);
	egress_list_free(l);
	return found;
}

static void
names_and_ports(void **state)
{
	(void)state;
	assert_true(has("a.example", "a.example", 443));
	assert_true(has("a.example", "A.Example.", 80));
	assert_false(has("a.example", "a.example", 8080));
	assert_false(has("a.example", "b.a.example", 443));
	assert_false(has("a.example", "xa.example", 443));
	assert_true(has("*.example:8080", "b.a.example", 8080));
	assert_false(has("*.example:8080", "b.a.example", 443));
	assert_false(has("*.example", "example", 443));
	assert_false(has("*.example", "badexample", 443));
	assert_true(has("x, *:1-100", "any", 100));
	assert_false(has("*:1-100", "any", 101));
	assert_true(has("*:*", "any", 65535));
	assert_true(has("192.0.2.1:5", "192.0.2.1", 5));
	assert_true(has("[2001:db8::1]:5", "2001:db8::1", 5));
	assert_true(has("[2001:db8::1]", "2001:db8::1", 443));
	assert_false(has("", "a.example", 443));
}

static void
malformed_lists_are_refused(void **state)
{
	static const char *const texts[] = { "a:0", "a:65536", "a:5-4", "a:x",
		"a:", "[::1", "[::1]x", "a b:1 c/d", "*a.example", "a..b",
		"http://a", ":443", "-a" };
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (egress_list_parse(texts[i], &err) != NULL)
			fail_msg("%s", texts[i]);
}

static bool
reaches(const char *nets, const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct err err;
	struct egress_nets *n = egress_nets_parse(nets, &err);
	bool r;

	if (n == NULL)
		fail_msg("%s: %s", nets, err.text);
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		r = egress_address(n, (struct sockaddr *)&v4);
	else {
		assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
		r = egress_address(n, (struct sockaddr *)&v6);
	}
	egress_nets_free(n);
	return r;
}

static void
only_addresses_of_the_internet(void **state)
{
	static const char *const good[] = { "1.1.1.1", "9.255.255.255",
		"11.0.0.1", "100.63.0.1", "100.128.0.1", "172.15.0.1",
		"172.32.0.1", "192.167.1.1", "223.255.255.1",
		"2606:4700:4700::1111", "2a00::1", "::ffff:1.1.1.1" };
	static const char *const bad[] = { "0.0.0.0", "10.0.0.1", "100.64.0.1",
		"100.127.255.255", "127.0.0.1", "127.255.0.1", "169.254.0.1",
		"169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1",
		"198.18.0.1", "198.19.255.1", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1",
		"::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
		"::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
		"100::1", "2001::1", "2001:db8::1", "2002:7f00:1::",
		"3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1",
		"ff02::1", "4000::1" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!reaches("", good[i]))
			fail_msg("%s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (reaches("", bad[i]))
			fail_msg("%s", bad[i]);
}

static void
networks_of_the_operator_are_opened_but_never_metadata(void **state)
{
	(void)state;
	assert_true(reaches("10.1.0.0/16", "10.1.2.3"));
	assert_true(reaches("10.1.0.0/16", "::ffff:10.1.2.3"));
	assert_false(reaches("10.1.0.0/16", "10.2.0.1"));
	assert_true(reaches("10.0.0.7", "10.0.0.7"));
	assert_false(reaches("10.0.0.7", "10.0.0.8"));
	assert_true(reaches("fd12::/16 127.0.0.0/8", "fd12::1"));
	assert_true(reaches("fd12::/16 127.0.0.0/8", "127.0.0.1"));
	assert_false(reaches("0.0.0.0/0 ::/0", "169.254.169.254"));
	assert_false(reaches("0.0.0.0/0 ::/0", "fd00:ec2::254"));
	assert_false(reaches("0.0.0.0/0 ::/0", "::ffff:169.254.169.254"));
	assert_false(reaches("0.0.0.0/0 ::/0", "fe80::1"));
	assert_true(reaches("100.64.0.0/12", "100.79.255.255"));
	assert_false(reaches("100.64.0.0/12", "100.80.0.0"));
}

static void
malformed_networks_are_refused(void **state)
{
	static const char *const texts[] = { "10.0.0.0/33", "::/129", "10.0/8",
		"a", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/8x" };
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (egress_nets_parse(texts[i], &err) != NULL)
			fail_msg("%s", texts[i]);
}

static void
written_for_a_filter_elsewhere(void **state)
{
	own_buf struct buf never = BUF_INIT, special = BUF_INIT,
	    opened = BUF_INIT;
	struct err err;
	struct egress_nets *nets = egress_nets_parse("10.1.255.7/20, fd12::/16 "
	    "192.168.1.9 ::ffff:10.2.0.0/113 0.0.0.0/0", &err);

	(void)state;
	egress_nets_ipv4(nets, EGRESS_NEVER, &never);
	egress_nets_ipv4(nets, EGRESS_SPECIAL, &special);
	egress_nets_ipv4(nets, EGRESS_OPENED, &opened);
	assert_string_equal(never.data, "0.0.0.0/8, 169.254.0.0/16, "
	    "224.0.0.0/4, 240.0.0.0/4");
	assert_non_null(strstr(special.data, "10.0.0.0/8, 100.64.0.0/10, "
	    "127.0.0.0/8, 172.16.0.0/12, "));
	assert_null(strchr(special.data, ':'));
	assert_string_equal(opened.data, "10.1.240.0/20, 192.168.1.9/32, "
	    "10.2.0.0/17, 0.0.0.0/0");
	egress_nets_free(nets);
}

static void
what_a_tag_says(void **state)
{
	struct egress_list *l;
	enum egress_mode m;
	struct err err;

	(void)state;
	assert_int_equal(egress_parse("none", &m, &l, &err), 0);
	assert_int_equal(m, EGRESS_NONE);
	assert_int_equal(egress_parse("full", &m, &l, &err), 0);
	assert_int_equal(m, EGRESS_FULL);
	assert_int_equal(egress_parse("proxy", &m, &l, &err), 0);
	assert_int_equal(m, EGRESS_PROXY);
	assert_null(l);
	assert_int_equal(egress_parse("proxy a.example b.example:1", &m, &l,
	    &err), 0);
	assert_true(egress_list_has(l, "b.example", 1));
	egress_list_free(l);
	assert_int_equal(egress_parse("", &m, &l, &err), -1);
	assert_int_equal(egress_parse("Proxy", &m, &l, &err), -1);
	assert_int_equal(egress_parse("proxy a/b", &m, &l, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_ports),
		cmocka_unit_test(malformed_lists_are_refused),
		cmocka_unit_test(only_addresses_of_the_internet),
		cmocka_unit_test(
		    networks_of_the_operator_are_opened_but_never_metadata),
		cmocka_unit_test(malformed_networks_are_refused),
		cmocka_unit_test(written_for_a_filter_elsewhere),
		cmocka_unit_test(what_a_tag_says),
	};

	return cmocka_run_group_tests_name("egress", tests, NULL, NULL);
}
