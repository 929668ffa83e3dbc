/**
 * Errors as answers: `{ "error_code": 40403, "message": "…" }`, as in Confluent's REST API.
 *
 * @module
 */

/** An error that is answered with a status and a code. */
export class HttpError extends Error {
  override name = "HttpError";
  /** The HTTP status. */
  readonly status: number;
  /** The more specific code of Confluent's REST API; where it has none, the status. */
  readonly errorCode: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    options: { errorCode?: number; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.errorCode = options.errorCode ?? status;
    this.headers = options.headers ?? {};
  }

  /** The answer. */
  response(): Response {
    return Response.json({ error_code: this.errorCode, message: this.message }, {
      status: this.status,
      headers: this.headers,
    });
  }
}

/** The answer where nothing is. */
export function notFound(path: string): HttpError {
  return new HttpError(404, `There is nothing at ${path}`);
}

/** The answer to a method that a path does not have. */
export function methodNotAllowed(method: string, allowed: readonly string[]): HttpError {
  return new HttpError(405, `${method} is not possible here, only ${allowed.join(", ")}`, {
    headers: { allow: allowed.join(", ") },
  });
}
