/*
 * Is this batch of updates right?  Looks only: a batch is applied whole or
 * not at all, so every update is checked against the state that the ones
 * before it, and the timers that are due, will have made.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "core/durable_int.h"

/* An operation as the batch has made it so far. */
struct planned {
	enum op_type type;
	enum op_status status;
	const char *parent, *name, *subtype;	/* NULL: none */
	int times;		/* updates of it in this batch */
	enum op_action first;
};

struct batch {
	const struct durable_env *env;
	const struct execution *x;
	struct planned *list;	/* one for each update */
	size_t n;
	struct map *by_id;
};

static int
refuse(struct err *err, const char *sentence)
{
	return err_code(err, ERR_INVALID, INVALID_PARAMETER, "%s", sentence);
}

static enum op_status
status_by_now(const struct batch *b, const struct operation *op)
{
	const struct move_rule *rule = move_find(op->type, MOVE_DUE);
	int64_t due = op_due_ms(op);

	if (due == 0 || due > b->env->now || rule == NULL)
		return op->status;
	return rule->to;
}

/* The operation of that id, or NULL when nobody started it. */
static struct planned *
batch_find(struct batch *b, const char *id)
{
	struct planned *p = map_gets(b->by_id, id);
	const struct operation *op;

	if (p != NULL)
		return p;
	op = execution_op(b->x, id);
	if (op == NULL)
		return NULL;
	p = &b->list[b->n++];
	memset(p, 0, sizeof(*p));
	p->type = op->type;
	p->status = status_by_now(b, op);
	p->name = op->name;
	p->subtype = op->subtype;
	if (op->parent != OP_NO_PARENT)
		p->parent = b->x->ops[op->parent]->id;
	map_puts(b->by_id, id, p);
	return p;
}

static struct planned *
batch_new(struct batch *b, const struct op_update *u)
{
	struct planned *p = &b->list[b->n++];

	memset(p, 0, sizeof(*p));
	p->type = u->type;
	p->status = OP_NONE;
	p->parent = u->parent_id;
	p->name = u->name;
	p->subtype = u->subtype;
	map_puts(b->by_id, u->id, p);
	return p;
}

static int
check_executions(const struct op_update *u, size_t n, struct err *err)
{
	size_t i, many = 0;

	for (i = 0; i < n; i++)
		many += u[i].type == OP_EXECUTION;
	if (many > 1)
		return refuse(err,
		    "Cannot checkpoint multiple EXECUTION updates.");
	if (many == 1 && u[n - 1].type != OP_EXECUTION)
		return refuse(err,
		    "EXECUTION checkpoint must be the last update.");
	return 0;
}

/* Twice in a batch: only a START and then what ends it. */
static int
check_again(const struct planned *p, const struct op_update *u,
    struct err *err)
{
	bool closes = u->action == OP_SUCCEED || u->action == OP_FAIL ||
	    (u->action == OP_RETRY && u->type == OP_STEP);

	if (p->times == 0)
		return 0;
	if (p->times == 1 && p->first == OP_START && closes &&
	    (u->type == OP_STEP || u->type == OP_CONTEXT))
		return 0;
	return refuse(err,
	    "Cannot checkpoint multiple operations with the same ID.");
}

static int
check_parent(struct batch *b, const struct op_update *u, struct err *err)
{
	const struct planned *p;

	if (u->parent_id == NULL)
		return 0;
	p = batch_find(b, u->parent_id);
	if (p == NULL || p->type != OP_CONTEXT || p->status == OP_NONE)
		return refuse(err, "Invalid parent operation id.");
	return 0;
}

static bool
differs(const char *was, const char *is)
{
	return is != NULL && (was == NULL || strcmp(was, is) != 0);
}

static int
check_same(const struct planned *p, const struct op_update *u,
    struct err *err)
{
	if (p->type != u->type)
		return refuse(err, "Inconsistent operation type.");
	if (differs(p->subtype, u->subtype))
		return refuse(err, "Inconsistent operation subtype.");
	if (differs(p->name, u->name))
		return refuse(err, "Inconsistent operation name.");
	if (differs(p->parent, u->parent_id))
		return refuse(err, "Inconsistent parent operation id.");
	return 0;
}

static int
check_options(const struct op_update *u, struct err *err)
{
	if (u->type == OP_STEP && u->has_step && u->action != OP_RETRY)
		return refuse(err,
		    "Invalid StepOptions for the given action.");
	if (u->type == OP_WAIT && u->action == OP_START && u->wait_s < 1)
		return refuse(err,
		    "Invalid WaitOptions for the given action.");
	if (u->type == OP_CHAINED_INVOKE && u->target == NULL)
		return refuse(err,
		    "Invalid ChainedInvokeOptions for the given action.");
	return 0;
}

