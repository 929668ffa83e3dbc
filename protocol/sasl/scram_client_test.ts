import { assertEquals, assertRejects } from "@std/assert";
import { SaslMessageError } from "./sasl_error.ts";
import { scramClient } from "./scram_client.ts";
import { isScramProof, newScramCredential, scramServerSignature } from "./scram.ts";
import { formatServerFinal, formatServerFirst, parseClientFinal } from "./scram_messages.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** The exchange in RFC 7677. */
const EXCHANGES = [
  {
    mechanism: "SCRAM-SHA-256",
    first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    signature: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
  },
] as const;

Deno.test("scramClient() has the exchange of RFC 7677", async () => {
  for (const { mechanism, first, final, signature } of EXCHANGES) {
    const nonce = "rOprNGfwEbeRWgbNEkqO";
    const client = scramClient({ mechanism, user: "user", password: "pencil", nonce });
    assertEquals(decode(client.start()), `n,,n=user,r=${nonce}`);
    assertEquals(decode(await client.respond(encode(first))), final);
    assertEquals(client.isComplete, false);
    assertEquals(await client.respond(encode(signature)), undefined);
    assertEquals(client.isComplete, true);
  }
});

Deno.test("scramClient() and the server's formulas agree, for both mechanisms and odd passwords", async () => {
  for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const) {
    for (const password of ["secret", "", "pässwörd,=\u{1f511}", "x".repeat(1000)]) {
      const credential = await newScramCredential(mechanism, password, 4096);
      const client = scramClient({ mechanism, user: "a=b,c", password, nonce: "abc" });
      assertEquals(decode(client.start()), "n,,n=a=3Db=2Cc,r=abc");
      const first = formatServerFirst({ ...credential, nonce: "abcdef" });
      const final = parseClientFinal(decode(await client.respond(encode(first))));
      const authMessage = `n=a=3Db=2Cc,r=abc,${first},${final.withoutProof}`;
      const { storedKey, serverKey } = credential;
      assertEquals(isScramProof(mechanism, storedKey, authMessage, final.proof), true);
      assertEquals(isScramProof(mechanism, storedKey, `${authMessage} `, final.proof), false);
      assertEquals(isScramProof(mechanism, serverKey, authMessage, final.proof), false);
      assertEquals(isScramProof(mechanism, storedKey, authMessage, final.proof.slice(1)), false);
      const signature = scramServerSignature(mechanism, serverKey, authMessage);
      assertEquals(await client.respond(encode(formatServerFinal(signature))), undefined);
    }
  }
});

Deno.test("scramClient() refuses servers that do not know the password, or ask for anything odd", async () => {
  const respond = async (...answers: string[]) => {
    const client = scramClient({
      mechanism: "SCRAM-SHA-256",
      user: "user",
      password: "pencil",
      nonce: "abc",
    });
    client.start();
    for (const answer of answers) await client.respond(encode(answer));
  };
  const good = "r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
  await respond(good);
  for (
    const answers of [
      ["r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"],
      ["r=xyzdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"],
      ["r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095"],
      ["r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000000000"],
      ["r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-1"],
      ["r=abcdef,s=!!,i=4096"],
      ["m=x,r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"],
      ["e=unknown-user"],
      [""],
      [good, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="],
      [good, "v="],
      [good, "e=invalid-proof"],
      [good, good],
    ]
  ) await assertRejects(() => respond(...answers), SaslMessageError);
});
