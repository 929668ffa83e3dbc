import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { type FrameChannel, memoryChannels } from "../../protocol/frames/channel.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  writeResponseHeader,
} from "../../protocol/frames/headers.ts";
import { saslAuthenticate } from "../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../protocol/messages/security/sasl_handshake.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import { plainClient } from "../../protocol/sasl/plain.ts";
import { scramClient } from "../../protocol/sasl/scram_client.ts";
import { SaslMessageError } from "../../protocol/sasl/sasl_error.ts";
import { codec } from "../../protocol/schema/codec.ts";
import type { Api, ResponseTo } from "../../protocol/schema/schema.ts";
import { logIn } from "./peer_login.ts";
import { PeerRefusalError } from "./peer_network.ts";

const PLAIN = () => plainClient("alice", "alice-secret");
const TEXT = new TextDecoder();

/** What the other end answers, in order; null closes the connection. */
type Script = readonly (
  | { readonly api: Api; readonly response: ResponseTo<Api> }
  | null
)[];

/** Answers as the script says, and returns what has arrived. */
async function play(channel: FrameChannel, script: Script): Promise<string[]> {
  const received: string[] = [];
  for (const step of script) {
    const frame = await channel.next();
    if (frame === null) break;
    const reader = new Reader(frame);
    const header = readRequestHeader(reader);
    const api: Api = header.apiKey === saslHandshake.key ? saslHandshake : saslAuthenticate;
    readRequestHeaderTags(reader, api, header.apiVersion);
    const request = codec(api.request, header.apiVersion).decode(reader) as {
      readonly mechanism?: string;
      readonly authBytes?: Uint8Array;
    };
    const { mechanism, authBytes } = request;
    received.push(mechanism ?? TEXT.decode(authBytes));
    if (step === null) break;
    const { out } = channel;
    out.beginFrame();
    writeResponseHeader(out, api, header.apiVersion, header.correlationId);
    codec(api.response, header.apiVersion).encode(out, step.response);
    out.endFrame();
    channel.flush();
  }
  if (script.at(-1) === null) channel.abort();
  return received;
}

const chosen = (errorCode = 0, mechanisms: string[] = []) => ({
  api: saslHandshake as Api,
  response: { errorCode, mechanisms } as ResponseTo<Api>,
});
const answered = (fields: Partial<ResponseTo<typeof saslAuthenticate>> = {}) => ({
  api: saslAuthenticate as Api,
  response: {
    errorCode: 0,
    errorMessage: null,
    authBytes: new Uint8Array(),
    ...fields,
  } as ResponseTo<Api>,
});

Deno.test("logIn() sends the mechanism, then its messages, and returns how long the login is valid", async () => {
  const [ours, theirs] = memoryChannels();
  const played = play(theirs, [chosen(), answered({ sessionLifetimeMs: 5000 })]);
  assertEquals(await logIn(ours, PLAIN(), "broker-1"), 5000);
  assertEquals(await played, ["PLAIN", "\0alice\0alice-secret"]);
  ours.abort();
});

Deno.test("logIn() says why another broker refuses it", async () => {
  const cases: [Script, string][] = [
    [
      [chosen(ErrorCode.UNSUPPORTED_SASL_MECHANISM, ["SCRAM-SHA-256"])],
      "mechanism PLAIN is not enabled there, only SCRAM-SHA-256; change " +
      "sasl.mechanism.inter.broker.protocol here",
    ],
    [[chosen(ErrorCode.ILLEGAL_SASL_STATE)], "its listener does not use SASL"],
    [
      [chosen(), answered({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage: "No" })],
      "No",
    ],
    [[null], "it has closed the connection"],
    [[chosen(), null], "it has closed the connection"],
  ];
  for (const [script, message] of cases) {
    const [ours, theirs] = memoryChannels();
    const played = play(theirs, script);
    await assertRejects(() => logIn(ours, PLAIN(), "broker-1"), PeerRefusalError, message);
    ours.abort();
    await played;
  }
});

Deno.test("logIn() does not believe a broker that does not prove that it knows the password", async () => {
  const client = () =>
    scramClient({ mechanism: "SCRAM-SHA-256", user: "broker", password: "pw", nonce: "abc" });
  const first = "r=abcdef,s=QUJDREVGR0g=,i=4096";
  const bytes = (text: string) => new TextEncoder().encode(text);
  for (
    const script of [
      [chosen(), answered()],
      [chosen(), answered({ authBytes: bytes(first) }), answered()],
      [chosen(), answered({ authBytes: bytes(first) }), answered({ authBytes: bytes("v=QUJD") })],
    ]
  ) {
    const [ours, theirs] = memoryChannels();
    const played = play(theirs, script);
    await assertRejects(() => logIn(ours, client(), "broker-1"), SaslMessageError);
    ours.abort();
    await played;
  }
});
