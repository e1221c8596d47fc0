#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/metric.h"

#define METRIC_BUCKETS 14
#define METRIC_SERIES_MOST 2000

static const double metric_bounds[METRIC_BUCKETS] = { .001, .0025, .005, .01,
	.025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60 };

struct series {
	double value;	/* sum for a histogram */
	uint64_t count;
	uint64_t bucket[METRIC_BUCKETS];
};

static const struct metric_row {
	enum metric_kind kind;
	const char *name, *labels, *help;
} metric_rows[] = {
#define METRIC(id, kind, name, labels, help) { METRIC_##kind, name, labels, help },
#include "base/metric.def"
#undef METRIC
};

/* One table a process: metrics are counted from everywhere. */
static struct map *metric_maps[METRIC_COUNT];

static void
metric_label(struct buf *b, const char *name, size_t len, const char *value)
{
	const char *c;

	buf_add(b, name, len);
	buf_str(b, "=\"");
	for (c = value; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			buf_char(b, '\\');
		buf_char(b, (unsigned char)*c < 0x20 ? '_' : *c);
	}
	buf_char(b, '"');
}

/* The label part without its braces: function="f",mode="sync". */
static void
metric_key(const struct metric_row *row, const char *a, const char *b,
    struct buf *out)
{
	const char *values[2] = { a, b }, *p = row->labels;
	size_t i, len;

	for (i = 0; i < 2 && *p != '\0'; i++) {
		len = strcspn(p, ",");
		if (i > 0)
			buf_char(out, ',');
		metric_label(out, p, len, values[i] ? values[i] : "");
		p += len + (p[len] == ',');
	}
	if (out->data == NULL)
		buf_str(out, "");
}

static struct series *
metric_series(enum metric m, const char *a, const char *b)
{
	own_buf struct buf key = BUF_INIT;
	struct series *s;

	if (metric_maps[m] == NULL)
		metric_maps[m] = map_new(0x9d2c5680 + (uint64_t)m);
	if (map_count(metric_maps[m]) >= METRIC_SERIES_MOST)
		a = "_other";
	metric_key(&metric_rows[m], a, b, &key);
	s = map_gets(metric_maps[m], key.data);
	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		map_puts(metric_maps[m], key.data, s);
	}
	return s;
}

void
metric_add(enum metric m, const char *a, const char *b, double v)
{
	metric_series(m, a, b)->value += v;
}

void
metric_set(enum metric m, const char *a, const char *b, double v)
{
	metric_series(m, a, b)->value = v;
}

void
metric_observe(enum metric m, const char *a, const char *b, double seconds)
{
	struct series *s = metric_series(m, a, b);
	int i;

	s->value += seconds;
	s->count++;
	for (i = METRIC_BUCKETS - 1; i >= 0 && seconds <= metric_bounds[i]; i--)
		s->bucket[i]++;
}

static void
metric_line(struct buf *out, const char *name, const char *suffix,
    const char *key, const char *extra, double value)
{
	buf_fmt(out, "%s%s", name, suffix);
	if (*key != '\0' || *extra != '\0')
		buf_fmt(out, "{%s%s%s}", key,
		    *key != '\0' && *extra != '\0' ? "," : "", extra);
	buf_fmt(out, " %.17g\n", value);
}

static void
metric_write_series(struct buf *out, const struct metric_row *row,
    const char *key, const struct series *s)
{
	char le[32];
	int i;

	if (row->kind != METRIC_HISTOGRAM) {
		metric_line(out, row->name, "", key, "", s->value);
		return;
	}
	for (i = 0; i < METRIC_BUCKETS; i++) {
		snprintf(le, sizeof(le), "le=\"%g\"", metric_bounds[i]);
		metric_line(out, row->name, "_bucket", key, le,
		    (double)s->bucket[i]);
	}
	metric_line(out, row->name, "_bucket", key, "le=\"+Inf\"",
	    (double)s->count);
	metric_line(out, row->name, "_sum", key, "", s->value);
	metric_line(out, row->name, "_count", key, "", (double)s->count);
}

void
metric_write(struct buf *out)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };
	const struct metric_row *row;
	const void *key;
	size_t at, len;
	void *s;
	int m;

	for (m = 0; m < METRIC_COUNT; m++) {
		row = &metric_rows[m];
		buf_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", row->name,
		    row->help, row->name, kinds[row->kind]);
		if (metric_maps[m] == NULL && *row->labels == '\0')
			metric_series((enum metric)m, NULL, NULL);
		if (metric_maps[m] == NULL)
			continue;
		for (at = 0; map_next(metric_maps[m], &at, &key, &len, &s);) {
			own_buf struct buf k = BUF_INIT;

			/* a map's key has no NUL behind it */
			buf_add(&k, key, len);
			metric_write_series(out, row, k.data, s);
		}
	}
}
