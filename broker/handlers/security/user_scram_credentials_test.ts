import { assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { alterUserScramCredentials } from "../../../protocol/messages/security/alter_user_scram_credentials.ts";
import { describeUserScramCredentials } from "../../../protocol/messages/security/describe_user_scram_credentials.ts";
import { isScramProof, scramClientProof } from "../../../protocol/sasl/scram.ts";
import { ApiError } from "../../api_error.ts";
import { TestBroker } from "../../broker_testing.ts";
import { openAuthorizer } from "../../security/authorizer.ts";
import { FakeSaltSecret, SECURITY_STATE_KEY } from "../../security/credentials/security_state.ts";
import {
  type CredentialChange,
  UserCredentials,
} from "../../security/credentials/user_credentials.ts";
import { silentLogger } from "../../logger.ts";
import { EMBEDDED_SESSION, type SecurityProtocol } from "../../security/session.ts";
import {
  alterUserScramCredentialsHandler,
  describeUserScramCredentialsHandler,
} from "./user_scram_credentials.ts";

const SHA_256 = 1;
const SHA_512 = 2;
const TOO_MANY = 16_385;

const salted = (byte: number, size = 32) => new Uint8Array(size).fill(byte);
const deletion = (name: string, mechanism = SHA_256) => ({ name, mechanism });
const upsertion = (name: string, mechanism = SHA_256, options = {}) => ({
  name,
  mechanism,
  iterations: 4096,
  salt: new Uint8Array(8).fill(7),
  saltedPassword: salted(1),
  ...options,
});

async function alter(
  broker: TestBroker,
  deletions: readonly ReturnType<typeof deletion>[],
  upsertions: readonly ReturnType<typeof upsertion>[],
) {
  const request = { deletions, upsertions };
  const { results } = await broker.call(
    alterUserScramCredentials,
    alterUserScramCredentialsHandler,
    0,
    request,
  );
  return Object.fromEntries(results.map(({ user, errorCode }) => [user, errorCode]));
}

async function describe(broker: TestBroker, ...names: string[] | [null]) {
  const { errorCode, results } = await broker.call(
    describeUserScramCredentials,
    describeUserScramCredentialsHandler,
    0,
    { users: names[0] === null ? null : names.map((name) => ({ name: name! })) },
  );
  assertEquals(errorCode, ErrorCode.NONE);
  return results.map(({ user, errorCode, credentialInfos }) => [
    user,
    errorCode,
    ...credentialInfos.map(({ mechanism, iterations }) => `${mechanism}:${iterations}`),
  ]);
}

Deno.test("DescribeUserScramCredentials returns mechanisms and iterations (KIP-554)", async () => {
  await using broker = await TestBroker.start();
  assertEquals(await describe(broker, null), []);
  await alter(broker, [], [
    upsertion("a"),
    upsertion("bücher, =", SHA_512, { iterations: 16_384 }),
  ]);
  await alter(broker, [], [upsertion("a", SHA_512)]);
  const all = [["a", 0, "1:4096", "2:4096"], ["bücher, =", 0, "2:16384"]];
  assertEquals(await describe(broker, null), all);
  assertEquals(await describe(broker), all);
  assertEquals(await describe(broker, "a", "b", "a", "", "bücher, ="), [
    ["a", ErrorCode.DUPLICATE_RESOURCE],
    ["b", ErrorCode.RESOURCE_NOT_FOUND],
    ["", ErrorCode.RESOURCE_NOT_FOUND],
    ["bücher, =", 0, "2:16384"],
  ]);
});

Deno.test("AlterUserScramCredentials stores keys, and never SaltedPassword", async () => {
  await using broker = await TestBroker.start();
  const users = new UserCredentials(broker.cluster.security, silentLogger);
  const { saltedPassword } = upsertion("a");
  assertEquals(await alter(broker, [], [upsertion("a")]), { a: 0 });
  const credential = users.get("a")!.get("SCRAM-SHA-256")!;
  const proof = scramClientProof("SCRAM-SHA-256", saltedPassword, "message");
  assertEquals(isScramProof("SCRAM-SHA-256", credential.storedKey, "message", proof), true);
  assertEquals(credential.salt, upsertion("a").salt);
  const stored = new TextDecoder().decode((await broker.store.get("users/a"))!.value);
  assertEquals(stored.includes(saltedPassword.toBase64()), false);
  users.close();
});

Deno.test("AlterUserScramCredentials answers each user as Kafka does", async () => {
  await using broker = await TestBroker.start();
  await alter(broker, [], ["old", "old2", "old3", "old4", "old5"].map((name) => upsertion(name)));
  const answers = await alter(
    broker,
    [
      deletion("none"),
      deletion("old2", SHA_512),
      deletion("unknown", 9),
      deletion(""),
      deletion("both"),
      deletion("none2"),
      deletion("none2"),
      deletion("old4"),
      deletion("old5", SHA_512),
      deletion("old"),
      deletion("old3"),
      deletion("old3", SHA_512),
    ],
    [
      upsertion("new"),
      upsertion("few", SHA_256, { iterations: 4095 }),
      upsertion("many", SHA_256, { iterations: TOO_MANY }),
      upsertion("unknown2", 9),
      upsertion("zero", 0),
      upsertion("twice"),
      upsertion("twice"),
      upsertion("mechanisms"),
      upsertion("mechanisms", SHA_512),
      upsertion("both", SHA_512),
      upsertion("old4"),
      upsertion("old5"),
      upsertion("first", SHA_256, { iterations: 1 }),
      upsertion("first"),
      upsertion("no salt", SHA_256, { salt: salted(0, 0) }),
      upsertion("no password", SHA_256, { saltedPassword: salted(0, 0) }),
      upsertion("x".repeat(2000)),
    ],
  );
  assertEquals(answers, {
    none: ErrorCode.RESOURCE_NOT_FOUND,
    old2: ErrorCode.RESOURCE_NOT_FOUND,
    unknown: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
    "": ErrorCode.UNACCEPTABLE_CREDENTIAL,
    // The first problem of a user counts.
    both: ErrorCode.RESOURCE_NOT_FOUND,
    none2: ErrorCode.RESOURCE_NOT_FOUND,
    old4: ErrorCode.DUPLICATE_RESOURCE,
    old5: ErrorCode.RESOURCE_NOT_FOUND,
    old: ErrorCode.NONE,
    old3: ErrorCode.DUPLICATE_RESOURCE,
    new: ErrorCode.NONE,
    few: ErrorCode.UNACCEPTABLE_CREDENTIAL,
    many: ErrorCode.UNACCEPTABLE_CREDENTIAL,
    unknown2: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
    zero: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
    twice: ErrorCode.DUPLICATE_RESOURCE,
    mechanisms: ErrorCode.DUPLICATE_RESOURCE,
    first: ErrorCode.UNACCEPTABLE_CREDENTIAL,
    "no salt": ErrorCode.UNACCEPTABLE_CREDENTIAL,
    "no password": ErrorCode.UNACCEPTABLE_CREDENTIAL,
    ["x".repeat(2000)]: ErrorCode.UNACCEPTABLE_CREDENTIAL,
  });
  const names = (await describe(broker, null)).map(([name]) => name);
  assertEquals(names, ["old2", "old3", "old4", "old5", "new"]);
});

Deno.test("AlterUserScramCredentials refuses credentials that others could have read on the way", async () => {
  const authorizer = () => ({ ...openAuthorizer, isOpen: false });
  await using broker = await TestBroker.start({ authorizer });
  const of = async (protocol: SecurityProtocol, isLocal: boolean) => {
    broker.session = { ...EMBEDDED_SESSION, listener: { name: "X", protocol }, isLocal };
    return (await alter(broker, [], [upsertion("a")])).a;
  };
  for (const protocol of ["PLAINTEXT", "SASL_PLAINTEXT"] as const) {
    assertEquals(await of(protocol, false), ErrorCode.POLICY_VIOLATION);
    assertEquals(await of(protocol, true), ErrorCode.NONE);
  }
  for (const protocol of ["SSL", "SASL_SSL"] as const) {
    assertEquals(await of(protocol, false), ErrorCode.NONE);
  }
  broker.session = { ...EMBEDDED_SESSION, isLocal: false };
  assertEquals(await alter(broker, [deletion("a")], []), { a: ErrorCode.NONE });
});

Deno.test("AlterUserScramCredentials is for this machine's clients until the cluster has a user or an ACL", async () => {
  await using broker = await TestBroker.start();
  const listener = { name: "SSL", protocol: "SSL" } as const;
  broker.session = { ...EMBEDDED_SESSION, listener, isLocal: false };
  const stranger = () => alter(broker, [], [upsertion("a")]);
  const { code } = await assertRejects(stranger, ApiError, "on the broker's machine");
  assertEquals(code, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  broker.session = { ...broker.session, isLocal: true };
  assertEquals(await stranger(), { a: ErrorCode.NONE });
});

Deno.test("AlterUserScramCredentials creates the state of security once, with the first user", async () => {
  await using broker = await TestBroker.start();
  const secret = new FakeSaltSecret(broker.cluster.security);
  const before = secret.value;
  assertEquals(await broker.store.get(SECURITY_STATE_KEY), undefined);
  // At once, so that all but one conflict and are repeated.
  const users = Array.from({ length: 10 }, (_, i) => upsertion(`user-${i}`));
  assertEquals(Object.values(await alter(broker, [], users)), users.map(() => ErrorCode.NONE));
  const state = (await broker.store.get(SECURITY_STATE_KEY))!;
  const created = secret.value;
  assertNotEquals(created, before);
  assertStringIncludes(new TextDecoder().decode(state.value), created.toBase64());
  await alter(broker, users.map(({ name }) => deletion(name)), []);
  await alter(broker, [], [upsertion("later")]);
  assertEquals((await broker.store.get(SECURITY_STATE_KEY))!.revision, state.revision);
});

Deno.test("UserCredentials.onChange() is called for credentials that are replaced or deleted", async () => {
  await using broker = await TestBroker.start();
  const users = new UserCredentials(broker.cluster.security, silentLogger);
  const changes: CredentialChange[] = [];
  users.onChange((change) => changes.push(change));
  await alter(broker, [], [upsertion("a"), upsertion("b")]);
  await alter(broker, [], [upsertion("a", SHA_512)]);
  assertEquals(changes, []);
  await alter(broker, [], [upsertion("a", SHA_256, { saltedPassword: salted(2) })]);
  await alter(broker, [deletion("b")], []);
  assertEquals(changes, [
    { user: "a", mechanism: "SCRAM-SHA-256" },
    { user: "b", mechanism: "SCRAM-SHA-256" },
  ]);
  assertEquals([...users.names()], ["a"]);
  // A record that cannot be read is a user who cannot log in.
  await broker.cluster.security.commit(
    [{ key: "users/a", value: new TextEncoder().encode("{") }],
    [],
  );
  assertEquals([users.size, users.get("a")!.size], [1, 0]);
  assertEquals(changes.length, 4);
  assertEquals(await describe(broker, "a"), [["a", ErrorCode.NONE]]);
  assertEquals(await alter(broker, [], [upsertion("a")]), { a: 0 });
  assertEquals(users.get("a")!.size, 1);
  users.close();
});

Deno.test("UserCredentials.looksAt() picks what credentials look like as often as they do", async () => {
  await using broker = await TestBroker.start();
  const users = new UserCredentials(broker.cluster.security, silentLogger);
  assertEquals(users.looksAt("SCRAM-SHA-256", 0), undefined);
  const text = new TextEncoder().encode("0zkafka9");
  await alter(broker, [], [
    upsertion("a", SHA_256, { salt: text }),
    upsertion("b", SHA_256, { salt: text }),
    upsertion("c", SHA_256, { salt: text }),
    upsertion("d", SHA_256, { iterations: 8192, salt: salted(200, 16) }),
    upsertion("e", SHA_512),
  ]);
  const ofText = { iterations: 4096, saltBytes: 8, isText: true };
  const ofBytes = { iterations: 8192, saltBytes: 16, isText: false };
  const at = (...places: number[]) => places.map((place) => users.looksAt("SCRAM-SHA-256", place));
  assertEquals(at(0, 0.5, 0.74, 0.76, 0.999), [ofText, ofText, ofText, ofBytes, ofBytes]);
  await alter(broker, [deletion("a"), deletion("b")], []);
  await alter(broker, [], [upsertion("c", SHA_256, { iterations: 8192, salt: salted(200, 16) })]);
  assertEquals(at(0, 0.999), [ofBytes, ofBytes]);
  await alter(broker, [deletion("c"), deletion("d")], []);
  assertEquals([at(0), users.looksAt("SCRAM-SHA-512", 0.5)?.iterations], [[undefined], 4096]);
  users.close();
});
