import crypto from "node:crypto";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { encryptKey, type KeyKind, TestAuthority } from "./test_authority.ts";

/** Serves one byte by TLS and reads it as a client that trusts the authority. */
async function exchange(cert: string, key: string, caCerts: string[]): Promise<number | null> {
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  const serve = async () => {
    using conn = await listener.accept();
    await conn.write(Uint8Array.of(42));
    await conn.closeWrite();
  };
  const served = serve().catch(() => {});
  try {
    using conn = await Deno.connectTls({
      hostname: "127.0.0.1",
      port: listener.addr.port,
      caCerts,
    });
    const byte = new Uint8Array(1);
    return await conn.read(byte) === null ? null : byte[0]!;
  } finally {
    await served;
  }
}

Deno.test("TestAuthority issues certificates that TLS accepts, of every kind of key", async (t) => {
  for (const keyKind of ["ec", "p384", "rsa", "ed25519"] satisfies KeyKind[]) {
    await t.step(keyKind, async () => {
      const root = TestAuthority.create({ keyKind });
      const { cert, key } = root.issueServer({ keyKind });
      assertEquals(await exchange(cert, key, [root.cert]), 42);
    });
  }
  await t.step("signed by an authority in between", async () => {
    const root = TestAuthority.create();
    const { cert, key } = root.issueAuthority().issueServer();
    assertEquals(await exchange(cert, key, [root.cert]), 42);
  });
});

Deno.test("TestAuthority issues certificates with names, hosts and times as node:crypto reads them", () => {
  const root = TestAuthority.create();
  const notAfter = new Date("2051-02-03T04:05:06Z");
  const { cert } = root.issueServer({ subject: "C=DE,O=Acme,CN=alice", notAfter });
  const read = new crypto.X509Certificate(cert);
  assertEquals(read.subject, "C=DE\nO=Acme\nCN=alice");
  assertEquals(read.issuer, "CN=test authority");
  assertEquals(new Date(read.validTo), notAfter);
  assertMatch(
    read.subjectAltName!,
    /^DNS:localhost, IP Address:127\.0\.0\.1, IP Address:(::1|0:0:0:0:0:0:0:1)$/,
  );
  assert(read.verify(new crypto.X509Certificate(root.cert).publicKey));
});

Deno.test("encryptKey() writes keys that open with the password", () => {
  const root = TestAuthority.create();
  for (const keyKind of ["ec", "rsa"] as const) {
    const certificate = root.issue({ keyKind });
    for (const form of ["pkcs8", "traditional"] as const) {
      const key = encryptKey(certificate, "secret", form);
      const opened = crypto.createPrivateKey({ key, passphrase: "secret" });
      assertEquals(opened.export({ type: "pkcs8", format: "pem" }), certificate.key);
    }
  }
});