static int
check_content(const struct op_update *u, struct err *err)
{
	if (u->action == OP_RETRY && u->payload != NULL && u->error != NULL)
		return refuse(err,
		    "Cannot provide both error and payload to RETRY a STEP.");
	if (u->action == OP_FAIL && u->payload != NULL)
		return refuse(err,
		    "Cannot provide a Payload for FAIL action.");
	if (u->action == OP_SUCCEED && u->error != NULL)
		return refuse(err,
		    "Cannot provide an Error for SUCCEED action.");
	return 0;
}

/*
 * The SDKs checkpoint the EXECUTION just because its result is too large to
 * be returned (5.4), so only the execution's total bounds that one; what a
 * waiting parent can take is decided when it closes.
 */
static int
check_size(const struct op_update *u, struct err *err)
{
	const int most = DURABLE_PAYLOAD_MOST;

	if (u->type == OP_EXECUTION)
		return 0;
	if (u->payload != NULL && u->payload->len > DURABLE_PAYLOAD_MOST)
		return err_code(err, ERR_INVALID, INVALID_PARAMETER,
		    "%s %s payload size must be less than or equal to %d "
		    "bytes.", op_type_name(u->type),
		    u->action == OP_START ? "input" : "output", most);
	return durable_error_check(u->error, err);
}

static int
check_state(struct planned *p, const struct op_update *u, struct err *err)
{
	const struct move_rule *rule = move_find(u->type,
	    (enum op_move)u->action);

	if (rule == NULL)
		return refuse(err,
		    "Invalid action for the given operation type.");
	if (!move_allowed(rule, p->status))
		return refuse(err, rule->refusal);
	return 0;
}

static int
check_named(struct batch *b, const struct op_update *u, struct planned **at,
    struct err *err)
{
	struct planned *p = batch_find(b, u->id);

	if (p != NULL && check_again(p, u, err) < 0)
		return -1;
	if (check_parent(b, u, err) < 0)
		return -1;
	if (p == NULL)
		p = batch_new(b, u);
	else if (check_same(p, u, err) < 0)
		return -1;
	*at = p;
	return 0;
}

static int
check_update(struct batch *b, const struct op_update *u, struct err *err)
{
	struct planned end = { .type = OP_EXECUTION, .status = OP_STARTED };
	struct planned *p = &end;

	/* An update of the EXECUTION applies to it whatever its id is. */
	if (u->type != OP_EXECUTION && check_named(b, u, &p, err) < 0)
		return -1;
	if (check_state(p, u, err) < 0 || check_options(u, err) < 0 ||
	    check_content(u, err) < 0 || check_size(u, err) < 0)
		return -1;
	if (p->times++ == 0)
		p->first = u->action;
	p->status = move_find(u->type, (enum op_move)u->action)->to;
	return 0;
}

/* Steps cost one and one for each retry; everything else one. */
static void
cost_add(struct batch *b, const struct op_update *u, struct batch_cost *cost)
{
	if (u->type != OP_EXECUTION && map_gets(b->by_id, u->id) == NULL &&
	    execution_op(b->x, u->id) == NULL)
		cost->metered++;
	if (u->action == OP_RETRY)
		cost->metered++;
	if (u->payload != NULL)
		cost->bytes += (int64_t)u->payload->len;
	if (u->error != NULL)
		cost->bytes += (int64_t)u->error->len;
}

int
batch_check(const struct durable_env *e, const struct execution *x,
    const struct op_update *u, size_t n, struct batch_cost *cost,
    struct err *err)
{
	struct batch b = { e, x, NULL, 0, NULL };
	int result = 0;
	size_t i;

	memset(cost, 0, sizeof(*cost));
	if (n == 0)
		return 0;
	if (check_executions(u, n, err) < 0)
		return -1;
	/* An update can name two operations: its own and its parent. */
	b.list = xcalloc(2 * n, sizeof(*b.list));
	b.by_id = map_new(env_random_u64(e->env));
	for (i = 0; i < n && result == 0; i++) {
		cost_add(&b, &u[i], cost);
		result = check_update(&b, &u[i], err);
	}
	map_free(b.by_id);
	free(b.list);
	if (result == 0 && cost->bytes > DURABLE_BATCH_MOST)
		return err_code(err, ERR_INVALID, INVALID_PARAMETER,
		    "Updates must be less than or equal to %d bytes in all.",
		    DURABLE_BATCH_MOST);
	return result;
}
