import { assertEquals, assertThrows } from "@std/assert";
import {
  element,
  objectIdentifier,
  sequence,
  setOf,
  Tag,
} from "../../../tests/support/security/der.ts";
import { encodeName, type TestName } from "../../../tests/support/security/distinguished_name.ts";
import { TestAuthority } from "../../../tests/support/security/test_authority.ts";
import { javaProgram } from "../../../tests/support/clients/observations.ts";
import { testWith } from "../../../tests/support/outside.ts";
import { DerError, DerReader } from "../../../protocol/der_reader.ts";
import { formatName, subjectName } from "./distinguished_name.ts";

/** Names and what Java 17 makes of them. */
const NAMES: readonly [string, TestName][] = [
  [
    '1.2.840.113549.1.9.1=#16056140622e63,CN=client1,OU=Söhne,OU=A+OU=B,O=Acme \\"Co\\",' +
    "ST=Berlin\\, Mitte,C=DE",
    [
      { type: "C", value: "DE", tag: Tag.printableString },
      { type: "ST", value: "Berlin, Mitte" },
      { type: "O", value: 'Acme "Co"' },
      [{ type: "OU", value: "A" }, { type: "OU", value: "B" }],
      { type: "OU", value: "Söhne" },
      { type: "CN", value: "client1" },
      { type: "EMAIL", value: "a@b.c", tag: Tag.ia5String },
    ],
  ],
  ["", []],
  ["CN=admin,CN=b,CN=a", [
    { type: "CN", value: "a" },
    { type: "CN", value: "b" },
    { type: "CN", value: "admin" },
  ]],
  ["CN=alice\\,CN\\=admin", [{ type: "CN", value: "alice,CN=admin" }]],
  ["CN=alice\nCN\\=admin", [{ type: "CN", value: "alice\nCN=admin" }]],
  ["CN=admin\\00.example.com", [{ type: "CN", value: "admin\0.example.com" }]],
  ["CN=\\ \\ x\\ \\ ", [{ type: "CN", value: "  x  " }]],
  ["CN=\\ \\ ", [{ type: "CN", value: "  " }]],
  ["CN=", [{ type: "CN", value: "" }]],
  ["CN=\\#x", [{ type: "CN", value: "#x" }]],
  ["CN=a\\#b\\+c\\<d\\>\\;\\\\", [{ type: "CN", value: "a#b+c<d>;\\" }]],
  ["CN=ü€😀\u2028\ufeff", [{ type: "CN", value: "ü€😀\u2028\ufeff" }]],
  ["CN=\ufeffadmin", [{ type: "CN", value: "\ufeffadmin" }]],
  ["CN=\\00a\\00b", [{ type: "CN", value: "ab", tag: Tag.bmpString }]],
  ["CN=\ufffd", [{ type: "CN", value: "ü", tag: Tag.teletexString }]],
  ["CN=#1c040000fffd", [{ type: "CN", value: "\ufffd", tag: Tag.universalString }]],
  ["CN=#120131", [{ type: "CN", value: "1", tag: Tag.numericString }]],
  ["2.5.4.5=#0c0139,UID=u,DC=com,STREET=s,L=l", [
    { type: "L", value: "l" },
    { type: "STREET", value: "s" },
    { type: "DC", value: "com", tag: Tag.ia5String },
    { type: "UID", value: "u" },
    { type: "2.5.4.5", value: "9" },
  ]],
  [`CN=${"x".repeat(4096)}`, [{ type: "CN", value: "x".repeat(4096) }]],
];

function contentOf(name: Uint8Array): Uint8Array {
  return new DerReader(name).read().content;
}

Deno.test("formatName() writes names as Java's X500Principal does", () => {
  for (const [text, name] of NAMES) assertEquals(formatName(contentOf(encodeName(name))), text);
});

Deno.test("formatName() writes a value that is no string as hex", () => {
  const attribute = sequence(objectIdentifier("2.5.4.3"), element(Tag.integer, Uint8Array.of(5)));
  assertEquals(formatName(contentOf(sequence(setOf(attribute)))), "CN=#020105");
});

Deno.test("formatName() rejects what is not a name", () => {
  const attribute = (...parts: Uint8Array[]) => sequence(setOf(sequence(...parts)));
  const value = element(Tag.utf8String, Uint8Array.of(97));
  const bytes = encodeName([{ type: "CN", value: "alice" }]);
  for (
    const wrong of [
      sequence(setOf()),
      sequence(sequence()),
      attribute(objectIdentifier("2.5.4.3")),
      attribute(objectIdentifier("2.5.4.3"), value, value),
      attribute(value, objectIdentifier("2.5.4.3")),
      attribute(element(Tag.objectIdentifier, Uint8Array.of(0x55, 0x84)), value),
      attribute(element(Tag.objectIdentifier), value),
      attribute(element(Tag.objectIdentifier, new Uint8Array(12).fill(0xff)), value),
    ]
  ) assertThrows(() => formatName(contentOf(wrong)), DerError);
  for (let size = 1; size < bytes.length - 2; size++) {
    assertThrows(() => formatName(bytes.subarray(2, 2 + size)), DerError);
  }
});

Deno.test("subjectName() reads the subject of a certificate, not its issuer", () => {
  const authority = TestAuthority.create({ subject: "O=Authority,CN=root" });
  const { der } = authority.issueClient("C=DE,O=Acme,CN=alice");
  assertEquals(subjectName(der), "CN=alice,O=Acme,C=DE");
  for (let size = 0; size < 60; size++) {
    assertThrows(() => subjectName(der.subarray(0, size)), DerError);
  }
});

testWith("javac", "formatName() agrees with the Java at hand", async () => {
  const child = new Deno.Command("java", {
    args: [javaProgram("CertificateNames")],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const lines = NAMES.map(([, name]) => `${encodeName(name).toBase64()}\n`).join("");
  await writer.write(new TextEncoder().encode(lines));
  await writer.close();
  const { stdout } = await child.output();
  const written = new TextDecoder().decode(stdout).split("\n").slice(0, -1)
    .map((line) =>
      new TextDecoder("utf-16be", { ignoreBOM: true }).decode(Uint8Array.fromBase64(line))
    );
  assertEquals(written, NAMES.map(([text]) => text));
});
