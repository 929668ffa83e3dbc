/** Times for people: in this machine's zone or in UTC, which one switch decides for all pages. */

const KEY = "dqueue.utc";

export function isUtc() {
  return localStorage.getItem(KEY) === "1";
}

export function setUtc(utc) {
  localStorage.setItem(KEY, utc ? "1" : "0");
}

/** The zone that times are in. */
export function zone() {
  return isUtc() ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const pad = (value, size = 2) => String(value).padStart(size, "0");

/** Date and time of a timestamp in milliseconds, as `{ date, time }`. */
export function partsOf(ms) {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return { date: "–", time: "" };
  if (isUtc()) {
    const iso = date.toISOString();
    return { date: iso.slice(0, -14), time: iso.slice(-13, -1) };
  }
  return {
    date: `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`,
    time: `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${
      pad(date.getMilliseconds(), 3)
    }`,
  };
}

/** Such as `2026-11-30 13:30:59.172`. */
export function timeOf(ms) {
  const { date, time } = partsOf(ms);
  return `${date} ${time}`;
}

/** Such as `13:30`. */
export function minuteOf(ms) {
  return partsOf(ms).time.slice(0, 5);
}

/** The timestamp of a field of type datetime-local, in the zone of the pages; NaN if it is empty. */
export function timestampOf(text) {
  return text === "" ? NaN : Date.parse(isUtc() ? `${text}Z` : text);
}

/** The value of a field of type datetime-local. */
export function fieldOf(ms) {
  const { date, time } = partsOf(ms);
  return `${date}T${time.slice(0, 8)}`;
}

/** Such as `3 min ago`, beside the time itself. */
export function agoOf(ms, nowMs = Date.now()) {
  const seconds = Math.round((nowMs - ms) / 1000);
  if (seconds < 0) return "in the future";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}
