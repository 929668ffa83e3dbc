import { assertEquals, assertRejects } from "@std/assert";
import { connect, createServer, type Socket } from "node:net";
import { StreamChannel } from "./channel.ts";
import { type NodeSocket, socketDuplex } from "./socket_duplex.ts";

interface Pair extends AsyncDisposable {
  readonly near: Socket;
  readonly far: Socket;
}

async function connectedPair(): Promise<Pair> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer((socket) => accepted.resolve(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const near = connect({ host: "127.0.0.1", port });
  const [far] = await Promise.all([
    accepted.promise,
    new Promise<void>((resolve) => near.once("connect", () => resolve())),
  ]);
  far.on("error", () => {});
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function duplexOf(socket: Socket) {
  return socketDuplex(socket as unknown as NodeSocket);
}

/** A frame of bytes that tell where they are. */
function frameOf(size: number): Uint8Array {
  const frame = new Uint8Array(4 + size);
  new DataView(frame.buffer).setInt32(0, size);
  for (let i = 0; i < size; i++) frame[4 + i] = i * 7;
  return frame;
}

Deno.test("socketDuplex() carries frames of any size in both directions", async (t) => {
  await using pair = await connectedPair();
  const near = new StreamChannel(duplexOf(pair.near), "far", { maxFrameSize: 10_000_000 });
  const far = new StreamChannel(duplexOf(pair.far), "near", { maxFrameSize: 10_000_000 });
  for (const size of [0, 1, 4092, 70_000, 3_000_000]) {
    await t.step(`${size} bytes`, async () => {
      const bytes = frameOf(size).subarray(4);
      for (const [from, to] of [[near, far], [far, near]] as const) {
        from.out.beginFrame();
        from.out.raw(bytes);
        from.out.endFrame();
        from.flush();
        assertEquals(await to.next(), bytes);
      }
    });
  }
  await near.close();
  assertEquals(await far.next(), null);
  await far.close();
});

Deno.test("socketDuplex() reads without a buffer of the reader's", async () => {
  await using pair = await connectedPair();
  const { readable } = duplexOf(pair.near);
  const reader = readable.getReader();
  pair.far.write(Uint8Array.of(1, 2, 3));
  assertEquals((await reader.read()).value, Uint8Array.of(1, 2, 3));
  pair.far.end();
  assertEquals((await reader.read()).done, true);
});

Deno.test("socketDuplex() stops reading while nobody asks", async () => {
  await using pair = await connectedPair();
  const { readable } = duplexOf(pair.near);
  const chunk = new Uint8Array(1024 * 1024);
  let sent = 0;
  let isFull = false;
  // The system's buffers take some; then the far end has to wait.
  while (!isFull && sent < 64) {
    isFull = !pair.far.write(chunk) &&
      await Promise.race([
        new Promise<boolean>((resolve) => pair.far.once("drain", () => resolve(false))),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 500)),
      ]);
    sent++;
  }
  assertEquals(isFull, true, "64 MiB were read for nobody");
  const reader = readable.getReader();
  let received = 0;
  while (received < sent * chunk.length) received += (await reader.read()).value!.length;
  assertEquals(received, sent * chunk.length);
});

Deno.test("socketDuplex() ends both streams with the socket", async (t) => {
  await t.step("closed by the far end", async () => {
    await using pair = await connectedPair();
    const { readable, writable } = duplexOf(pair.near);
    pair.far.destroy();
    assertEquals((await readable.getReader().read()).done, true);
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    await new Promise<void>((resolve) => pair.near.once("close", () => resolve()));
    await assertRejects(() => writer.write(Uint8Array.of(1)));
  });
  await t.step("failed", async () => {
    await using pair = await connectedPair();
    const { readable } = duplexOf(pair.near);
    const reading = readable.getReader().read();
    pair.near.destroy(new Error("the cable is cut"));
    await assertRejects(() => reading, Error, "the cable is cut");
  });
  await t.step("closed or cancelled on this side while a read waits", async () => {
    await using pair = await connectedPair();
    const duplex = duplexOf(pair.near);
    const reading = duplex.readable.getReader().read();
    duplex.close();
    assertEquals((await reading).done, true);
    await using other = await connectedPair();
    const reader = duplexOf(other.near).readable.getReader();
    const pending = reader.read();
    await reader.cancel();
    assertEquals((await pending).done, true);
  });
});
