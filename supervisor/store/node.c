#include <config.h>

#include <string.h>

#include "store/pgset.h"
#include "store/row.h"

struct node_call {
	struct pg_call call;
	store_node_done *done;
	void *arg;
	int64_t node;
};

/*
 * The server looked at its clock somewhere between sending and answer, which
 * bounds the offset on both sides.  What is inside of them is kept: a round
 * trip that a busy host drew out says nothing better, and an offset guessed
 * from its middle would put the records of the next seconds into the past.
 */
static void
node_clock(const struct pg_call *call, int64_t server_ms)
{
	struct env *env = call->pgs->env;
	int64_t least = server_ms * 1000 - 999 - call->answered_us;
	int64_t most = server_ms * 1000 + 999 - call->sent_us;

	if (env->db_offset_us < least)
		env->db_offset_us = least;
	else if (env->db_offset_us > most)
		env->db_offset_us = most;
}

static void
node_done(struct pg_call *call, enum store_result result,
    const struct err *err)
{
	struct node_call *c = (struct node_call *)call;
	struct store_node n = { 0 };
	struct row r = { 0 };
	struct err bad;
	const char *key;
	size_t len;

	if (result != STORE_OK) {
		c->done(c->arg, result, NULL, err);
		return;
	}
	r.res = call->stmts[0].res;
	if (pg_call_rows(call, 0) != 1) {
		err_set(&bad, ERR_INTERNAL, "table setting has no row");
		c->done(c->arg, STORE_FATAL, NULL, &bad);
		return;
	}
	node_clock(call, row_i64(&r));
	n.node = c->node;
	n.cluster_epoch = row_i32(&r);
	key = row_bytes(&r, &len);
	n.registry_rev = row_i64(&r);
	if (len != sizeof(n.key)) {
		err_set(&bad, ERR_INTERNAL, "the cluster's key is damaged");
		c->done(c->arg, STORE_FATAL, NULL, &bad);
		return;
	}
	memcpy(n.key, key, sizeof(n.key));
	call->pgs->registered = true;
	c->done(c->arg, STORE_OK, &n, NULL);
}

void
pg_node(struct store *s, int64_t node, store_node_done *done, void *arg)
{
	struct pgstore *ps = pgstore_of(s);
	struct node_call *c = pg_call_new(sizeof(*c), POINT_NODE_BEAT,
	    node_done);
	struct params *p = pg_call_stmt(&c->call, STMT_NODE_BEAT);

	c->done = done;
	c->arg = arg;
	c->node = node;
	param_i64(p, node);
	param_text(p, ps->place);
	param_bool(p, !ps->registered);
	pgset_read(ps, &c->call);
}
