/**
 * Streams as Server-Sent Events.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";
import type { StreamFormat, StreamNotice } from "./stream_event.ts";

/** How long a browser waits before it connects again. */
const RETRY_MS = 1000;
const RETRY_IF_FULL_MS = 5000;
/** How often a quiet stream shows that it is alive: proxies cut after 30 to 60 s. */
const HEARTBEAT_MS = 15_000;
/** How long a reader may take nothing while there is something for it. */
const MAX_STALL_MS = 30_000;

const ENCODER = new TextEncoder();
const HEARTBEAT = ENCODER.encode(": hb\n\n");

const HEADERS = {
  "content-type": "text/event-stream",
  // Some runtimes and proxies would compress, and so hold back, what is meant to flow.
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
};

/** The format: one event for each record, or for all that come together. */
export function sseFormat(isBatched: boolean): StreamFormat {
  return {
    name: isBatched ? "sse-batch" : "sse",
    records(records) {
      let text = "";
      if (isBatched) {
        const last = records.at(-1)!;
        text = `id: ${last.id}\ndata: [${records.map(({ json }) => json).join(",")}]\n\n`;
      } else {
        for (const { id, json } of records) text += `id: ${id}\ndata: ${json}\n\n`;
      }
      return ENCODER.encode(text);
    },
    notice({ name, data, id }: StreamNotice) {
      const head = id === undefined ? "" : `id: ${id}\n`;
      return ENCODER.encode(`${head}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    },
  };
}

/** The answer to a reader for which there is no room: it tries again later. */
export function fullResponse(): Response {
  return new Response(`retry: ${RETRY_IF_FULL_MS}\n\n`, { headers: HEADERS });
}

/**
 * A stream as an answer. Each event is asked for when the reader has taken the one before, so that a slow
 * reader holds one of them.
 *
 * @param events Called with a signal that is aborted when the reader has gone, or the broker closes.
 * @param notices Called when the reader took nothing for too long, and once when the answer has ended.
 */
export function sseResponse(
  events: (signal: AbortSignal) => AsyncGenerator<Uint8Array<ArrayBuffer>, void>,
  clock: Clock,
  closing: AbortSignal,
  { onStalled, onEnd }: { readonly onStalled: () => void; readonly onEnd: () => void },
): Response {
  const gone = new AbortController();
  const iterator = events(gone.signal);
  let pulledMs = clock.monotonic();
  let timer: number;
  let isEnded = false;
  let ended: () => void = () => {};
  const end = () => {
    if (isEnded) return;
    isEnded = true;
    clock.clearTimeout(timer);
    closing.removeEventListener("abort", ended);
    gone.abort(new DOMException("The reader has gone", "AbortError"));
    // It may be in the middle of a wait, which the signal ends.
    iterator.return().catch(() => {}).finally(onEnd);
  };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(ENCODER.encode(`retry: ${RETRY_MS}\n\n`));
      const beat = () => {
        const isStalled = controller.desiredSize! <= 0;
        if (isStalled && clock.monotonic() - pulledMs > MAX_STALL_MS) {
          end();
          onStalled();
          return controller.error(new Error("The reader takes nothing"));
        }
        if (!isStalled) controller.enqueue(HEARTBEAT);
        timer = clock.setTimeout(beat, HEARTBEAT_MS);
      };
      timer = clock.setTimeout(beat, HEARTBEAT_MS);
      ended = () => {
        if (isEnded) return;
        end();
        controller.close();
      };
      closing.addEventListener("abort", ended);
      if (closing.aborted) ended();
    },
    async pull(controller) {
      pulledMs = clock.monotonic();
      try {
        const { value, done } = await iterator.next();
        if (isEnded) return;
        if (done !== true) return controller.enqueue(value);
        end();
        controller.close();
      } catch (error) {
        if (isEnded) return;
        end();
        controller.error(error);
      }
    },
    cancel: end,
  }, { highWaterMark: 1 });
  return new Response(body, { headers: HEADERS });
}
