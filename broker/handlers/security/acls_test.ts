import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../../protocol/messages/security/acl_types.ts";
import { createAcls } from "../../../protocol/messages/security/create_acls.ts";
import { deleteAcls } from "../../../protocol/messages/security/delete_acls.ts";
import { describeAcls } from "../../../protocol/messages/security/describe_acls.ts";
import { MemoryFileSystem } from "../../../storage/mod.ts";
import { ApiError } from "../../api_error.ts";
import { TestBroker, type TestBrokerOptions } from "../../broker_testing.ts";
import { silentLogger } from "../../logger.ts";
import type { AuditEvent } from "../../security/audit/audit_log.ts";
import { AclAuthorizer } from "../../security/authorizer/acl_authorizer.ts";
import { SECURITY_STATE_KEY } from "../../security/credentials/security_state.ts";
import { EMBEDDED_SESSION } from "../../security/session.ts";
import { createAclsHandler, deleteAclsHandler, describeAclsHandler } from "./acls.ts";

const { literal, prefixed, any, match } = AclPatternType;
const ANY = 1;

type Row = readonly [
  type: number,
  name: string,
  pattern: number,
  principal: string,
  host: string,
  operation: number,
  permission: number,
];

type FilterRow = readonly [
  type: number,
  name: string | null,
  pattern: number,
  principal?: string | null,
  host?: string | null,
  operation?: number,
  permission?: number,
];

const { topic, group, cluster } = AclResourceType;
const { read, write, alter } = AclOperation;
const { allow, deny } = AclPermissionType;

const RULES: readonly Row[] = [
  [topic, "ab", literal, "User:alice", "*", read, allow],
  [topic, "a", prefixed, "User:alice", "*", write, allow],
  [topic, "*", literal, "User:*", "10.0.0.0/8", read, deny],
  [topic, "*", prefixed, "User:bob", "*", read, allow],
  [group, "ab", literal, "User:bob", "::1", read, allow],
  [cluster, "kafka-cluster", literal, "User:root", "*", alter, allow],
];

class World implements AsyncDisposable {
  readonly broker: TestBroker;
  readonly version: number;

  private constructor(broker: TestBroker, version: number) {
    this.broker = broker;
    this.version = version;
  }

  static async start(options: TestBrokerOptions = {}, version = 3): Promise<World> {
    const broker = await TestBroker.start({
      authorizer: (records) =>
        new AclAuthorizer({
          records,
          isRequired: false,
          superUsers: new Set(["User:ANONYMOUS"]),
          allowsEveryoneWithoutRule: false,
          logger: silentLogger,
        }),
      ...options,
    });
    return new World(broker, version);
  }

  async create(rows: readonly Row[]): Promise<[code: number, text: string | null][]> {
    const { results } = await this.broker.call(createAcls, createAclsHandler, this.version, {
      creations: rows.map(([type, name, pattern, principal, host, operation, permission]) => ({
        resourceType: type,
        resourceName: name,
        resourcePatternType: pattern,
        principal,
        host,
        operation,
        permissionType: permission,
      })),
    });
    return results.map(({ errorCode, errorMessage }) => [errorCode, errorMessage]);
  }

  async describe(row: FilterRow) {
    const [type, name, pattern, principal = null, host = null, operation = ANY, permission = ANY] =
      row;
    const answer = await this.broker.call(describeAcls, describeAclsHandler, this.version, {
      resourceTypeFilter: type,
      resourceNameFilter: name,
      patternTypeFilter: pattern,
      principalFilter: principal,
      hostFilter: host,
      operation,
      permissionType: permission,
    });
    const rules = answer.resources.flatMap(({ resourceType, resourceName, patternType, acls }) =>
      acls.map((acl): Row => [
        resourceType,
        resourceName,
        patternType,
        acl.principal,
        acl.host,
        acl.operation,
        acl.permissionType,
      ])
    );
    return { code: answer.errorCode, text: answer.errorMessage, rules };
  }

  /** The places in `RULES` of the described rules. */
  async find(row: FilterRow): Promise<number[]> {
    const { code, rules } = await this.describe(row);
    assertEquals(code, ErrorCode.NONE);
    const texts = RULES.map((rule) => rule.join());
    return rules.map((rule) => texts.indexOf(rule.join())).sort();
  }

