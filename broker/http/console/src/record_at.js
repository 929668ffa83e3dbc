/** Reads one record of a topic, whole. */

import { problemOf, send } from "./api.js";

/** The record at an offset of a partition; undefined if it is gone. */
export async function recordAt(topic, partition, offset) {
  const query = new URLSearchParams({
    offset: `${offset}:${Number(offset) + 1}`,
    partition,
    exit: "1",
  });
  const response = await send(`/topics/${encodeURIComponent(topic)}/stream?${query}`);
  if (!response.ok) throw await problemOf(response);
  const line = (await response.text()).split("\n").find((line) =>
    line.startsWith('data: {"topic"')
  );
  return line === undefined ? undefined : JSON.parse(line.slice(6));
}

/** A record with its whole value, of which lists have the beginning. */
export async function wholeRecord(record) {
  if (record.value_cut !== true) return record;
  const { topic, partition, offset } = record;
  const whole = await recordAt(topic, partition, offset);
  if (whole === undefined) {
    throw new Error(`The message at partition ${partition}, offset ${offset} is gone`);
  }
  return whole;
}
