"""Load by librdkafka: an idempotent producer, and a group of two members."""

import json
import os
import sys
import threading
import time
import traceback

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

addresses, topic, partitions, name, pause_ms = sys.argv[1:]
partitions = int(partitions)
pause = int(pause_ms) / 1000
DEFINITE = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD}
COMMON = {
    "bootstrap.servers": addresses,
    "client.id": name,
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 500,
    "topic.metadata.refresh.interval.ms": 1000,
    # It waits so long for a broker that does not respond before it asks another for the leader.
    "socket.timeout.ms": 1500,
    "log_level": 0,
}
# What it tells about idempotence, on standard error.
debug = os.environ.get("LIBRDKAFKA_DEBUG")
DEBUG = {} if debug is None else {"debug": debug, "log_level": 7}

writing = threading.Lock()
draining = threading.Event()
ending = threading.Event()
ends = None
progress = [0] * partitions


def tell(**event):
    event["time"] = time.time() * 1000
    line = json.dumps(event) + "\n"
    with writing:
        sys.stdout.write(line)
        sys.stdout.flush()


def check():
    if ends is not None and all(at >= end for at, end in zip(progress, ends)):
        ending.set()


def read_orders():
    global ends
    for line in sys.stdin:
        if line.strip() == "drain":
            draining.set()
        else:
            ends = json.loads(line)
            check()
    # The runner is gone.
    ending.set()
    draining.set()


def delivered(error, message):
    value = message.value().decode()
    if error is None:
        # It does not know the offset of what the broker had already.
        offset = -1 if message.offset() is None else message.offset()
        tell(type="sent", value=value, partition=message.partition(), offset=offset)
    else:
        definite = error.code() in DEFINITE
        tell(type="failed", value=value, isDefinite=definite, error=str(error))


def new_producer():
    return Producer({
        **COMMON,
        **DEBUG,
        "enable.idempotence": True,
        "linger.ms": 2,
        "message.timeout.ms": 120000,
        "request.timeout.ms": 1500,
        "retry.backoff.ms": 50,
    })


def produce():
    producer = new_producer()
    count = 0
    number = 1
    while not draining.is_set() or len(producer) > 0:
        try:
            if not draining.is_set():
                count += 1
                send(producer, number, count)
            until = time.monotonic() + pause
            while (left := until - time.monotonic()) > 0 or len(producer) > 2000:
                producer.poll(max(0.001, left))
        except KafkaException as error:
            # When a partition gets another leader, librdkafka may send there what follows a request
            # that the old leader has not answered. The new leader refuses the gap, and librdkafka
            # gives the producer up: programs then need a new one.
            kind = error.args[0]
            if not kind.fatal() and kind.code() != KafkaError._FATAL:
                raise
            print(error, file=sys.stderr)
            producer.purge()
            producer.flush(10)
            producer = new_producer()
            number += 1


def send(producer, number, count):
    for partition in range(partitions):
        value = f"{name}/{partition}/{count}"
        # Only the values of one producer are in the order of its sends.
        tell(type="send", client=f"{name}-producer-{number}", partition=partition, value=value)
        producer.produce(topic, value, partition=partition, on_delivery=delivered)


def consume(member):
    consumer = Consumer({
        **COMMON,
        "group.id": name,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500,
        "fetch.wait.max.ms": 200,
    })

    def assigned(_, offsets):
        tell(type="assigned", group=name, client=member, partitions=[o.partition for o in offsets])

    def revoked(_, __):
        tell(type="assigned", group=name, client=member, partitions=[])

    consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked, on_lost=revoked)
    while not ending.is_set():
        after = {}
        for message in consumer.consume(500, 0.2):
            if message.error() is not None:
                continue
            partition, offset = message.partition(), message.offset()
            tell(type="polled", group=name, client=member, partition=partition, offset=offset,
                 value=message.value().decode())
            after[partition] = offset + 1
        if not after:
            continue
        try:
            done = consumer.commit(
                offsets=[TopicPartition(topic, p, offset) for p, offset in after.items()],
                asynchronous=False,
            )
        except KafkaException as error:
            print(f"{member}: {error}", file=sys.stderr)
            done = []
        for committed in done:
            if committed.error is None:
                tell(type="committed", group=name, partition=committed.partition,
                     offset=committed.offset)
        with writing:
            for partition, offset in after.items():
                progress[partition] = max(progress[partition], offset)
            check()
    consumer.close()


threading.Thread(target=read_orders, daemon=True).start()
members = [threading.Thread(target=consume, args=(f"{name}-{i}",)) for i in (1, 2)]
for member in members:
    member.start()
try:
    produce()
except Exception:
    # The members' threads would keep the process alive.
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
with writing:
    print("drained", flush=True)
for member in members:
    member.join()