  async delete(rows: readonly FilterRow[]) {
    const { filterResults } = await this.broker.call(deleteAcls, deleteAclsHandler, this.version, {
      filters: rows.map(
        (
          [type, name, pattern, principal = null, host = null, operation = ANY, permission = ANY],
        ) => ({
          resourceTypeFilter: type,
          resourceNameFilter: name,
          patternTypeFilter: pattern,
          principalFilter: principal,
          hostFilter: host,
          operation,
          permissionType: permission,
        }),
      ),
    });
    return filterResults;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
  }
}

Deno.test("DescribeAcls finds what CreateAcls created, by every part of a filter, in all versions", async () => {
  for (const version of [1, 2, 3]) {
    await using world = await World.start({}, version);
    assertEquals(await world.create(RULES), RULES.map(() => [ErrorCode.NONE, null]));
    for (
      const [filter, expected] of [
        [[ANY, null, any], [0, 1, 2, 3, 4, 5]],
        [[topic, null, any], [0, 1, 2, 3]],
        [[topic, null, literal], [0, 2]],
        [[topic, "ab", any], [0]],
        [[topic, "a", any], [1]],
        [[topic, "ab", prefixed], []],
        [[topic, "ab", match], [0, 1, 2]],
        [[topic, "abc", match], [1, 2]],
        [[topic, "*", match], [2, 3]],
        [[topic, "*x", match], [2, 3]],
        [[topic, "*", literal], [2]],
        [[topic, null, match], [0, 1, 2, 3]],
        [[ANY, "ab", match], [0, 1, 2, 4]],
        [[ANY, null, any, "User:alice"], [0, 1]],
        [[ANY, null, any, "User:*"], [2]],
        [[ANY, null, any, null, "::1"], [4]],
        [[ANY, null, any, null, "0:0:0:0:0:0:0:1"], []],
        [[ANY, null, any, null, null, read], [0, 2, 3, 4]],
        [[ANY, null, any, null, null, AclOperation.all], []],
        [[ANY, null, any, null, null, ANY, deny], [2]],
        [[cluster, "kafka-cluster", literal, "User:root", "*", alter, allow], [5]],
      ] as [FilterRow, number[]][]
    ) assertEquals(await world.find(filter), expected, filter.join());
  }
});

Deno.test("CreateAcls refuses items that cannot be kept, and creates the others", async () => {
  await using world = await World.start();
  const good = RULES[0]!;
  const change = (place: number, value: number | string) =>
    good.with(place, value) as unknown as Row;
  const bad: [Row, string][] = [
    [change(0, ANY), "resourceType"],
    [change(0, 42), "resourceType"],
    [change(1, ""), "empty"],
    [change(2, match), "patternType"],
    [change(2, any), "patternType"],
    [change(3, "alice"), "principal"],
    [change(4, "10.0.0.0/99"), "10.0.0.0/99"],
    [change(5, ANY), "operation"],
    [change(6, ANY), "permissionType"],
    [change(0, cluster), "kafka-cluster"],
  ];
  const results = await world.create([...bad.map(([row]) => row), good]);
  for (const [place, [, text]] of bad.entries()) {
    assertEquals(results[place]![0], ErrorCode.INVALID_REQUEST, text);
    assertStringIncludes(results[place]![1]!, text);
  }
  assertEquals(results.at(-1), [ErrorCode.NONE, null]);
  assertEquals(await world.find([ANY, null, any]), [0]);
});

Deno.test("CreateAcls keeps one of equal rules, also of one request, and rules outlast a restart", async () => {
  const fs = new MemoryFileSystem();
  {
    await using world = await World.start({ fs });
    await world.create([RULES[0]!, RULES[0]!, RULES[1]!]);
    assertEquals(await world.create([RULES[1]!]), [[ErrorCode.NONE, null]]);
    assertEquals(await world.find([ANY, null, any]), [0, 1]);
  }
  await using world = await World.start({ fs });
  assertEquals(await world.find([ANY, null, any]), [0, 1]);
  assertEquals(world.broker.context.authorizer.isOpen, false);
});

Deno.test("CreateAcls creates the state of security with the first rule, once", async () => {
  await using world = await World.start();
  const { store } = world.broker;
  assertEquals(await store.get(SECURITY_STATE_KEY), undefined);
  await Promise.all([world.create([RULES[0]!]), world.create([RULES[1]!])]);
  assertEquals(await world.find([ANY, null, any]), [0, 1]);
  const state = await store.get(SECURITY_STATE_KEY);
  assert(state !== undefined);
  await world.create([RULES[2]!]);
  assertEquals((await store.get(SECURITY_STATE_KEY))!.revision, state.revision);
});

