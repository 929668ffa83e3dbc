import { assert, assertEquals } from "@std/assert";
import { type FrameChannel, memoryChannels, StreamChannel } from "./channel.ts";

interface Ends {
  readonly name: string;
  open(): Promise<[FrameChannel, FrameChannel]>;
}

const KINDS: Ends[] = [
  { name: "memoryChannels", open: () => Promise.resolve(memoryChannels()) },
  { name: "StreamChannel", open: tcpChannels },
];

async function tcpChannels(): Promise<[FrameChannel, FrameChannel]> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [first, second] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  listener.close();
  const options = { maxFrameSize: 1 << 24 };
  return [new StreamChannel(first, "a", options), new StreamChannel(second, "b", options)];
}

function send(channel: FrameChannel, payload: Uint8Array): void {
  channel.out.beginFrame();
  channel.out.splice(payload);
  channel.out.endFrame();
  channel.flush();
}

const SMALL = Uint8Array.of(1, 2, 3);
const LARGE = new Uint8Array(3_000_000).fill(7);

for (const { name, open } of KINDS) {
  Deno.test(`${name} carry frames both ways in order`, async () => {
    const [a, b] = await open();
    for (const payload of [SMALL, LARGE, SMALL]) send(a, payload);
    send(b, LARGE);
    for (const payload of [SMALL, LARGE, SMALL]) {
      const frame = await b.next();
      assertEquals(frame!.length, payload.length);
      assertEquals(frame![0], payload[0]);
    }
    assertEquals((await a.next())!.length, LARGE.length);
    await a.drained();
    assertEquals(a.backlog, 0);
    await Promise.all([a.close(), b.close()]);
  });

  Deno.test(`${name} deliver frames sent before close(), then null`, async () => {
    const [a, b] = await open();
    send(a, SMALL);
    await a.close();
    assertEquals(await b.next(), SMALL);
    assertEquals(await b.next(), null);
    await b.close();
    await b.close();
  });

  Deno.test(`${name} resolve a pending next() when the other end aborts`, async () => {
    const [a, b] = await open();
    const waiting = b.next().catch(() => null);
    a.abort();
    a.abort();
    assertEquals(await waiting, null);
    b.abort();
  });

  Deno.test(`${name} resolve a pending next() on close()`, async () => {
    const [a, b] = await open();
    const waiting = a.next().catch(() => null);
    await a.close();
    assertEquals(await waiting, null);
    await b.close();
  });
}

Deno.test("memoryChannels() counts frames not yet taken as backlog", async () => {
  const [a, b] = memoryChannels();
  send(a, LARGE);
  assert(a.backlog >= LARGE.length);
  let isDrained = false;
  const drained = a.drained().then(() => isDrained = true);
  await Promise.resolve();
  assertEquals(isDrained, false);
  await b.next();
  await drained;
  assertEquals(a.backlog, 0);
  await a.close();
});
