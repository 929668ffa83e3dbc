import { assertEquals, assertThrows } from "@std/assert";
import { TestAuthority } from "../../../tests/support/security/test_authority.ts";
import { ClientCertificates, type HandshakeResult } from "./client_certificates.ts";
import { TlsHandshakeError } from "./secure_listener.ts";
import { parseCertificate } from "./x509.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = Date.now();
const authority = TestAuthority.create();
const stranger = TestAuthority.create({ subject: "CN=test authority" });

function trusting(...authorities: readonly TestAuthority[]) {
  const certificates = authorities.map(({ own }) => parseCertificate(own.der));
  return { certificates, ca: authorities.map(({ cert }) => cert) };
}

function clients(isRequired = true, trust = trusting(authority)): ClientCertificates {
  return new ClientCertificates(isRequired, (name) => name, trust);
}

/** A handshake as the runtime reports it. */
function handshake(
  chain: readonly Uint8Array[],
  result: Partial<HandshakeResult> = {},
): HandshakeResult {
  return {
    certificate: chain[0],
    intermediates: () => chain.slice(1),
    isAuthorized: true,
    isResumed: false,
    problem: undefined,
    ...result,
  };
}

function refuses(run: () => unknown, message: string): void {
  assertEquals(assertThrows(run, TlsHandshakeError, message).kind, "certificate");
}

const RESUMED = { isResumed: true } as const;

Deno.test("ClientCertificates takes the runtime's word for a whole handshake", () => {
  const { der } = authority.issueClient("CN=alice");
  assertEquals(clients().nameOf(handshake([der]), NOW), "CN=alice");
  const untrusted = { isAuthorized: false, problem: "UNABLE_TO_GET_ISSUER_CERT" };
  refuses(() => clients().nameOf(handshake([der], untrusted), NOW), "UNABLE_TO_GET_ISSUER_CERT");
});

Deno.test("ClientCertificates refuses a client without a certificate where one is required", () => {
  // Some versions of the runtime say that it is authorized.
  for (const none of [handshake([]), handshake([new Uint8Array()]), handshake([], RESUMED)]) {
    assertEquals(clients(false).nameOf(none, NOW), undefined);
    refuses(() => clients(true).nameOf(none, NOW), "has no certificate");
  }
});

Deno.test("ClientCertificates does not let a resumed session stand in for a verified certificate", () => {
  const listener = clients();
  const { der } = stranger.issueClient("CN=admin");
  refuses(() => listener.nameOf(handshake([der], { isAuthorized: false }), NOW), "not trusted");
  // The runtime verifies nothing when a session is resumed, and says that the client is authorized.
  refuses(() => listener.nameOf(handshake([der], RESUMED), NOW), "in a resumed session");
  const forged = [der, stranger.own.der];
  refuses(() => listener.nameOf(handshake(forged, RESUMED), NOW), "in a resumed session");
});

Deno.test("ClientCertificates verifies a resumed session of another listener or an earlier time", () => {
  const intermediate = authority.issueAuthority();
  const direct = authority.issueClient("CN=alice");
  const indirect = intermediate.issueClient("CN=bob");
  const chain = [indirect.der, intermediate.own.der];
  assertEquals(clients().nameOf(handshake([direct.der], RESUMED), NOW), "CN=alice");
  assertEquals(clients().nameOf(handshake(chain, RESUMED), NOW), "CN=bob");
  refuses(() => clients().nameOf(handshake([indirect.der], RESUMED), NOW), "not trusted");
  const self = clients(true, trusting(stranger));
  assertEquals(self.nameOf(handshake([stranger.own.der], RESUMED), NOW), "CN=test authority");
});

Deno.test("ClientCertificates refuses authorities that are none in a resumed session", () => {
  const leaf = authority.issueClient("CN=mallory");
  // A client signs another certificate with its own key.
  const forged = TestAuthority.create({ subject: "CN=mallory", key: leaf.privateKey })
    .issueClient("CN=admin");
  refuses(
    () => clients().nameOf(handshake([forged.der, leaf.der], RESUMED), NOW),
    "not trusted",
  );
  const server = authority.issueServer({ usage: "server" });
  refuses(() => clients().nameOf(handshake([server.der], RESUMED), NOW), "not trusted");
});

Deno.test("ClientCertificates forgets what it verified when others are trusted", () => {
  const listener = clients();
  const { der } = authority.issueClient("CN=alice");
  listener.nameOf(handshake([der]), NOW);
  listener.trust = trusting(stranger);
  refuses(() => listener.nameOf(handshake([der], RESUMED), NOW), "not trusted");
  listener.trust = trusting(stranger, authority);
  assertEquals(listener.nameOf(handshake([der], RESUMED), NOW), "CN=alice");
});

Deno.test("ClientCertificates refuses a certificate that has expired since a session began", () => {
  const listener = clients();
  const { der } = authority.issueClient("CN=alice", { notAfter: new Date(NOW + DAY_MS) });
  assertEquals(listener.nameOf(handshake([der]), NOW), "CN=alice");
  assertEquals(listener.nameOf(handshake([der], RESUMED), NOW + DAY_MS / 2), "CN=alice");
  refuses(() => listener.nameOf(handshake([der], RESUMED), NOW + 2 * DAY_MS), "has expired");
});

Deno.test("ClientCertificates refuses bytes that are no certificate", () => {
  const { der } = authority.issueClient("CN=alice");
  for (let at = 0; at < 40; at++) {
    const damaged = der.slice();
    damaged[at] = damaged[at]! ^ 0xff;
    try {
      clients().nameOf(handshake([damaged.subarray(0, 300)], RESUMED), NOW);
      throw new Error(`accepted a certificate damaged at ${at}`);
    } catch (error) {
      assertEquals((error as Error).name, "TlsHandshakeError");
    }
  }
});
