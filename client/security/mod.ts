/**
 * Security of connections: encryption with TLS, and authentication with SASL.
 *
 * `security_options.ts` has the options `tls` and `sasl` of a client. A connection is opened by
 * `tls_connection.ts`, whose errors `tls_failure.ts` explains. An `Authenticator` then proves who the
 * client is, on each new connection and before a session ends (`connection/session.ts`);
 * `sasl_authentication.ts` is the only one. What is not used is not loaded. The mechanisms are in `protocol/sasl/`.
 *
 * @module
 */

export type {
  SaslOptions,
  SaslPasswordOptions,
  SaslTokenOptions,
  SecurityOptions,
  TlsOptions,
} from "./security_options.ts";
