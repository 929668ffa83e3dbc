/**
 * Serves a web page that shows a topic live, with server-sent events.
 *
 * Start a broker with `deno task start`, then:
 *
 *     deno run --allow-net examples/sse_page.ts TOPIC [HOST:PORT]
 *
 * and open http://localhost:8000. A browser that reconnects continues after the last message it
 * received.
 */

import { Client, type Message } from "../client/mod.ts";

const [topic = "events", address = "localhost:9092"] = Deno.args;
const PARTITION = 0;

const client = new Client({ brokers: address });

const PAGE = `<!doctype html>
<title>${topic}</title>
<h1>${topic}</h1>
<ol id="messages"></ol>
<script>
  const list = document.getElementById("messages");
  new EventSource("/events").onmessage = ({ data, lastEventId }) => {
    const item = document.createElement("li");
    item.value = Number(lastEventId);
    item.textContent = JSON.parse(data);
    list.append(item);
  };
</script>`;

function eventOf(message: Message): string {
  return `id: ${message.offset}\ndata: ${JSON.stringify(message.text())}\n\n`;
}

/** The messages of the topic as an event stream: after `lastId`, or from the beginning. */
async function events(lastId: string | null): Promise<Response> {
  const consumer = client.consumer({ autoOffsetReset: "earliest" });
  await consumer.subscribe(topic);
  if (lastId !== null) await consumer.seek(topic, PARTITION, Number(lastId) + 1);
  const messages = consumer[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await messages.next();
      if (done) controller.close();
      else controller.enqueue(new TextEncoder().encode(eventOf(value)));
    },
    // The browser disconnected.
    cancel: () => consumer.close(),
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}

Deno.serve({ hostname: "127.0.0.1", port: 8000 }, (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/events") return events(request.headers.get("last-event-id"));
  if (pathname === "/") {
    return new Response(PAGE, { headers: { "content-type": "text/html; charset=utf-8" } });
  }
  return new Response("Not found", { status: 404 });
});
