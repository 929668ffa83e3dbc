import { assertEquals, assertRejects } from "@std/assert";
import { type FrameChannel, memoryChannels } from "../../protocol/frames/channel.ts";
import { ProtocolViolationError } from "../protocol_violation_error.ts";
import { EMBEDDED_SESSION } from "../security/session.ts";
import { CarriedKind, readCarried, writeCarried } from "./carried_frame.ts";
import { serveCarried } from "./serve_carried.ts";

const BYTES = Uint8Array.of(1, 2, 3);

/** The end that serves, the frames that it sends, and the connections that it opens. */
function serve(isClient: (content: Uint8Array) => boolean = () => true) {
  const [ours, theirs] = memoryChannels();
  const opened: FrameChannel[] = [];
  const served = serveCarried({
    channel: theirs,
    next: () => theirs.next(),
    open: () => {
      const [clientEnd, serverEnd] = memoryChannels();
      opened.push(serverEnd);
      return clientEnd;
    },
  }, (content) => isClient(content) ? EMBEDDED_SESSION : undefined);
  const send = (kind: number, number: number, content?: Uint8Array) =>
    writeCarried(ours, kind, number, content);
  const received = async () => {
    const { kind, number, content } = readCarried((await ours.next())!);
    return [kind, number, ...content];
  };
  return { ours, served, opened, send, received };
}

Deno.test("serveCarried() gives frames to their connections, and tells when one has ended", async () => {
  const { ours, served, opened, send, received } = serve();
  send(CarriedKind.open, 7, BYTES);
  send(CarriedKind.data, 7, BYTES);
  send(CarriedKind.ping, 0);
  assertEquals(await received(), [CarriedKind.ping, 0]);
  assertEquals([...(await opened[0]!.next())!], [...BYTES]);
  writeFrame(opened[0]!, Uint8Array.of(4));
  assertEquals(await received(), [CarriedKind.data, 7, 4]);
  await opened[0]!.close();
  assertEquals(await received(), [CarriedKind.close, 7]);
  // A frame that was on its way then has no effect.
  send(CarriedKind.data, 7, BYTES);
  send(CarriedKind.close, 7);
  send(CarriedKind.open, 8, BYTES);
  send(CarriedKind.close, 8);
  send(CarriedKind.ping, 0);
  assertEquals(await received(), [CarriedKind.ping, 0]);
  assertEquals(await opened[1]!.next(), null);
  ours.abort();
  await served;
});

Deno.test("serveCarried() opens nothing for a client that is refused, a number in use, or one too many", async () => {
  const { ours, served, opened, send, received } = serve((content) => content.length > 0);
  send(CarriedKind.open, 1);
  assertEquals(await received(), [CarriedKind.close, 1]);
  send(CarriedKind.open, 2, BYTES);
  send(CarriedKind.open, 2, BYTES);
  assertEquals(await received(), [CarriedKind.close, 2]);
  assertEquals(opened.length, 1);
  for (let number = 3; number <= 4098; number++) send(CarriedKind.open, number, BYTES);
  assertEquals(await received(), [CarriedKind.close, 4098]);
  assertEquals(opened.length, 4096);
  ours.abort();
  await served;
  // All end with the connection that carries them.
  assertEquals(await opened[0]!.next(), null);
});

Deno.test("serveCarried() ends the connection for a frame that is none, and skips unknown kinds", async () => {
  const { ours, served, opened, send } = serve();
  send(CarriedKind.open, 1, BYTES);
  send(99, 1, BYTES);
  writeFrame(ours, Uint8Array.of(0, 0, 0, 1));
  await assertRejects(() => served, ProtocolViolationError, "too short");
  assertEquals(await opened[0]!.next(), null);
});

Deno.test("serveCarried() ends a client's connection that does not take its requests", async () => {
  const { ours, served, opened, send, received } = serve();
  send(CarriedKind.open, 1, BYTES);
  send(CarriedKind.open, 2, BYTES);
  const large = new Uint8Array(33 * 1024 * 1024);
  for (let i = 0; i < 3; i++) send(CarriedKind.data, 1, large);
  assertEquals(await received(), [CarriedKind.close, 1]);
  send(CarriedKind.data, 2, BYTES);
  assertEquals([...(await opened[1]!.next())!], [...BYTES]);
  ours.abort();
  await served;
});

function writeFrame(channel: FrameChannel, bytes: Uint8Array): void {
  const { out } = channel;
  out.beginFrame();
  out.raw(bytes);
  out.endFrame();
  channel.flush();
}
