/**
 * Logs in over a connection of raw frames.
 *
 * @module
 */

import { saslAuthenticate } from "../../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../../protocol/messages/security/sasl_handshake.ts";
import type { ResponseOf } from "../../../protocol/schema/schema.ts";
import { plainClient, type SaslClient } from "../../../protocol/sasl/mod.ts";
import { RawConnection } from "../protocol/raw_connection.ts";

/** The answer to a token. */
export type SaslAnswer = ResponseOf<typeof saslAuthenticate>;

/** Logs in, or again, and returns the last answer, which may be a refusal. */
export async function login(connection: RawConnection, client: SaslClient): Promise<SaslAnswer> {
  const { mechanism } = client;
  const { errorCode } = await connection.request(saslHandshake, 1, { mechanism });
  if (errorCode !== 0) throw new Error(`The handshake for ${mechanism} is refused: ${errorCode}`);
  let token: Uint8Array | undefined = client.start();
  for (;;) {
    const answer: SaslAnswer = await connection.request(saslAuthenticate, 2, { authBytes: token });
    if (answer.errorCode !== 0) return answer;
    token = await client.respond(answer.authBytes);
    if (token === undefined) return answer;
  }
}

/** Connects and logs in by PLAIN. */
export async function connectAs(
  address: string,
  user: string,
  password: string,
): Promise<RawConnection> {
  const connection = await RawConnection.connect(address);
  try {
    const { errorCode, errorMessage } = await login(connection, plainClient(user, password));
    if (errorCode !== 0) throw new Error(`Cannot log in: ${errorCode} ${errorMessage}`);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
