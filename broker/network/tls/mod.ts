/**
 * TLS on the broker's listeners.
 *
 * `openTlsListener` loads keys and certificates (`credential_files.ts`, from PEM: `key_store.ts` and
 * `trust_store.ts`), checks what the runtime can do (`node_tls_check.ts`), and listens by `node:tls`
 * (`node_tls_listener.ts`) or `Deno.listenTls` (`deno_tls_listener.ts`). Files are looked at every ten
 * seconds, and loaded when they change. `client_certificates.ts` decides about clients, whose names are
 * read from DER (`x509.ts`, `distinguished_name.ts`) and mapped (`principal_mapping.ts`).
 *
 * This room is loaded by brokers that use TLS only.
 *
 * @module
 */

export { CredentialFiles } from "./credential_files.ts";
export {
  type SecureConn,
  type SecureListener,
  type ShownCertificate,
  TlsHandshakeError,
  type TlsListenerOptions,
  type TlsPeer,
} from "./secure_listener.ts";
export { TlsConnectError, TlsConnector } from "./tls_connector.ts";
export { openTlsListener } from "./tls_listener.ts";
