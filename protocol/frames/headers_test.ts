import { assertEquals, assertThrows } from "@std/assert";
import {
  readRequestHeader,
  readRequestHeaderTags,
  readResponseHeaderTags,
  writeRequestHeader,
  writeResponseHeader,
} from "./headers.ts";
import { hex, toHex } from "../hex_testing.ts";
import { apiVersions } from "../messages/cluster/api_versions.ts";
import { metadata } from "../messages/topics/metadata.ts";
import { MalformedMessageError, Reader } from "../primitives/reader.ts";
import { api, int8 } from "../schema/schema.ts";
import { Writer } from "../primitives/writer.ts";

const plain = api({
  key: 47,
  name: "Plain",
  versions: "0",
  flexible: "none",
  request: { n: int8("0+") },
  response: { n: int8("0+") },
});

function written(put: (writer: Writer) => void): string {
  const writer = new Writer();
  put(writer);
  return toHex(writer.takeBytes());
}

Deno.test("writeRequestHeader() adds a tag buffer in flexible versions only (KIP-482)", () => {
  const header = { apiKey: 3, correlationId: 7, clientId: "me" };
  const body = "00 00 00 07 00 02 6d 65";
  const at = (apiVersion: number) =>
    written((w) => writeRequestHeader(w, metadata, { ...header, apiVersion }));
  assertEquals(at(8), `00 03 00 08 ${body}`);
  assertEquals(at(9), `00 03 00 09 ${body} 00`, "the client id keeps its two-byte length");
});

Deno.test("readRequestHeader() reads the fields common to every version", () => {
  const reader = new Reader(hex("0012 0003 7fffffff ffff  01 00 02 abcd"));
  assertEquals(readRequestHeader(reader), {
    apiKey: 18,
    apiVersion: 3,
    correlationId: 2147483647,
    clientId: null,
  });
  readRequestHeaderTags(reader, apiVersions, 3);
  assertEquals(reader.remaining, 0);
  assertThrows(() => readRequestHeader(new Reader(hex("0012 0003"))), MalformedMessageError);
});

Deno.test("readRequestHeaderTags() reads nothing in versions without tags", () => {
  const reader = new Reader(hex("00"));
  readRequestHeaderTags(reader, apiVersions, 2);
  readRequestHeaderTags(reader, plain, 0);
  assertEquals(reader.remaining, 1);
});

Deno.test("writeResponseHeader() adds a tag buffer in flexible versions, never for ApiVersions (KIP-511)", () => {
  assertEquals(written((w) => writeResponseHeader(w, metadata, 8, 5)), "00 00 00 05");
  assertEquals(written((w) => writeResponseHeader(w, metadata, 9, 5)), "00 00 00 05 00");
  assertEquals(written((w) => writeResponseHeader(w, plain, 0, 5)), "00 00 00 05");
  for (const version of [0, 2, 3, 4, 5]) {
    assertEquals(written((w) => writeResponseHeader(w, apiVersions, version, -1)), "ff ff ff ff");
  }
});

Deno.test("readResponseHeaderTags() reads what writeResponseHeader() writes", () => {
  const reader = new Reader(hex("01 05 01 ff"));
  readResponseHeaderTags(reader, apiVersions, 3);
  readResponseHeaderTags(reader, metadata, 8);
  assertEquals(reader.remaining, 4);
  readResponseHeaderTags(reader, metadata, 9);
  assertEquals(reader.remaining, 0);
});
