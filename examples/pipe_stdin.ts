/**
 * Sends each line of the standard input to a topic, as fast as the broker takes them.
 *
 * Start a broker with `deno task start`, then:
 *
 *     seq 100000 | deno run --allow-net examples/pipe_stdin.ts TOPIC [HOST:PORT]
 *
 * @module
 */

import { TextLineStream } from "@std/streams";
import { Client } from "../client/mod.ts";

const [topic, address = "localhost:9092"] = Deno.args;
if (topic === undefined) {
  console.error("Usage: pipe_stdin.ts TOPIC [HOST:PORT]");
  Deno.exit(2);
}

await using client = new Client({ brokers: address });
// The stream waits while the producer's memory is full, and closes once every line is acknowledged.
await Deno.stdin.readable
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream())
  .pipeTo(client.producer().writable(topic));
