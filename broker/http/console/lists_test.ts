import { assertEquals, assertThrows } from "@std/assert";
import { aclInWords, aclsFor, principalOf } from "./src/acls.js";
import { Order } from "./src/dom.js";
import { commandOf } from "./src/groups.js";
import { visible } from "./src/json_view.js";
import { numberOf, valueInWords } from "./src/quotas.js";

interface Item {
  readonly name: string;
  readonly size?: number;
}

Deno.test("Order sorts by a column, the other way round when it is chosen again, unknown values last", () => {
  const items: Item[] = [{ name: "b", size: 1 }, { name: "c" }, { name: "a", size: 20 }, {
    name: "d",
    size: 3,
  }];
  const columns = [
    { name: "name", value: (item: Item) => item.name },
    { name: "size", value: (item: Item) => item.size },
  ];
  let changes = 0;
  const order = new Order("name", () => changes++);
  const names = () => order.sorted(items, columns).map((item: Item) => item.name).join("");
  assertEquals(names(), "abcd");
  order.choose("size", true);
  assertEquals([names(), order.text], ["adbc", "-size"]);
  order.choose("size", true);
  assertEquals([names(), order.text], ["bdac", "size"]);
  assertEquals(changes, 2);
  assertEquals(new Order("-name", () => {}).sorted(items, columns)[0].name, "d");
  assertEquals(new Order("nothing", () => {}).sorted(items, columns), items);
});

Deno.test("aclsFor() gives the ACLs of a purpose, for each name", () => {
  const fields = {
    purpose: "consumer",
    principal: " alice ",
    host: "",
    topics: "orders, *",
    groups: "billing,",
    transactions: "",
    isPrefix: true,
    one: {},
  };
  assertEquals(aclsFor(fields).map(aclInWords), [
    "allow User:alice to read topic orders…",
    "allow User:alice to describe topic orders…",
    "allow User:alice to read topics, all",
    "allow User:alice to describe topics, all",
    "allow User:alice to read group billing…",
    "allow User:alice to describe group billing…",
  ]);
  const producer = aclsFor({
    ...fields,
    purpose: "producer",
    topics: "a",
    host: "10.0.0.1",
    isPrefix: false,
  });
  assertEquals(producer.map(aclInWords), [
    "allow User:alice from 10.0.0.1 to write topic a",
    "allow User:alice from 10.0.0.1 to describe topic a",
  ]);
  const one = {
    resource_type: "CLUSTER",
    resource_name: "kafka-cluster",
    pattern_type: "LITERAL",
    operation: "ALL",
    permission: "DENY",
  };
  assertEquals(aclsFor({ ...fields, purpose: "one", one }).map(aclInWords), [
    "deny User:alice to do everything with cluster",
  ]);
  assertEquals([principalOf("Group:x"), principalOf("")], ["Group:x", ""]);
});

Deno.test("numberOf() reads rates with units, and valueInWords() writes them", () => {
  const cases: [string, number | null][] = [
    ["", null],
    ["1024", 1024],
    ["1 MiB", 1_048_576],
    ["1.5k", 1500],
    ["2 GB", 2e9],
    ["10KiB", 10_240],
    ["0", 0],
  ];
  for (const [text, number] of cases) assertEquals(numberOf(text), number, text);
  for (const text of ["many", "-1", "1 TB", "1.2.3"]) assertThrows(() => numberOf(text));
  assertEquals(valueInWords("consumer_byte_rate", 1_048_576), "1.0 MiB/s");
  assertEquals(valueInWords("request_percentage", 50), "50 %");
});

Deno.test("commandOf() says a reset of offsets as a command, where there is one", () => {
  const none = { topic_name: "a", partition_ids: undefined, to: undefined, shift: undefined };
  const of = (more: object) => commandOf("my group", { ...none, ...more });
  assertEquals(
    of({ to: "start" }),
    "dqueue group reset-offsets 'my group' --topic a --to=earliest --execute",
  );
  assertEquals(
    of({ to: "@1700000000000", partition_ids: [0, 2] }),
    "dqueue group reset-offsets 'my group' --topic a:0,2 --to=@1700000000000 --execute",
  );
  assertEquals(of({ shift: -5 })!.includes("--to=-5 "), true);
  assertEquals(of({ shift: 5 })!.includes("--to=+5 "), true);
  assertEquals(
    of({ to: "-5" }),
    undefined,
    "it is the last 5 there, and a shift on the command line",
  );
  const quoted = commandOf("it's", { ...none, to: "end" });
  assertEquals(quoted!.includes("'it'\\''s'"), true);
});

Deno.test("visible() escapes what is not seen, and leaves scripts and emoji as they are", () => {
  assertEquals(visible("a\u202Eb\u0000c\u200Bd"), "a\\u202eb\\u0000c\\u200bd");
  const plain = "مرحبا שלום 日本 👩‍👩‍👧 می‌خواهم\n\tx";
  assertEquals(visible(plain), plain);
  assertEquals(visible("\u{E0041}"), "\\udb40\\udc41");
});
