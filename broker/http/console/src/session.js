/**
 * Who the user is, where not everyone may do everything: asked for once, and kept as a token that the broker
 * gives for a password. It lives as long as the tab.
 */

import { field, h, openDialog } from "./dom.js";

const KEY = "dqueue.session";
/** Subprotocol of WebSockets. */
const PROTOCOL = "dqueue.v1";

let pending;
/** Whether the user has closed the dialog: it does not come again by itself. */
let isRefused = false;
const listeners = [];

/** Calls `listener` when somebody has signed in. */
export function onSignedIn(listener) {
  listeners.push(listener);
}

/** Lets the dialog come again, for a page that the user has asked for. */
export function mayAsk() {
  isRefused = false;
}

/** Like `fetch`, as the user who has signed in. The browser's own dialog never comes. */
export async function fetchAs(path, options = {}) {
  const token = sessionStorage.getItem(KEY);
  const headers = {
    ...options.headers,
    ...(token === null ? {} : { authorization: `Session ${token}` }),
  };
  return await fetch(path, { ...options, headers, credentials: "omit" });
}

/** The same, and asks who the user is if the broker wants to know. */
export async function fetchSignedIn(path, options) {
  const response = await fetchAs(path, options);
  if (response.status !== 401 || isRefused) return response;
  await response.body?.cancel();
  pending ??= signIn().finally(() => pending = undefined);
  await pending;
  return await fetchAs(path, options);
}

/** What a WebSocket sends as its subprotocols: it cannot say otherwise who the user is. */
export async function socketProtocols(inCluster) {
  if (sessionStorage.getItem(KEY) === null) return [PROTOCOL];
  const { token } = await inCluster("POST", "/tickets");
  return [PROTOCOL, `ticket.${token}`];
}

/** Ends the session. */
export async function signOut(inCluster) {
  await inCluster("DELETE", "/session").catch(() => {});
  sessionStorage.removeItem(KEY);
  location.reload();
}

function signIn() {
  const kind = h(
    "select",
    { onchange: () => draw() },
    h("option", { value: "password" }, "a password"),
    h("option", { value: "token" }, "a token"),
  );
  const user = h("input", { autocomplete: "username", autofocus: true, class: "data" });
  const password = h("input", { type: "password", autocomplete: "current-password" });
  const token = h("input", { type: "password", autocomplete: "off", class: "data" });
  const [userField, passwordField, tokenField] = [
    field("User", user),
    field("Password", password),
    field("Token", token),
  ];
  const draw = () => {
    const isToken = kind.value === "token";
    userField.hidden = passwordField.hidden = isToken;
    tokenField.hidden = !isToken;
  };
  draw();
  return new Promise((resolve, reject) => {
    openDialog(
      "Sign in",
      [field("With", kind), userField, passwordField, tokenField],
      "Sign in",
      async () => {
        const authorization = kind.value === "token"
          ? `Bearer ${token.value.trim()}`
          : `Basic ${base64Of(`${user.value}:${password.value}`)}`;
        sessionStorage.setItem(KEY, await sessionFor(authorization));
        resolve();
        for (const listener of listeners) listener();
      },
      false,
      () => {
        isRefused = sessionStorage.getItem(KEY) === null;
        reject(new Error("Sign in to see this"));
      },
    );
  });
}

/** The token of a new session. */
async function sessionFor(authorization) {
  const headers = { authorization };
  const read = async (path, method) => {
    const response = await fetch(path, { method, headers, credentials: "omit" });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.message);
    return answer;
  };
  sessionStorage.removeItem(KEY);
  const { data: [cluster] } = await read("/v3/clusters", "GET");
  return (await read(`/v3/clusters/${cluster.cluster_id}/session`, "POST")).token;
}

function base64Of(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
