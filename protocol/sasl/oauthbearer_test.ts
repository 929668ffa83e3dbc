import { assertEquals, assertThrows } from "@std/assert";
import { formatOAuthBearer, oauthBearerClient, parseOAuthBearer } from "./oauthbearer.ts";
import { SaslMessageError } from "./sasl_error.ts";

const encode = (text: string) => new TextEncoder().encode(text.replaceAll("^", "\x01"));

Deno.test("parseOAuthBearer() reads what clients write", () => {
  const message = {
    authzid: "a=b,",
    token: "abc.def-_~+/.x==",
    extensions: new Map([["logicalCluster", "lkc 1"]]),
  };
  assertEquals(parseOAuthBearer(formatOAuthBearer(message)), message);
  for (
    const [text, authzid, extensions] of [
      ["n,,^auth=Bearer a.b.c^^", "", []],
      ["n,a=me,^auth=bearer  a.b.c^x=1^y=2^^", "me", [["x", "1"], ["y", "2"]]],
      ["n,,^x=1^auth=BEARER a.b.c^^", "", [["x", "1"]]],
    ] as [string, string, [string, string][]][]
  ) {
    assertEquals(parseOAuthBearer(encode(text)), {
      authzid,
      token: "a.b.c",
      extensions: new Map(extensions),
    });
  }
});

Deno.test("parseOAuthBearer() refuses malformed messages", () => {
  for (
    const text of [
      "",
      "n,,",
      "n,,^^",
      "^",
      "n,,^auth=Bearer a.b.c^",
      "n,,^auth=Bearer a.b.c",
      "n,,auth=Bearer a.b.c^^",
      "y,,^auth=Bearer a.b.c^^",
      "p=tls,,^auth=Bearer a.b.c^^",
      "n,x=me,^auth=Bearer a.b.c^^",
      "n,,^auth=Basic a.b.c^^",
      "n,,^auth=Bearer ^^",
      "n,,^auth=Bearer a b^^",
      "n,,^auth=Bearer a.b.c^auth=Bearer d.e.f^^",
      "n,,^auth=Bearer a.b.c^x=1^x=2^^",
      "n,,^auth=Bearer a.b.c^x1=1^^",
      "n,,^auth=Bearer a.b.c^x=^^",
      "n,,^auth=Bearer a.b.c^x^^",
      "n,,^x=1^^",
    ]
  ) assertThrows(() => parseOAuthBearer(encode(text)), SaslMessageError, undefined, text);
});

Deno.test("oauthBearerClient() acknowledges a refusal, and is done after an empty answer", async () => {
  const client = oauthBearerClient("a.b.c", { logicalCluster: "lkc" });
  assertEquals(client.start(), encode("n,,^auth=Bearer a.b.c^logicalCluster=lkc^^"));
  assertEquals(await client.respond(new Uint8Array()), undefined);
  assertEquals(await client.respond(encode('{"status":"invalid_token"}')), new Uint8Array([1]));
  assertThrows(() => oauthBearerClient("a b").start(), TypeError);
  assertThrows(() => oauthBearerClient("a", { auth: "b" }).start(), TypeError);
});
