/**
 * Serves the console: a page at every address below `/ui/`, and its files at `/ui/assets/`.
 *
 * The page uses the REST API and WebSockets like any other client. It loads nothing from elsewhere, and
 * must not: its policy forbids it, so that a message cannot make it.
 *
 * @module
 */

import { notFound } from "../http_error.ts";
import { ASSETS } from "./assets.ts";

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join("; ");
const PREFIX = "/ui/assets/";

/** Answers a request for the console. */
export function consoleResponse(path: string): Response {
  if (path === "/" || path === "/ui") {
    return new Response(null, { status: 302, headers: { location: "/ui/" } });
  }
  const name = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : "index.html";
  if (!Object.hasOwn(ASSETS, name)) throw notFound(path);
  const { type, text } = ASSETS[name]!;
  return new Response(text, {
    headers: {
      "content-type": type,
      "content-security-policy": POLICY,
      "cache-control": "no-cache",
    },
  });
}
