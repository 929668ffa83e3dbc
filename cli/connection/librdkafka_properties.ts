/**
 * librdkafka's names of properties, which kcat reads from a file with `-F`, as those of Java.
 *
 * @module
 */

/** librdkafka's names with Java's for the same. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["metadata.broker.list", "bootstrap.servers"],
  ["sasl.mechanisms", "sasl.mechanism"],
  ["sasl.oauthbearer.client.id", "sasl.oauthbearer.client.credentials.client.id"],
  ["sasl.oauthbearer.client.secret", "sasl.oauthbearer.client.credentials.client.secret"],
  ["ssl.ca.pem", "ssl.truststore.certificates"],
  ["ssl.certificate.pem", "ssl.keystore.certificate.chain"],
  ["ssl.key.pem", "ssl.keystore.key"],
]);

/** Names that Java has no equal of. */
const OTHERS: readonly string[] = [
  "sasl.username",
  "sasl.password",
  "ssl.ca.location",
  "ssl.certificate.location",
  "ssl.key.location",
];

/**
 * Parses a file of librdkafka's properties, if it is one: `name=value` lines without escapes.
 *
 * @returns The properties by Java's names where there are some; undefined for a file of another client.
 */
export function parseLibrdkafkaProperties(text: string): Map<string, string> | undefined {
  const properties = new Map<string, string>();
  let isOfLibrdkafka = false;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#|$)/.test(line)) continue;
    const equals = line.indexOf("=");
    if (equals === -1) continue;
    const name = line.slice(0, equals).trim();
    isOfLibrdkafka ||= NAMES.has(name) || OTHERS.includes(name);
    properties.set(NAMES.get(name) ?? name, line.slice(equals + 1).trim());
  }
  return isOfLibrdkafka ? properties : undefined;
}
