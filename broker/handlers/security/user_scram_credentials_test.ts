import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { alterUserScramCredentials } from "../../../protocol/messages/security/alter_user_scram_credentials.ts";
import { describeUserScramCredentials } from "../../../protocol/messages/security/describe_user_scram_credentials.ts";
import { TestBroker } from "../../broker_testing.ts";
import {
  alterUserScramCredentialsHandler,
  describeUserScramCredentialsHandler,
} from "./user_scram_credentials.ts";

const SHA_256 = 1;

Deno.test("DescribeUserScramCredentials returns no users (KIP-554)", async () => {
  await using broker = await TestBroker.start();
  const describe = async (...names: string[] | [null]) => {
    const answer = await broker.call(
      describeUserScramCredentials,
      describeUserScramCredentialsHandler,
      0,
      { users: names[0] === null ? null : names.map((name) => ({ name: name! })) },
    );
    assertEquals(answer.errorCode, ErrorCode.NONE);
    return answer.results.map(({ user, errorCode, credentialInfos }) => {
      assertEquals(credentialInfos, []);
      return [user, errorCode];
    });
  };
  assertEquals(await describe(null), []);
  assertEquals(await describe(), []);
  assertEquals(await describe("a", "b", "a", ""), [
    ["a", ErrorCode.DUPLICATE_RESOURCE],
    ["b", ErrorCode.RESOURCE_NOT_FOUND],
    ["", ErrorCode.RESOURCE_NOT_FOUND],
  ]);
});

Deno.test("AlterUserScramCredentials rejects storing credentials", async () => {
  await using broker = await TestBroker.start();
  const deletion = (name: string, mechanism = SHA_256) => ({ name, mechanism });
  const upsertion = (name: string, iterations = 4096, mechanism = SHA_256) => ({
    name,
    mechanism,
    iterations,
    salt: new Uint8Array(8),
    saltedPassword: new Uint8Array(32),
  });
  const { results } = await broker.call(
    alterUserScramCredentials,
    alterUserScramCredentialsHandler,
    0,
    {
      deletions: [deletion("a"), deletion("b", 9), deletion("")],
      upsertions: [
        upsertion("a"),
        upsertion("c"),
        upsertion("d", 4095),
        upsertion("e", 16_385),
        upsertion("f", 4096, 9),
        upsertion("g"),
        upsertion("g"),
      ],
    },
  );
  assertEquals(results.map(({ user, errorCode }) => [user, errorCode]), [
    ["a", ErrorCode.RESOURCE_NOT_FOUND],
    ["b", ErrorCode.UNSUPPORTED_SASL_MECHANISM],
    ["", ErrorCode.UNACCEPTABLE_CREDENTIAL],
    ["c", ErrorCode.UNSUPPORTED_VERSION],
    ["d", ErrorCode.UNACCEPTABLE_CREDENTIAL],
    ["e", ErrorCode.UNACCEPTABLE_CREDENTIAL],
    ["f", ErrorCode.UNSUPPORTED_SASL_MECHANISM],
    ["g", ErrorCode.DUPLICATE_RESOURCE],
  ]);
});
