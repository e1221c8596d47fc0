#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "worker/order.h"

int
order_read(struct spec *spec, struct err *err)
{
	own_free char *data = xmalloc(SPEC_BYTES_MOST);
	int router = -1;
	ssize_t n;

	do
		n = spec_receive(SPEC_FD, data, SPEC_BYTES_MOST, &router);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return err_sys(err, "read spec");
	if (n > SPEC_BYTES_MOST)
		return err_set(err, ERR_TOO_LARGE, "spec of %zd bytes", n);
	if (spec_read(spec, data, (size_t)n, err) < 0)
		return -1;
	spec->router = router;
	return 0;
}

void
order_failed(const struct err *e)
{
	struct spec_report report = { .kind = REPORT_FAILED,
		.value = e->kind };
	struct err ignored;

	snprintf(report.text, sizeof(report.text), "%.239s", e->text);
	spec_report_send(SPEC_FD, &report, NULL, 0, &ignored);
}
