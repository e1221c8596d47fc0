/*
 * metric - counters, gauges and histograms; metric.def lists them all.
 *
 * One optional label pair per metric, fixed by its row.  Values are kept in
 * the process that counts; obs/metrics.c writes them in Prometheus' text
 * form.  Labels are bounded: after 2,000 values of one metric the rest is
 * counted under "_other".
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdint.h>

#include "base/buf.h"

enum metric_kind {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,	/* seconds, 1 ms to 60 s, 14 buckets */
};

enum metric {
#define METRIC(id, kind, name, labels, help) METRIC_##id,
#include "base/metric.def"
#undef METRIC
	METRIC_COUNT
};

/*
 * `a` and `b` are the values of the row's labels, in its order; NULL where
 * the row has fewer.
 */
void metric_add(enum metric, const char *a, const char *b, double);
void metric_set(enum metric, const char *a, const char *b, double);
void metric_observe(enum metric, const char *a, const char *b, double seconds);
#define metric_inc(m, a, b) metric_add(m, a, b, 1)
/* Everything, in Prometheus' text format. */
void metric_write(struct buf *);

#endif
