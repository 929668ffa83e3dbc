import { assertEquals } from "@std/assert";
import {
  decodeAddress,
  decodeCarriedClient,
  decodePrincipal,
  encodeAddress,
  encodeCarriedClient,
  encodePrincipal,
} from "./forwarded_client.ts";
import {
  EMBEDDED_LISTENER,
  EMBEDDED_SESSION,
  SECURE_EMBEDDED_LISTENER,
  type Session,
} from "./session.ts";

Deno.test("encodePrincipal() writes Kafka's DefaultPrincipalData after its version", () => {
  const bytes = encodePrincipal({ type: "User", name: "söhne" });
  const name = new TextEncoder().encode("söhne");
  // Version, compact strings with their length plus one, not by a token, no tagged fields.
  assertEquals([...bytes], [0, 0, 5, ...new TextEncoder().encode("User"), 7, ...name, 0, 0]);
  assertEquals(decodePrincipal(bytes), { type: "User", name: "söhne" });
  const byToken = { type: "User", name: "a", isTokenAuthenticated: true };
  assertEquals(decodePrincipal(encodePrincipal(byToken)), byToken);
});

Deno.test("decodePrincipal() takes nothing else", () => {
  const bytes = encodePrincipal({ type: "User", name: "alice" });
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(decodePrincipal(bytes.subarray(0, length)), undefined, `${length} bytes`);
  }
  assertEquals(decodePrincipal(Uint8Array.from([...bytes, 0])), undefined, "a byte too many");
  assertEquals(decodePrincipal(Uint8Array.from([0, 1, ...bytes.subarray(2)])), undefined);
  assertEquals(decodePrincipal(encodePrincipal({ type: "", name: "alice" })), undefined);
  assertEquals(decodePrincipal(encodePrincipal({ type: "User", name: "" })), undefined);
});

Deno.test("decodeAddress() reads 4 or 16 bytes", () => {
  for (const host of ["10.1.2.3", "2001:db8:0:0:0:0:0:1", ""]) {
    assertEquals(decodeAddress(encodeAddress(host)), host);
  }
  assertEquals(decodeAddress(encodeAddress("::1")), "0:0:0:0:0:0:0:1");
  // As Java has it.
  assertEquals([...encodeAddress("::ffff:10.1.2.3")], [10, 1, 2, 3]);
  assertEquals(decodeAddress(new Uint8Array(5)), undefined);
  assertEquals(decodeAddress(new TextEncoder().encode("10.1.2.3:5000")), undefined);
});

Deno.test("decodeCarriedClient() reads who a client is, and whether it is on this machine", () => {
  const alice: Session = {
    principal: { type: "User", name: "alice" },
    host: "127.0.0.1",
    listener: { name: "EXTERNAL", protocol: "SSL" },
    isLocal: true,
  };
  const bytes = encodeCarriedClient(alice);
  const here = { ...alice, listener: SECURE_EMBEDDED_LISTENER };
  assertEquals(decodeCarriedClient(bytes, EMBEDDED_SESSION), here);
  // The other broker's machine is not this one.
  const tls: Session = { ...EMBEDDED_SESSION, isLocal: false, listener: alice.listener };
  assertEquals(decodeCarriedClient(bytes, tls), { ...here, isLocal: false });
  // Each of the ways can be listened to.
  const overheard = { ...alice, listener: EMBEDDED_LISTENER, isLocal: false };
  const plain = { ...EMBEDDED_SESSION, isLocal: false };
  assertEquals(decodeCarriedClient(bytes, plain), overheard);
  const clear = encodeCarriedClient(overheard);
  assertEquals(decodeCarriedClient(clear, EMBEDDED_SESSION), overheard);
  assertEquals(decodeCarriedClient(clear, tls), overheard);
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    assertEquals(decodeCarriedClient(cut, EMBEDDED_SESSION), undefined, `${length} bytes`);
  }
  const nobody = encodeCarriedClient({ ...alice, principal: { type: "User", name: "" } });
  assertEquals(decodeCarriedClient(nobody, EMBEDDED_SESSION), undefined);
});
