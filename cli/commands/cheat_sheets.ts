/**
 * Worked examples by subject, for `dqueue cheat`.
 *
 * @module
 */

/** An example: what it does, and the command. */
interface CheatExample {
  readonly doc: string;
  /** One or more shell lines. */
  readonly command: string;
}

/** The examples for a subject. */
export interface CheatSheet {
  readonly about: string;
  readonly examples: readonly CheatExample[];
}

const CONFIG_FILE = `cat > create.json <<'END'
{
  "broker_addrs": ["localhost:9092"],
  "timeout": "5s",
  "command": {
    "type": "create-topic",
    "topic": "my-topic",
    "partitions": 3,
    "replicas": 1,
    "configs": { "retention.ms": "7d" }
  }
}
END
dqueue --config create.json`;

/** All sheets by subject. */
export const CHEAT_SHEETS: ReadonlyMap<string, CheatSheet> = new Map<string, CheatSheet>([
  ["serve", {
    about: "Running a broker",
    examples: [
      { doc: "On port 9092 of this machine, data in ./dqueue-data", command: "dqueue serve" },
      {
        doc: "For clients on other machines, which connect to kafka.example.com",
        command: "dqueue serve --listen 0.0.0.0:9092 --advertised-listeners kafka.example.com:9092",
      },
      {
        doc: "A setting as a flag, a variable, or in a config file",
        command: `dqueue serve --log-retention-ms 7d
DQUEUE_LOG_RETENTION_MS=7d dqueue serve
echo '{ "log.retention.ms": "7d" }' > broker.json && dqueue serve --config broker.json`,
      },
      { doc: "All settings with their defaults", command: "dqueue serve --help" },
    ],
  }],
  ["topic", {
    about: "Topics",
    examples: [
      { doc: "Create a topic", command: "dqueue topic create orders --partitions 3" },
      {
        doc: "Create a topic that keeps messages for a week, up to 10 GiB per partition",
        command: "dqueue topic create logs -c retention.ms=7d -c retention.bytes=10GiB",
      },
      {
        doc: "In a script that may run repeatedly",
        command: "dqueue topic create orders --if-not-exists",
      },
      { doc: "List topics", command: "dqueue topic list" },
      { doc: "Partitions and settings of a topic", command: "dqueue topic describe orders" },
      {
        doc: "Change a setting, and reset it to its default",
        command: `dqueue topic alter logs --set retention.ms=1d
dqueue topic alter logs --unset retention.ms`,
      },
      { doc: "Add partitions", command: "dqueue topic add-partitions orders --to 6" },
      {
        doc: "Delete messages older than a week, or all messages",
        command: `dqueue topic trim logs -o @-7d
dqueue topic trim logs -o end`,
      },
      {
        doc: "Delete topics",
        command: `dqueue topic delete orders
dqueue topic delete --regex 'test-.*' --yes`,
      },
    ],
  }],
  ["produce", {
    about: "Writing messages",
    examples: [
      { doc: "One message", command: "dqueue produce orders -m 'hello'" },
      {
        doc: "With key and headers",
        command: "dqueue produce orders -k 42 -H source:shop -m paid",
      },
      { doc: "Each line of a file, compressed", command: "dqueue produce logs -z zstd < app.log" },
      {
        doc: "Lines with a key and a value, separated by a blank",
        command: `echo '42 paid' | dqueue produce orders -f '%k %v\\n'`,
      },
      {
        doc: "A file as one message",
        command: "dqueue produce images -k cat.png -f '%v' < cat.png",
      },
      {
        doc: "JSON, with all properties of a message",
        command: `echo '{"key":"42","value":"paid","headers":[{"key":"source","value":"shop"}]}' |
  dqueue produce orders --input json`,
      },
      { doc: "A tombstone", command: "dqueue produce orders -k 42 -Z -m ''" },
      { doc: "To a given partition", command: "dqueue produce orders -p 2 -m hello" },
      {
        doc: "Where each message was written, for a script",
        command: "dqueue produce orders -m hello --output json",
      },
    ],
  }],
  ["consume", {
    about: "Reading messages",
    examples: [
      { doc: "All messages, then new ones", command: "dqueue consume orders" },
      { doc: "Only new messages", command: "dqueue consume orders -o end" },
      { doc: "All messages, then exit", command: "dqueue consume orders -e" },
      { doc: "The first ten", command: "dqueue consume orders -n 10" },
      { doc: "The last ten of each partition", command: "dqueue consume orders -o -10 -e" },
      { doc: "Two partitions of several topics", command: "dqueue consume orders payments -p 0,1" },
      { doc: "All topics whose names start with log", command: "dqueue consume -r 'log.*'" },
      {
        doc: "Find messages with a key",
        command: "dqueue consume orders -e --output json | jq 'select(.key == \"42\")'",
      },
      {
        doc: "Copy a topic to another cluster",
        command:
          "dqueue consume orders -e --output json | dqueue produce orders -b other:9092 --input json",
      },
    ],
  }],
  ["offsets", {
    about: "Where to start and stop reading",
    examples: [
      { doc: "From offset 100", command: "dqueue consume orders -p 0 -o 100" },
      { doc: "Offsets 100 to 199", command: "dqueue consume orders -p 0 -o 100:200" },
      { doc: "All current messages", command: "dqueue consume orders -o :end" },
      { doc: "The last 20", command: "dqueue consume orders -o -20:end" },
      { doc: "All but the first 20", command: "dqueue consume orders -o +20:end" },
      { doc: "The last hour", command: "dqueue consume orders -o @-1h:end" },
      { doc: "A day", command: "dqueue consume orders -o @2024-12-30:1d" },
      {
        doc: "Between two times",
        command: "dqueue consume orders -o @2024-12-30T08:00:00Z:2024-12-30T09:30:00Z",
      },
    ],
  }],
  ["format", {
    about: "Formats for printing and reading messages",
    examples: [
      { doc: "Key and value", command: `dqueue consume orders -e -f '%k: %v\\n'` },
      {
        doc: "Position and time",
        command: `dqueue consume orders -e -f '%t-%p:%o %d{strftime[%F %T]} %v\\n'`,
      },
      { doc: "Headers", command: `dqueue consume orders -e -f '%v %h{%k=%v }\\n'` },
      { doc: "Sizes only", command: `dqueue consume orders -e -f '%K %V\\n'` },
      { doc: "Bytes that are not text", command: `dqueue consume images -e -f '%k %v{hex}\\n'` },
      {
        doc: "The same format reads input: any bytes, preceded by their lengths",
        command: `dqueue consume images -e -f '%K{big32}%k%V{big32}%v' > images.bin
dqueue produce copy -f '%K{big32}%k%V{big32}%v' < images.bin`,
      },
    ],
  }],
  ["group", {
    about: "Consumer groups",
    examples: [
      {
        doc: "Read as a group member, in any number of terminals; printed messages are committed",
        command: "dqueue consume orders -g billing",
      },
      {
        doc: "List groups, and those without members",
        command: `dqueue group list
dqueue group list --state empty`,
      },
      {
        doc: "Members, partitions and lag of a group",
        command: "dqueue group describe billing",
      },
      {
        doc: "The same, redrawn every second",
        command: "dqueue group describe billing --watch",
      },
      {
        doc: "The lag, for a script",
        command: "dqueue group describe billing --output json | jq '.[].lag'",
      },
      {
        doc: "Plan to read a topic again, and apply it; the members must be stopped",
        command: `dqueue group reset-offsets billing -t orders --to earliest
dqueue group reset-offsets billing -t orders --to earliest --execute`,
      },
      {
        doc: "Skip to the end, go back an hour, and go back ten messages in a partition",
        command: `dqueue group reset-offsets billing -t orders --to latest --execute
dqueue group reset-offsets billing -t orders --to @-1h --execute
dqueue group reset-offsets billing -t orders:2 --to -10 --execute`,
      },
      {
        doc: "Delete offsets of a topic that the group no longer reads",
        command: "dqueue group offset-delete billing -t old-orders",
      },
      { doc: "Delete a group", command: "dqueue group delete billing" },
    ],
  }],
  ["txn", {
    about: "Transactions",
    examples: [
      {
        doc: "Write a file as a whole or not at all",
        command: "dqueue produce payments --transactional-id nightly < payments.txt",
      },
      {
        doc: "The same in transactions of 1000 messages each",
        command: "dqueue produce payments --transactional-id nightly --per 1000 < payments.txt",
      },
      {
        doc: "Read committed messages only",
        command: "dqueue consume payments -e --isolation read_committed",
      },
      {
        doc: "Open transactions, and what one of them has written to",
        command: `dqueue txn list --state ongoing
dqueue txn describe nightly`,
      },
      {
        doc: "Why readers of committed messages do not move: what is open in a topic",
        command: "dqueue txn describe-producers payments",
      },
      {
        doc: "Abort an open transaction; its producer can do nothing more",
        command: "dqueue txn abort --transactional-id nightly",
      },
      {
        doc: "Find transactions that nothing will end, and end one",
        command: `dqueue txn find-hanging
dqueue txn abort payments -p 0 --start-offset 123`,
      },
    ],
  }],
  ["cluster", {
    about: "Clusters of several brokers",
    examples: [
      { doc: "Try one on this machine, with etcd", command: "dqueue cluster try" },
      {
        doc: "A broker of a cluster whose metadata is in etcd",
        command: "dqueue serve --metadata etcd://etcd1:2379,etcd2:2379,etcd3:2379/orders",
      },
      {
        doc: "Brokers and the controller, and what is wrong",
        command: "dqueue cluster info && dqueue cluster health",
      },
      {
        doc: "Before the next broker is restarted",
        command: "dqueue cluster health --wait --timeout 5m",
      },
      {
        doc: "Three replicas, once they are copied",
        command: "dqueue cluster set-replicas orders 3 --execute --wait",
      },
      {
        doc: "Spread partitions over a broker that was added",
        command: "dqueue cluster reassign --execute --wait",
      },
      {
        doc: "Take a broker out for good: move its data, stop it, forget it",
        command: `dqueue cluster drain 3 --replicas --execute --wait
dqueue cluster remove 3 --execute`,
      },
    ],
  }],
  ["script", {
    about: "Scripts",
    examples: [
      {
        doc: "Select the cluster for all commands",
        command: "export DQUEUE_BROKERS=broker1:9092,broker2:9092",
      },
      {
        doc: "Results go to standard output, everything else to standard error",
        command: "dqueue topic list --output json 2> /dev/null | jq -r '.[].name'",
      },
      {
        doc: "Exit codes: 0 success, 1 failure, 2 wrong usage",
        command: "dqueue cluster health > /dev/null || echo 'not healthy'",
      },
      { doc: "Confirm in advance", command: "dqueue topic delete orders --yes" },
    ],
  }],
  ["file", {
    about: "Commands in config files",
    examples: [
      {
        doc: "A config file can contain a command, here to create a topic",
        command: CONFIG_FILE,
      },
      {
        doc:
          "Types of commands are create-topic, delete-topic, list-topics, produce and consume; " +
          "the settings have the names of the flags",
        command: `cat > produce.json <<'END'
{
  "command": {
    "type": "produce",
    "topic": "my-topic",
    "key": "42",
    "headers": { "source": "file" },
    "messages": ["one", "two"]
  }
}
END
dqueue --config produce.json`,
      },
      {
        doc: "Reading ends at the end of the range",
        command: `cat > consume.json <<'END'
{
  "command": {
    "type": "consume",
    "topics": ["my-topic"],
    "partitions": [0, 1],
    "offset": "-10:end",
    "output": "json"
  }
}
END
dqueue --config consume.json`,
      },
      {
        doc: "Deleting requires confirmation",
        command: `cat > delete.json <<'END'
{ "command": { "type": "delete-topic", "topic": "my-topic", "yes": true } }
END
dqueue --config delete.json`,
      },
      {
        doc: "Flags override settings in the file",
        command: "dqueue --config create.json --brokers other:9092",
      },
    ],
  }],
  ["log", {
    about: "Files of the data folder",
    examples: [
      { doc: "All files of a partition", command: "dqueue log dump dqueue-data/orders-0" },
      {
        doc: "The records of a segment",
        command: "dqueue log dump dqueue-data/orders-0/00000000000000000000.log --records",
      },
      {
        doc: "Check for damage; the broker must be stopped",
        command: "dqueue log verify dqueue-data",
      },
      {
        doc: "Plan a repair, with the records that it loses, and apply it",
        command: `dqueue log repair dqueue-data
dqueue log repair dqueue-data --execute`,
      },
    ],
  }],
  ["connect", {
    about: "Connecting to a cluster with TLS, as a user",
    examples: [
      {
        doc: "The password is asked for; in scripts it comes from a file or DQUEUE_PASSWORD",
        command: `dqueue topic list -b kafka:9093 --tls-ca ca.pem --user alice
dqueue topic list -b kafka:9093 --tls-ca ca.pem --user alice --password-file /run/secrets/alice`,
      },
      {
        doc: "The same for all commands from now on",
        command: `dqueue profile create prod -b kafka:9093 --tls-ca ca.pem --user alice
dqueue topic list
dqueue profile use test
dqueue profile list`,
      },
      {
        doc: "With the properties of a Java client, or of kcat",
        command: "dqueue consume orders --client-config client.properties",
      },
      {
        doc: "With a certificate",
        command:
          "dqueue topic list -b kafka:9093 --tls-ca ca.pem --tls-cert me.pem --tls-key me.key",
      },
    ],
  }],
  ["security", {
    about: "Users, ACLs, quotas and tokens (rpk security, kafka-acls, kafka-configs)",
    examples: [
      {
        doc: "A new cluster with an administrator",
        command: `(umask 077; openssl rand -base64 18 > admin.password)
dqueue serve --listeners SASL_SSL://0.0.0.0:9093 --sasl-enabled-mechanisms SCRAM-SHA-256 \\
  --ssl-keystore-type PEM --ssl-keystore-location keystore.pem \\
  --bootstrap-user admin --bootstrap-password-file admin.password`,
      },
      {
        doc: "Console, REST and metrics by HTTPS, with the same keys",
        command: "dqueue serve --http https://0.0.0.0:8443 --ssl-keystore-type PEM " +
          "--ssl-keystore-location keystore.pem",
      },
      {
        doc: "kafka-configs --alter --entity-type users --entity-name alice --add-config 'SCRAM-…'",
        command: "dqueue security user create alice",
      },
      {
        doc: "kafka-acls --add --allow-principal User:alice --producer --topic orders",
        command: "dqueue security acl create --allow-principal alice --producer --topic orders",
      },
      {
        doc: "kafka-acls --add --allow-principal User:alice --consumer --topic orders --group app",
        command:
          "dqueue security acl create --allow-principal alice --consumer --topic orders --group app",
      },
      {
        doc: "kafka-acls --list --topic orders --resource-pattern-type match",
        command: "dqueue security acl list --topic orders --resource-pattern-filter match",
      },
      {
        doc: "Why may alice not write orders?",
        command: "dqueue security acl explain --principal alice --operation write --topic orders",
      },
      {
        doc: "kafka-configs --alter --entity-type users … --add-config producer_byte_rate=1048576",
        command: "dqueue security quota alter --name user=alice --add producer_byte_rate=1MiB",
      },
      {
        doc: "kafka-delegation-tokens --create --max-life-time-period 86400000",
        command: "dqueue security token create --max-lifetime 1d",
      },
      {
        doc: "Lost password of the administrator; the broker must be stopped",
        command: "dqueue security user reset admin --data dqueue-data",
      },
    ],
  }],
  ["bench", {
    about: "Benchmarks",
    examples: [
      {
        doc: "Throughput of writing and reading a million messages",
        command: `dqueue bench produce
dqueue bench consume
dqueue topic delete dqueue-bench --yes`,
      },
      {
        doc: "Latency at a fixed rate",
        command: "dqueue bench latency --rate 5000 --duration 30s",
      },
    ],
  }],
]);
