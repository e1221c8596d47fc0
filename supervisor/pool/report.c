#include <config.h>

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "pool/report.h"
#include "runtime-api/context.h"

/* ---- lines ---- */

/* SystemLogLevel above INFO silences the platform's JSON records. */
static bool
report_is_silent(const struct function_version *v)
{
	const char *level = json_string_value(json_object_get(
	    json_object_get(v->config, "LoggingConfig"), "SystemLogLevel"));

	return level != NULL && strcmp(level, "WARN") == 0 &&
	    context_logs_json(v);
}

static void
json_begin(struct buf *b, const char *type, int64_t at_ms)
{
	buf_str(b, "{\"time\":\"");
	buf_time(b, at_ms);
	buf_fmt(b, "\",\"type\":\"%s\",\"record\":{", type);
}

static void
json_text(struct buf *b, const char *name, const char *value)
{
	if (b->data[b->len - 1] != '{')
		buf_char(b, ',');
	buf_fmt(b, "\"%s\":", name);
	buf_json(b, value, strlen(value));
}

static void
line_out(struct wlog *l, const struct function_version *v, struct buf *b)
{
	if (!report_is_silent(v))
		wlog_platform(l, b->data, b->len);
}

void
report_start_up(struct wlog *l, const struct function_version *v,
    const char *phase, int64_t at_ms)
{
	own_buf struct buf b = BUF_INIT;
	const char *runtime = v->runtime == NULL ? "" : v->runtime;

	if (context_logs_json(v)) {
		json_begin(&b, phase == NULL ? "platform.restoreStart" :
		    "platform.initStart", at_ms);
		if (phase != NULL) {
			json_text(&b, "initializationType", "on-demand");
			json_text(&b, "phase", phase);
		}
		json_text(&b, "runtimeVersion", runtime);
		json_text(&b, "functionName", v->function);
		json_text(&b, "functionVersion", v->version);
		buf_str(&b, "}}");
	} else
		buf_fmt(&b, "%s Runtime Version: %s\tRuntime Version "
		    "ARN: arn:aws:lambda:::runtime:%s", phase == NULL ?
		    "RESTORE_START" : "INIT_START", runtime, runtime);
	line_out(l, v, &b);
}

void
report_restored(struct wlog *l, const struct function_version *v,
    const char *failed, double ms, int64_t at_ms)
{
	own_buf struct buf b = BUF_INIT;

	if (context_logs_json(v)) {
		json_begin(&b, "platform.restoreReport", at_ms);
		json_text(&b, "status", failed == NULL ? "success" : failed);
		buf_fmt(&b, ",\"metrics\":{\"durationMs\":%.3f}}}", ms);
	} else
		buf_fmt(&b, "RESTORE_REPORT Restore Duration: %.2f ms%s%s", ms,
		    failed == NULL ? "" : "\tStatus: ",
		    failed == NULL ? "" : failed);
	line_out(l, v, &b);
}

void
report_start(struct wlog *l, const struct report *r)
{
	own_buf struct buf b = BUF_INIT;
	char id[ID_TEXT];

	id_text(r->request, id);
	if (context_logs_json(r->version)) {
		json_begin(&b, "platform.start", r->at_ms);
		json_text(&b, "requestId", id);
		json_text(&b, "functionArn", r->version->function);
		json_text(&b, "version", r->version->version);
		if (r->tenant != NULL)
			json_text(&b, "tenantId", r->tenant);
		buf_str(&b, "}}");
	} else
		buf_fmt(&b, "START RequestId: %s Version: %s", id,
		    r->version->version);
	line_out(l, r->version, &b);
}

static void
report_end_json(struct wlog *l, const struct report *r, const char *id)
{
	own_buf struct buf b = BUF_INIT;

	json_begin(&b, "platform.report", r->at_ms);
	json_text(&b, "requestId", id);
	json_text(&b, "status", r->status);
	if (r->error_type != NULL)
		json_text(&b, "errorType", r->error_type);
	buf_fmt(&b, ",\"metrics\":{\"durationMs\":%.3f,\"billedDurationMs\":"
	    "%.0f,\"memorySizeMB\":%d", r->ms, ceil(r->ms),
	    r->version->memory_mb);
	if (r->memory_most > 0)
		buf_fmt(&b, ",\"maxMemoryUsedMB\":%llu",
		    (unsigned long long)(r->memory_most >> 20));
	if (r->init_ms >= 0 && r->restored)
		buf_fmt(&b, ",\"restoreDurationMs\":%.3f,"
		    "\"billedRestoreDurationMs\":%.0f", r->init_ms,
		    ceil(r->init_ms));
	else if (r->init_ms >= 0)
		buf_fmt(&b, ",\"initDurationMs\":%.3f", r->init_ms);
	buf_str(&b, "}}}");
	line_out(l, r->version, &b);
}

