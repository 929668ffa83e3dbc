import { assertEquals, assertThrows } from "@std/assert";
import { SaslMessageError } from "./sasl_error.ts";
import { formatClientFirstBare, parseClientFinal, parseClientFirst } from "./scram_messages.ts";

Deno.test("parseClientFirst() reads header, names and extensions", () => {
  for (const header of ["n,,", "y,,", "n,a=a=3Db=2C,"]) {
    const bare = formatClientFirstBare({
      user: "a=b,",
      nonce: "x+/~!",
      extensions: { tokenauth: "true" },
    });
    const { extensions, ...rest } = parseClientFirst(header + bare);
    assertEquals(rest, {
      gs2Header: header,
      authzid: header.length > 3 ? "a=b," : "",
      user: "a=b,",
      nonce: "x+/~!",
      bare,
    });
    assertEquals([...extensions], [["tokenauth", "true"]]);
  }
});

Deno.test("parseClientFirst() refuses what RFC 5802 forbids", () => {
  for (
    const message of [
      "",
      "n",
      "n,,",
      "n=user,r=abc",
      "p=tls-unique,,n=user,r=abc",
      "x,,n=user,r=abc",
      "n,b=user,n=user,r=abc",
      "n,,r=abc,n=user",
      "n,,m=must,n=user,r=abc",
      "n,,n=,r=abc",
      "n,,n=user,r=",
      "n,,n=user,r=a\tb",
      "n,,n=user,r=ä",
      "n,,n=us=er,r=abc",
      "n,,n=us=2c,r=abc",
      "n,a=x=,n=user,r=abc",
      "n,,n=us\0er,r=abc",
      "n,,n=user,r=abc,",
      "n,,n=user,r=abc,extension",
    ]
  ) assertThrows(() => parseClientFirst(message), SaslMessageError, undefined, message);
});

Deno.test("parseClientFinal() refuses what RFC 5802 forbids", () => {
  const { channelBinding, nonce, withoutProof, proof } = parseClientFinal("c=biws,r=a,x=1,p=AAE=");
  assertEquals([channelBinding, nonce, withoutProof], ["n,,", "a", "c=biws,r=a,x=1"]);
  assertEquals(proof, new Uint8Array([0, 1]));
  for (
    const message of [
      "",
      "c=biws",
      "c=biws,r=a",
      "r=a,c=biws,p=AAE=",
      "c=biws,r=a,p=AAE=,x=1",
      "c=biws,r=a,p=AAE",
      "c=biws,r=a,p=A AE=",
      "c=bi-s,r=a,p=AAE=",
      "m=x,c=biws,r=a,p=AAE=",
    ]
  ) assertThrows(() => parseClientFinal(message), SaslMessageError, undefined, message);
});
