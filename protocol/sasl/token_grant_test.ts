import { assertEquals } from "@std/assert";
import { parseTokenAnswer, tokenPlace, tokenRequest } from "./token_grant.ts";

Deno.test("tokenRequest() proves who asks, as it is or URL-encoded", () => {
  const credentials = { clientId: "a:b", clientSecret: "s%", scope: "x y" };
  const { headers, body, redirect } = tokenRequest(credentials);
  const basic = (text: string) => `Basic ${btoa(text)}`;
  assertEquals(new Headers(headers).get("authorization"), basic("a:b:s%"));
  assertEquals(`${body}`, "grant_type=client_credentials&scope=x+y");
  assertEquals(redirect, "error");
  const encoded = tokenRequest({ ...credentials, scope: undefined, isUrlEncoded: true });
  assertEquals(new Headers(encoded.headers).get("authorization"), basic("a%3Ab:s%25"));
  assertEquals(`${encoded.body}`, "grant_type=client_credentials");
});

Deno.test("parseTokenAnswer() takes what providers say", () => {
  const none = { token: undefined, reason: "" };
  assertEquals(parseTokenAnswer('{"access_token":"a","id_token":"b"}'), { token: "a", reason: "" });
  assertEquals(parseTokenAnswer('{"id_token":"b"}'), { token: "b", reason: "" });
  for (const text of ["", "no", "null", "[]", '"a"', "{}", '{"access_token":""}']) {
    assertEquals(parseTokenAnswer(text), none, text);
  }
  assertEquals(
    parseTokenAnswer('{"error":"invalid_client","error_description":"who?"}').reason,
    "invalid_client: who?",
  );
  const long = JSON.stringify({ error: "x".repeat(1000), error_description: 7 });
  assertEquals(parseTokenAnswer(long).reason.length, 256);
});

Deno.test("tokenPlace() has no query", () => {
  assertEquals(tokenPlace(new URL("https://a.example/t?key=secret#x")), "https://a.example/t");
});
