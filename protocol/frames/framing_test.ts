import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FrameReader, FrameSizeError, FrameWriter, TruncatedFrameError } from "./framing.ts";

/** A byte stream that delivers `bytes` in pieces of at most `pieceSize`. */
function streamOf(bytes: Uint8Array, pieceSize: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (at >= bytes.length) {
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      const view = controller.byobRequest?.view as Uint8Array | undefined;
      const size = Math.min(pieceSize, bytes.length - at, view?.byteLength ?? Infinity);
      const piece = bytes.subarray(at, at + size);
      at += size;
      if (view === undefined) return controller.enqueue(piece.slice());
      view.set(piece);
      controller.byobRequest!.respond(size);
    },
  });
}

function framed(...payloads: Uint8Array[]): Uint8Array {
  return Uint8Array.from(payloads.flatMap((payload) => {
    const size = payload.length;
    return [size >>> 24, size >>> 16 & 255, size >>> 8 & 255, size & 255, ...payload];
  }));
}

function filled(size: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) & 255);
}

const LIMIT = { maxFrameSize: 1 << 20 };

Deno.test("FrameReader.next() returns frames whatever pieces they arrive in", async (t) => {
  const payloads = [
    filled(1, 1),
    filled(0, 2),
    filled(300, 3),
    filled(5000, 4),
    filled(100_000, 5),
  ];
  const bytes = framed(...payloads);
  for (const pieceSize of [1, 3, 4, 7, 4096, 65_536, bytes.length]) {
    await t.step(`pieces of ${pieceSize}`, async () => {
      const reader = new FrameReader(streamOf(bytes, pieceSize), LIMIT);
      for (const payload of payloads) assertEquals(await reader.next(), payload);
      assertEquals(await reader.next(), null);
    });
  }
});

Deno.test("FrameReader.next() returns frames that later frames do not overwrite", async () => {
  const payloads = [filled(10, 1), filled(20, 2), filled(70_000, 3), filled(30, 4)];
  // More small frames than fit in one block of shared memory.
  for (let i = 0; i < 40; i++) payloads.push(filled(4000, i));
  const reader = new FrameReader(streamOf(framed(...payloads), 64), LIMIT);
  const frames = [];
  for (const _ of payloads) frames.push(await reader.next());
  assertEquals(frames, payloads);
});

Deno.test("FrameReader.buffered() returns frames that have arrived, without waiting", async () => {
  const reader = new FrameReader(streamOf(framed(filled(5, 1), filled(6, 2)), 1000), LIMIT);
  assertEquals(reader.buffered(), undefined);
  assertEquals(await reader.next(), filled(5, 1));
  assertEquals(reader.buffered(), filled(6, 2));
  assertEquals(reader.buffered(), undefined);
});

Deno.test("FrameReader.next() rejects a negative or too large size", async (t) => {
  for (const size of [[0xff, 0xff, 0xff, 0xff], [0x80, 0, 0, 0], [0, 0x10, 0, 1]]) {
    await t.step(String(size), async () => {
      const reader = new FrameReader(streamOf(Uint8Array.from(size), 9), LIMIT);
      await assertRejects(() => reader.next(), FrameSizeError, "limit is 1048576");
      assertThrows(() => reader.buffered(), FrameSizeError);
    });
  }
});

Deno.test("FrameReader.next() rejects when the stream ends inside a frame", async (t) => {
  for (const [size, cut] of [[100, 3], [100, 50], [100_000, 10], [100_000, 99_000]] as const) {
    await t.step(`${cut} bytes of ${size}`, async () => {
      const reader = new FrameReader(streamOf(framed(filled(size, 1)).slice(0, cut), 999), LIMIT);
      await assertRejects(() => reader.next(), TruncatedFrameError);
    });
  }
});

Deno.test("FrameReader.next() calls admit() for large frames only", async (t) => {
  const bytes = framed(filled(1000, 1), filled(200_000, 2));
  for (const chunkSize of [70_000, 1]) {
    await t.step(`in chunks of ${chunkSize}`, async () => {
      const asked: number[] = [];
      const admit = (size: number, head: Uint8Array) => {
        asked.push(size);
        assertEquals(head.subarray(0, 2), filled(200_000, 2).subarray(0, 2));
        return Promise.resolve();
      };
      const reader = new FrameReader(streamOf(bytes, chunkSize), { ...LIMIT, admit });
      await reader.next();
      assertEquals(asked, []);
      assertEquals(await reader.next(), filled(200_000, 2));
      assertEquals(asked, [200_000]);
    });
  }
});

/** A stream that keeps every chunk written to it. */
function sink(): { writable: WritableStream<Uint8Array>; chunks: Uint8Array[] } {
  const chunks: Uint8Array[] = [];
  const writable = new WritableStream<Uint8Array>({
    write: (chunk) => {
      chunks.push(chunk.slice());
    },
  });
  return { writable, chunks };
}

function encode(writer: FrameWriter, payload: Uint8Array): void {
  writer.out.beginFrame();
  writer.out.splice(payload);
  writer.out.endFrame();
}

Deno.test("FrameWriter.flush() writes the small frames of one turn together", async () => {
  const { writable, chunks } = sink();
  const writer = new FrameWriter(writable);
  const payloads = [filled(3, 1), filled(400, 2), filled(5000, 3)];
  for (const payload of payloads) {
    encode(writer, payload);
    writer.flush();
  }
  await writer.drained();
  assertEquals(chunks, [framed(...payloads)]);
  await writer.close();
});

Deno.test("FrameWriter.flush() writes large ranges without a copy, in order", async () => {
  const { writable, chunks } = sink();
  const writer = new FrameWriter(writable);
  encode(writer, filled(3, 1));
  encode(writer, filled(40_000, 2));
  encode(writer, filled(3, 3));
  assertEquals(writer.backlog, 40_018);
  await writer.close();
  const written = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
  assertEquals(written, framed(filled(3, 1), filled(40_000, 2), filled(3, 3)));
  assertEquals(chunks.map((chunk) => chunk.length), [11, 40_000, 7]);
  assertEquals(writer.backlog, 0);
});

Deno.test("FrameWriter.drained() resolves when the stream fails", async () => {
  const writer = new FrameWriter(
    new WritableStream({ write: () => Promise.reject(new Error("peer has gone")) }),
  );
  encode(writer, filled(10, 1));
  writer.flush();
  await writer.drained();
  assertEquals(writer.backlog, 0);
  await writer.close();
});

Deno.test("FrameWriter.drained() waits for bytes encoded before the call, not for later ones", async () => {
  const writes: PromiseWithResolvers<void>[] = [];
  const writer = new FrameWriter(
    new WritableStream({
      write: () => {
        const write = Promise.withResolvers<void>();
        writes.push(write);
        return write.promise;
      },
    }),
  );
  const until = async (count: number) => {
    while (writes.length < count) await Promise.resolve();
  };
  encode(writer, filled(10, 1));
  writer.flush();
  const first = writer.drained();
  await until(1);
  encode(writer, filled(10, 2));
  writer.flush();
  let isSecondDrained = false;
  const second = writer.drained().then(() => isSecondDrained = true);
  writes[0]!.resolve();
  await first;
  await until(2);
  assertEquals(isSecondDrained, false);
  writes[1]!.resolve();
  await second;
  await writer.close();
});
