/**
 * The metrics of `GET /metrics`.
 *
 * `metric_names.ts` lists all of them. `MetricsPage` makes the text, in slices and at most once a
 * second: `broker_metrics.ts`, `topic_metrics.ts` and `group_metrics.ts` read counters and state into an
 * `Exposition`, which bounds the number of series and knows the format.
 *
 * @module
 */

export { EXPOSITION_TYPE } from "./exposition.ts";
export { METRICS } from "./metric_names.ts";
export { History } from "./history/history.ts";
export { MetricsPage } from "./metrics_page.ts";
export { askOtherEnds, lookUpOtherEnds, needsOtherEnds } from "./other_ends.ts";