void
report_end(struct wlog *l, const struct report *r)
{
	own_buf struct buf b = BUF_INIT;
	char id[ID_TEXT];

	id_text(r->request, id);
	if (context_logs_json(r->version)) {
		report_end_json(l, r, id);
		return;
	}
	buf_fmt(&b, "END RequestId: %s", id);
	line_out(l, r->version, &b);
	buf_reset(&b);
	buf_fmt(&b, "REPORT RequestId: %s\tDuration: %.2f ms\t"
	    "Billed Duration: %.0f ms\tMemory Size: %d MB\t", id, r->ms,
	    ceil(r->ms), r->version->memory_mb);
	if (r->memory_most > 0)
		buf_fmt(&b, "Max Memory Used: %llu MB\t",
		    (unsigned long long)(r->memory_most >> 20));
	if (r->init_ms >= 0 && r->restored)
		buf_fmt(&b, "Restore Duration: %.2f ms\tBilled Restore "
		    "Duration: %.0f ms\t", r->init_ms, ceil(r->init_ms));
	else if (r->init_ms >= 0)
		buf_fmt(&b, "Init Duration: %.2f ms\t", r->init_ms);
	if (strcmp(r->status, "success") != 0)
		buf_fmt(&b, "Status: %s\t", r->status);
	if (r->error_type != NULL && strcmp(r->status, "error") == 0)
		buf_fmt(&b, "Error Type: %s\t", r->error_type);
	line_out(l, r->version, &b);
}

void
report_timed_out(struct wlog *l, const struct report *r)
{
	own_buf struct buf b = BUF_INIT;
	char id[ID_TEXT];

	id_text(r->request, id);
	buf_time(&b, r->at_ms);
	buf_fmt(&b, " %s Task timed out after %d.00 seconds", id,
	    r->version->timeout_s);
	wlog_platform(l, b.data, b.len);
}

/* ---- errors ---- */

static struct blob *error_blob(const char *type, const struct id *,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Where there is an id the text begins with it, as AWS's does. */
static struct blob *
error_blob(const char *type, const struct id *id, const char *fmt, ...)
{
	own_buf struct buf text = BUF_INIT, b = BUF_INIT;
	char id_chars[ID_TEXT], room[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(room, sizeof(room), fmt, ap);
	va_end(ap);
	if (id != NULL) {
		id_text(*id, id_chars);
		buf_fmt(&text, "RequestId: %s Error: ", id_chars);
	}
	buf_str(&text, room);
	buf_str(&b, "{\"errorType\":");
	buf_json(&b, type, strlen(type));
	buf_str(&b, ",\"errorMessage\":");
	buf_json(&b, text.data, text.len);
	buf_str(&b, "}");
	return blob_new(b.data, b.len);
}

struct blob *
report_timeout_error(const struct id *id, int timeout_s, const char **type)
{
	*type = "Sandbox.Timedout";
	return error_blob(*type, id, "Task timed out after %d.00 seconds",
	    timeout_s);
}

struct blob *
report_restore_timeout_error(const char **type)
{
	*type = "SnapStartTimeoutException";
	return error_blob(*type, NULL, "Lambda couldn't restore the snapshot "
	    "within the timeout limit.");
}

/* Names as Go's, in which AWS's texts are made. */
static const char *
signal_text(int sig)
{
	static const struct {
		int sig;
		const char *text;
	} rows[] = {
		{ SIGHUP, "hangup" }, { SIGINT, "interrupt" },
		{ SIGQUIT, "quit" }, { SIGILL, "illegal instruction" },
		{ SIGTRAP, "trace/breakpoint trap" }, { SIGABRT, "aborted" },
		{ SIGBUS, "bus error" }, { SIGFPE, "floating point exception" },
		{ SIGKILL, "killed" }, { SIGSEGV, "segmentation fault" },
		{ SIGPIPE, "broken pipe" }, { SIGALRM, "alarm clock" },
		{ SIGTERM, "terminated" }, { SIGSYS, "bad system call" },
		{ SIGXCPU, "CPU time limit exceeded" },
		{ SIGXFSZ, "file size limit exceeded" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].sig == sig)
			return rows[i].text;
	return NULL;
}

struct blob *
report_exit_error(const struct id *id, const struct broker_gone *g,
    const char **type)
{
	int sig = WIFSIGNALED(g->status) ? WTERMSIG(g->status) : 0;
	const char *name;

	*type = g->out_of_memory ? "Runtime.OutOfMemory" : "Runtime.ExitError";
	if (g->out_of_memory)
		return error_blob(*type, id, "Runtime exited with error: "
		    "signal: killed");
	if (sig == 0 && WEXITSTATUS(g->status) == 0)
		return error_blob(*type, id, "Runtime exited without "
		    "providing a reason");
	if (sig == 0)
		return error_blob(*type, id, "Runtime exited with error: exit "
		    "status %d", WEXITSTATUS(g->status));
	name = signal_text(sig);
	if (name == NULL)
		return error_blob(*type, id, "Runtime exited with error: "
		    "signal: signal %d", sig);
	return error_blob(*type, id, "Runtime exited with error: signal: %s",
	    name);
}

struct blob *
report_too_large_error(int most, const char **type)
{
	*type = "Function.ResponseSizeTooLarge";
	return error_blob(*type, NULL, "Response payload size exceeded maximum "
	    "allowed payload size (%d bytes).", most);
}

struct blob *
report_start_error(const struct id *id, const char *why, const char **type)
{
	*type = "Runtime.InvalidEntrypoint";
	return error_blob(*type, id, "The worker could not be started: %s",
	    why);
}