Deno.test("DeleteAcls deletes and returns what each filter matches, and refuses unknown filters", async () => {
  await using world = await World.start();
  await world.create(RULES);
  const results = await world.delete([
    [topic, "ab", match],
    [topic, null, prefixed],
    [topic, "none", literal],
    [42, null, any],
    [topic, null, any, null, null, 99],
  ]);
  assertEquals(results.map(({ errorCode, matchingAcls }) => [errorCode, matchingAcls.length]), [
    [ErrorCode.NONE, 3],
    [ErrorCode.NONE, 2],
    [ErrorCode.NONE, 0],
    [ErrorCode.INVALID_REQUEST, 0],
    [ErrorCode.INVALID_REQUEST, 0],
  ]);
  const { errorCode, resourceName, principal } = results[1]!.matchingAcls[0]!;
  assertEquals([errorCode, resourceName, principal], [ErrorCode.NONE, "*", "User:bob"]);
  assertEquals(await world.find([ANY, null, any]), [4, 5]);
  await world.delete([[ANY, null, any]]);
  assertEquals(await world.find([ANY, null, any]), []);
  assertEquals(world.broker.context.authorizer.isOpen, false);
});

Deno.test("CreateAcls and DeleteAcls take more rules than a commit can have", async () => {
  await using world = await World.start();
  const rows = Array.from({ length: 300 }, (_, index): Row => [
    topic,
    `t${index}`,
    literal,
    "User:a",
    "*",
    read,
    index % 2 === 0 ? allow : deny,
  ]);
  assert((await world.create(rows)).every(([code]) => code === ErrorCode.NONE));
  assertEquals((await world.describe([topic, null, any])).rules.length, 300);
  const [result] = await world.delete([[topic, null, literal, "User:a"]]);
  assertEquals(result!.matchingAcls.length, 300);
  assertEquals((await world.describe([topic, null, any])).rules, []);
});

Deno.test("CreateAcls and DeleteAcls refuse a request with too many items as a violation of policy", async () => {
  await using world = await World.start();
  for (
    const attempt of [
      () => world.create(Array<Row>(10_001).fill(RULES[0]!)),
      () => world.delete(Array<FilterRow>(10_001).fill([ANY, null, any])),
    ]
  ) {
    const { code } = await assertRejects(attempt, ApiError, "the maximum is 10000");
    assertEquals(code, ErrorCode.POLICY_VIOLATION);
  }
});

Deno.test("CreateAcls and DeleteAcls are for this machine's clients while the cluster is open", async () => {
  await using world = await World.start();
  const stranger = { ...EMBEDDED_SESSION, host: "10.0.0.1", isLocal: false };
  world.broker.session = stranger;
  for (const attempt of [() => world.create(RULES), () => world.delete([[ANY, null, any]])]) {
    const { code } = await assertRejects(attempt, ApiError, "on the broker's machine");
    assertEquals(code, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  }
  world.broker.session = { ...stranger, isLocal: true };
  assertEquals((await world.create([RULES[5]!]))[0], [ErrorCode.NONE, null]);
  world.broker.session = stranger;
  assertEquals((await world.create([RULES[0]!]))[0], [ErrorCode.NONE, null]);
});

Deno.test("CreateAcls and DeleteAcls audit the rules that they change", async () => {
  const events: AuditEvent[] = [];
  await using world = await World.start({ audit: { record: (event) => events.push(event) } });
  await world.create([RULES[0]!]);
  await world.create([RULES[0]!]);
  await world.delete([[topic, null, any]]);
  await world.delete([[topic, null, any]]);
  const rule = {
    type: "TOPIC",
    name: "ab",
    pattern: "LITERAL",
    principal: "User:alice",
    host: "*",
    operation: "READ",
    permission: "ALLOW",
  };
  assertEquals(
    events.map(({ event, api, resource, before, after }) => ({
      event,
      api,
      resource,
      before,
      after,
    })),
    [
      { event: "change", api: "CreateAcls", resource: "ab", before: undefined, after: rule },
      { event: "change", api: "DeleteAcls", resource: "ab", before: rule, after: undefined },
    ],
  );
});
