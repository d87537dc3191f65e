/*
 * resp/metrics.h -- metrics for Prometheus.
 *
 * INFO is where a room says what it knows, once; the metrics are made from its lines. So a metric
 * is a row in a table: which line, which name. What is no line of INFO's (histograms, samples of
 * memory by type) metrics.c writes itself.
 *
 * The format, text 0.0.4: for each family "# HELP name text", "# TYPE name kind", then all its
 * samples, "name{label="value"} number", values escaped by \\, \" and \n.
 * Source: prometheus.io/docs/instrumenting/exposition_formats.
 */
#ifndef KV_RESP_METRICS_H
#define KV_RESP_METRICS_H

#include "resp/shared.h"

/* The lines of INFO of this room, and of those that Redis has. In metrics_table.c. */
extern const kvresp_metric metrics_own[];
extern const size_t metrics_own_count;

/* Under the configuration's lock. */
void metrics_forget(kvresp *resp, void *context);
void metrics_free(kvresp *resp);

#endif
