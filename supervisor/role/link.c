#include <config.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "role/link.h"

struct link_frame {
	struct msg_out out;
	struct link_frame *next;
};

void
link_init(struct link *l)
{
	l->fd = -1;
	l->first = NULL;
	l->last = &l->first;
}

void
link_open(struct link *l, int fd)
{
	link_close(l);
	l->fd = fd;
}

static void
link_drop_first(struct link *l)
{
	struct link_frame *f = l->first;
	int i;

	l->first = f->next;
	if (l->first == NULL)
		l->last = &l->first;
	for (i = 0; i < f->out.nfds; i++)
		close(f->out.fds[i]);
	msg_out_free(&f->out);
	free(f);
}

void
link_close(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	while (l->first != NULL)
		link_drop_first(l);
}

static void
link_keep(struct link *l, struct msg_out *m)
{
	struct link_frame *f = xcalloc(1, sizeof(*f));
	int i;

	f->out = *m;
	*m = (struct msg_out){ 0 };
	for (i = 0; i < f->out.nfds; i++)
		f->out.fds[i] = fcntl(f->out.fds[i], F_DUPFD_CLOEXEC, 0);
	*l->last = f;
	l->last = &f->next;
}

int
link_send(struct link *l, struct msg_out *m, struct err *err)
{
	if (l->fd < 0) {
		msg_out_free(m);
		return err_set(err, ERR_UNAVAILABLE, "control is not there");
	}
	if (l->first == NULL && msg_send(l->fd, m, err) == 0) {
		msg_out_free(m);
		return 0;
	}
	if (l->first == NULL && err->kind != ERR_UNAVAILABLE) {
		msg_out_free(m);
		return -1;
	}
	link_keep(l, m);
	return 0;
}

int
link_flush(struct link *l, struct err *err)
{
	struct msg_out *m;
	int i, nfds, fds[MSG_FDS_MOST];

	while (l->first != NULL) {
		m = &l->first->out;
		nfds = m->nfds;
		for (i = 0; i < nfds; i++)
			fds[i] = m->fds[i];
		if (msg_send(l->fd, m, err) < 0)
			return err->kind == ERR_UNAVAILABLE ? 0 : -1;
		for (i = 0; i < nfds; i++)
			close(fds[i]);
		link_drop_first(l);
	}
	return 0;
}

int
link_waits(const struct link *l)
{
	return l->fd >= 0 && l->first != NULL;
}
