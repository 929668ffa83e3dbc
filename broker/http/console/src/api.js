/** Requests to the broker. */

import { fetchSignedIn } from "./session.js";

let cluster;

/** Like `fetch`, with an error that says what is wrong if there is no answer. */
export async function send(path, options) {
  try {
    return await fetchSignedIn(path, options);
  } catch (error) {
    // Of `fetch`, if there is no answer.
    if (!(error instanceof TypeError)) throw error;
    throw new Error("The broker cannot be reached");
  }
}

/** What an answer says is wrong, with its `status`. */
export async function problemOf(response) {
  const text = await response.text();
  let message = `${response.status} ${response.statusText}`;
  try {
    message = JSON.parse(text).message;
  } catch {
    // It has no JSON.
  }
  return Object.assign(new Error(message), { status: response.status });
}

/** A result, or `fallback` if this user may not have it. */
export async function ifAllowed(result, fallback) {
  try {
    return await result;
  } catch (error) {
    if (error.status === 403) return fallback;
    throw error;
  }
}

/** Sends a request and returns the JSON of the answer. Throws with the broker's message. */
export async function request(method, path, body) {
  const response = await send(path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw await problemOf(response);
  const text = await response.text();
  return text === "" ? undefined : JSON.parse(text);
}

/** Sends a request below the cluster. */
export async function inCluster(method, path, body) {
  cluster ??= (await request("GET", "/v3/clusters")).data[0];
  return await request(method, `/v3/clusters/${cluster.cluster_id}${path}`, body);
}

/** The cluster's id. */
export async function clusterId() {
  await inCluster("GET", "/brokers");
  return cluster.cluster_id;
}

/** The metrics, as a list of `{ name, labels, value }`. */
export async function metrics() {
  const response = await send("/metrics");
  if (!response.ok) throw await problemOf(response);
  const series = [];
  for (const line of (await response.text()).split("\n")) {
    const [, name, text, value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const labels = {};
    for (const [, key, label] of (text ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[key] = label.replace(/\\(.)/g, (_, character) => character === "n" ? "\n" : character);
    }
    series.push({ name, labels, value: Number(value) });
  }
  return series;
}

/** The sum of a metric, of the series whose labels match. */
export function sum(series, name, labels = {}) {
  let total = 0;
  for (const one of series) {
    if (one.name !== name) continue;
    if (Object.entries(labels).every(([key, value]) => one.labels[key] === value)) {
      total += one.value;
    }
  }
  return total;
}

/** Calls `refresh` again and again until the page is left, never twice at a time. */
export function eachOf(ms, refresh, onLeave) {
  let isRunning = false;
  const timer = setInterval(async () => {
    if (isRunning || document.hidden) return;
    isRunning = true;
    // What is shown stays while the broker cannot be reached.
    await refresh().catch(() => {});
    isRunning = false;
  }, ms);
  onLeave(() => clearInterval(timer));
}

/** Samples of the last hour, or of all topics or groups of the last minutes; none for who may not see them. */
export async function history(query = "") {
  return (await ifAllowed(inCluster("GET", `/history?${query}`), { data: [] })).data;
}

/** The data folders of all brokers; those of a broker that does not answer are left out. */
export async function logDirs() {
  const { data } = await inCluster("GET", "/brokers");
  const all = await inParallel(data, async ({ broker_id: id }) => {
    const { data } = await inCluster("GET", `/brokers/${id}/log-dirs`).catch(() => ({ data: [] }));
    return data;
  });
  return all.flat();
}

/** Bytes of each topic on the disks of all brokers. */
export async function sizesOnDisk() {
  const sizes = new Map();
  for (const { replicas } of await logDirs()) {
    for (const { topic_name: name, size_bytes: size } of replicas) {
      sizes.set(name, (sizes.get(name) ?? 0) + size);
    }
  }
  return sizes;
}

/** Calls `run` with each item, a few at a time, and returns the results in the same order. */
export async function inParallel(items, run, most = 4) {
  const results = [];
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await run(items[at]);
    }
  }));
  return results;
}
