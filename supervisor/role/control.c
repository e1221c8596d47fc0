#include <config.h>

#include <poll.h>
#include <signal.h>

#include "base/log.h"
#include "role/config.h"
#include "role/control.h"
#include "role/lockdown.h"
#include "role/roles.h"
#include "role/serve.h"

/* The next frame from main; 0: main is gone. */
static int
control_wait_frame(int link, struct msg_in *m, struct err *err)
{
	struct pollfd p = { .fd = link, .events = POLLIN };
	int gone = 0, r;

	do {
		if (poll(&p, 1, -1) < 0)
			return err_sys(err, "poll");
		r = msg_recv(link, MSG_FROM_MAIN, m, &gone, err);
	} while (r == 0 && !gone);
	return r;
}

static int
control_configure(int link, struct config *config, struct err *err)
{
	struct msg_in m;
	int r = control_wait_frame(link, &m, err);

	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_UNAVAILABLE,
		    "main is gone");
	if (m.kind != MSG_CONFIG)
		r = err_set(err, ERR_INVALID, "%s before CONFIG",
		    msg_name(m.kind));
	else
		r = config_receive(config, &m, err);
	msg_in_free(&m);
	return r;
}

int
control_main(int link_fd, int api_fd, int admin_fd)
{
	struct config *config = config_new();
	struct serve_conf conf = { link_fd, api_fd, admin_fd, config, NULL };
	struct policy_set *roles = NULL;
	struct err err;
	int r;

	log_init("control", LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	r = control_configure(link_fd, config, &err);
	if (r == 0) {
		log_init("control", (enum log_level)log_level_parse(
		    config_text(config, "log.level")));
		/* While it may still read them. */
		conf.roles = roles = roles_load(config);
		r = lockdown_control(config, &err);
	}
	if (r == 0)
		r = serve_run(&conf, &err);
	if (r < 0)
		log_error("control ends reason=\"%s\"", err.text);
	policy_set_free(roles);
	config_free(config);
	if (r < 0 && err.kind == ERR_CONFLICT)
		return CONTROL_EXIT_REFUSED;
	return r < 0 ? CONTROL_EXIT_FATAL : 0;
}
