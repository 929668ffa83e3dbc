import { assertEquals, assertThrows } from "@std/assert";
import { formatPlain, parsePlain } from "./plain.ts";
import { SaslMessageError } from "./sasl_error.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("parsePlain() reads what formatPlain() writes", () => {
  for (const authzid of ["", "bücher"]) {
    const message = { authzid, user: "bücher", password: "pass,wörd =\u{1f511}" };
    assertEquals(parsePlain(formatPlain(message)), message);
  }
  assertThrows(() => formatPlain({ authzid: "", user: "a\0b", password: "c" }), TypeError);
});

Deno.test("parsePlain() refuses messages in the words of Kafka", () => {
  for (
    const [message, text] of [
      ["alice\0secret", "Invalid SASL/PLAIN response: expected 3 tokens, got 2"],
      ["", "Invalid SASL/PLAIN response: expected 3 tokens, got 1"],
      ["\0alice\0sec\0ret", "Invalid SASL/PLAIN response: expected 3 tokens, got 4"],
      ["\0\0secret", "Authentication failed: username not specified"],
      ["\0alice\0", "Authentication failed: password not specified"],
      [
        "admin\0alice\0secret",
        "Authentication failed: Client requested an authorization id that is different from username",
      ],
    ]
  ) assertThrows(() => parsePlain(encode(message!)), SaslMessageError, text);
  assertThrows(() => parsePlain(new Uint8Array([0, 0xff, 0, 65])), SaslMessageError, "not UTF-8");
});
