/**
 * What the console shows of a cluster, besides what Kafka's APIs say: problems, events, charts and disks.
 * Only this broker has them.
 *
 * @module
 */

import { examineCluster } from "../../../client/admin/cluster_examination.ts";
import { LinkedSignal } from "../../../protocol/linked_signal.ts";
import type { Call } from "../rest/call.ts";
import { badRequest } from "../rest/fields.ts";
import { list, object, type Route, STRING } from "../rest/route.ts";
import { findBroker } from "./clusters.ts";
import { type Json, LIST, resourcesOf } from "./resource.ts";

const TAG = "Observations";
const CLUSTER = "/v3/clusters/:cluster";
/** Samples of a list, for small charts: five minutes. */
const LIST_SAMPLES = 30;
/** How long an examination may take. */
const TIMEOUT_MS = 20_000;
/** How long another broker may take. */
const OTHER_TIMEOUT_MS = 2000;
/** Of requests that another broker has sent on, which are not sent on again. */
const FORWARDED = "x-dqueue-forwarded";
const KINDS = ["broker", "topic", "group"] as const;

/** The routes. */
export const OBSERVATION_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: `${CLUSTER}/health`,
    showsCluster: true,
    tag: TAG,
    summary: "Problems of the cluster, as dqueue cluster health finds them, and of this broker",
    answer: object({
      problems: list(object({ name: STRING, title: STRING, items: list(STRING) })),
    }),
    isExtension: true,
    async handle(call) {
      const { clusterId } = resourcesOf(call);
      const { context: { health, broker, closing } } = call;
      await broker.disk.refresh();
      using ended = new LinkedSignal(closing, AbortSignal.timeout(TIMEOUT_MS));
      const { controllerId, brokers, partitions, problems } = await examineCluster(
        call.admin,
        ended.signal,
      );
      const { isReady, checks, warnings } = health.check();
      const ofBroker = checks.filter(({ ok }) => !ok)
        .map(({ name, detail }) => `broker ${broker.nodeId}, ${name}: ${detail}`);
      const found = [
        ...problems,
        ...(ofBroker.length === 0
          ? []
          : [{ name: "not_ready", title: "Not ready", items: ofBroker }]),
        ...(warnings.length === 0
          ? []
          : [{ name: "metadata_store", title: "Metadata store", items: warnings }]),
      ];
      return Response.json({
        kind: "DqueueHealth",
        cluster_id: clusterId,
        healthy: found.length === 0,
        ready: isReady,
        controller: controllerId,
        brokers: brokers.map(({ id }) => id),
        partitions,
        problems: found,
      });
    },
  },
  {
    method: "GET",
    path: `${CLUSTER}/events`,
    showsCluster: true,
    tag: TAG,
    summary: "The last events of the cluster that this broker has seen, the oldest first",
    query: { after: "Only those with a larger sequence number" },
    answer: LIST,
    isExtension: true,
    handle(call) {
      const resources = resourcesOf(call);
      const { context: { events } } = call;
      const data = events.after(wholeNumber(call, "after") ?? 0).map((
        { sequence, timeMs, type, object, text, isWarning },
      ) => ({
        sequence,
        time: new Date(timeMs).toISOString(),
        type,
        object,
        text,
        is_warning: isWarning,
      }));
      return resources.list("DqueueEventList", ["events"], data);
    },
  },
  {
    method: "GET",
    path: `${CLUSTER}/history`,
    showsCluster: true,
    tag: TAG,
    summary: "What this broker did in the last hour, a sample every ten seconds",
    query: {
      kind: "broker (the default), topic, or group",
      name: "Of one topic or group; without it, the last five minutes of all",
    },
    answer: LIST,
    isExtension: true,
    async handle(call) {
      const resources = resourcesOf(call);
      const kind = KINDS.find((kind) => kind === (call.query("kind") ?? "broker"));
      if (kind === undefined) throw badRequest(`"kind" is one of ${KINDS.join(", ")}`);
      const history = await call.context.history();
      const one = kind === "broker" ? "" : call.query("name");
      const names = one === undefined ? [...history.names(kind)] : [one];
      const count = one === undefined ? LIST_SAMPLES : history.length;
      if (kind === "group" && one !== undefined && !history.has(kind, one)) {
        const data = await fromCoordinator(call, one);
        return resources.list("DqueueHistoryList", ["history"], data);
      }
      const data: Json[] = [];
      for (const name of names) {
        const series = history.series(kind, name, count);
        if (series === undefined) continue;
        data.push({
          name,
          broker_id: call.context.broker.nodeId,
          step_ms: history.stepMs,
          last: new Date(history.lastMs).toISOString(),
          series,
        });
      }
      return resources.list("DqueueHistoryList", ["history"], data);
    },
  },
  {
    method: "GET",
    path: `${CLUSTER}/brokers/:broker/log-dirs`,
    tag: TAG,
    summary: "The data folders of a broker, with the sizes of its replicas",
    answer: LIST,
    isExtension: true,
    async handle(call) {
      const resources = resourcesOf(call);
      const { id } = await findBroker(call);
      const folders = await call.admin.describeLogDirs({ brokers: [id] });
      const data = folders.map(({ path, error, totalBytes, usableBytes, replicas }) => ({
        broker_id: id,
        path,
        error: error?.message ?? null,
        total_bytes: totalBytes < 0 ? null : totalBytes,
        usable_bytes: usableBytes < 0 ? null : usableBytes,
        replicas: replicas.map(({ topic, partition, sizeBytes, offsetLag }) => ({
          topic_name: topic,
          partition_id: partition,
          size_bytes: sizeBytes,
          offset_lag: offsetLag,
        })),
      }));
      return resources.list("DqueueLogDirList", ["brokers", id, "log-dirs"], data);
    },
  },
];

/** The samples of a group that another broker coordinates, which has them; none if it does not serve HTTP. */
async function fromCoordinator(call: Call, group: string): Promise<Json[]> {
  const { context: { directory, closing }, url, request } = call;
  if (request.headers.has(FORWARDED)) return [];
  try {
    const { coordinator } = await call.admin.describeGroup(group);
    const origin = await directory.originOf(coordinator.id);
    if (origin === undefined) return [];
    using ended = new LinkedSignal(closing, AbortSignal.timeout(OTHER_TIMEOUT_MS));
    const target = `${origin}${url.pathname}${url.search}`;
    const answer = await fetch(target, {
      signal: ended.signal,
      redirect: "error",
      headers: { [FORWARDED]: "1" },
    });
    if (answer.ok) return (await answer.json()).data;
    await answer.body?.cancel();
  } catch {
    // It is away, or just starting; there is no such group.
  }
  return [];
}

function wholeNumber(call: Call, name: string): number | undefined {
  const text = call.query(name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`"${name}" is not a whole number`);
  return Number(text);
}
