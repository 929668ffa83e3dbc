"""Transactions of librdkafka, by confluent-kafka: `confluent_transactions.py ADDRESS TOPIC`. The topic has two
partitions. Prints a line for each observation, as "name: what was observed"."""

import json
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

address, topic = sys.argv[1:]


def observe(name, what):
    print(f"{name}: {what}", flush=True)


def attempt(name, act):
    """Observes what happens: "ok", or the name of an error and what the application may do about it."""
    try:
        act()
        observe(name, "ok")
    except KafkaException as exception:
        error = exception.args[0]
        todo = "abort" if error.txn_requires_abort() else "retry" if error.retriable() else "end"
        observe(name, f"{error.name()}, {'fatal' if error.fatal() else todo}")


def producer(name, timeout_ms=60000):
    made = Producer({
        "bootstrap.servers": address,
        "transactional.id": f"{topic}-{name}",
        "transaction.timeout.ms": timeout_ms,
        "broker.address.family": "v4",
        "log_level": 0,
    })
    made.init_transactions(60)
    return made


def consumer(isolation, group=None):
    return Consumer({
        "bootstrap.servers": address,
        "group.id": group or f"{topic}-reader",
        "isolation.level": isolation,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "broker.address.family": "v4",
        "log_level": 0,
    })


def send(to, partition, value):
    to.produce(topic, value, partition=partition)


def flush(to):
    assert to.flush(60) == 0


def ends(partition):
    """The end of a partition for read_uncommitted and read_committed."""
    found = []
    for isolation in ["read_uncommitted", "read_committed"]:
        reader = consumer(isolation)
        found.append(reader.get_watermark_offsets(TopicPartition(topic, partition), 60)[1])
        reader.close()
    return found


def commit_and_abort():
    plain = producer("plain")

    def commit():
        plain.begin_transaction()
        send(plain, 0, "committed 0")
        send(plain, 1, "committed 1")
        plain.commit_transaction(60)

    def abort():
        plain.begin_transaction()
        send(plain, 0, "no, aborted")
        send(plain, 1, "no, aborted")
        flush(plain)
        plain.abort_transaction(60)

    def more():
        for i in range(20):
            plain.begin_transaction()
            send(plain, i % 2, f"row {i}")
            plain.commit_transaction(60)

    attempt("commit", commit)
    attempt("abort", abort)
    attempt("commit after an abort", more)


def fence():
    zombie = producer("fenced")
    zombie.begin_transaction()
    send(zombie, 0, "no, of a zombie")
    flush(zombie)
    successor = producer("fenced")

    def commit_zombie():
        send(zombie, 1, "no, of a zombie")
        zombie.commit_transaction(60)

    def commit():
        successor.begin_transaction()
        send(successor, 1, "successor")
        successor.commit_transaction(60)

    attempt("commit of a zombie", commit_zombie)
    attempt("commit of its successor", commit)


def time_out():
    # librdkafka asks for the topic's leader after a second at most, so this is long enough to send.
    late = producer("late", 4000)
    late.begin_transaction()
    send(late, 0, "no, too late")
    flush(late)
    # A transaction that timed out is aborted by the coordinator.
    while True:
        end, stable = ends(0)
        if stable == end:
            break
        time.sleep(0.05)
    attempt("commit after the timeout", lambda: late.commit_transaction(60))
    successor = producer("late")

    def commit():
        successor.begin_transaction()
        send(successor, 0, "in time")
        successor.commit_transaction(60)

    attempt("commit of a successor", commit)


def offsets():
    source, group = f"{topic}-input", f"{topic}-group"
    filler = producer("filler")
    filler.begin_transaction()
    for i in range(10):
        filler.produce(source, f"input {i}", partition=0)
    filler.commit_transaction(60)
    reader = consumer("read_committed", group)
    reader.subscribe([source])
    count, position = 0, 0
    while count < 10:
        message = reader.poll(1)
        if message is not None and message.error() is None:
            count += 1
            position = message.offset() + 1
    observe("offsets, read", count)
    member = reader.consumer_group_metadata()
    transform = producer("transform")

    def committed():
        return reader.committed([TopicPartition(source, 0)], 60)[0].offset

    transform.begin_transaction()
    send(transform, 0, "no, transformed and aborted")
    transform.send_offsets_to_transaction([TopicPartition(source, 0, 5)], member, 60)
    transform.abort_transaction(60)
    observe("offsets after an abort", committed())
    transform.begin_transaction()
    send(transform, 0, "transformed")
    transform.send_offsets_to_transaction([TopicPartition(source, 0, position)], member, 60)
    transform.commit_transaction(60)
    observe("offsets after a commit", committed())
    reader.close()

    def late():
        transform.begin_transaction()
        send(transform, 0, "no, of a member that left")
        transform.send_offsets_to_transaction([TopicPartition(source, 0, 1)], member, 60)

    attempt("offsets of a member that left", late)
    attempt("abort after that", lambda: transform.abort_transaction(60))


def read(isolation):
    reader = consumer(isolation, f"{topic}-{isolation}")
    reader.assign([TopicPartition(topic, partition, 0) for partition in range(2)])
    values, ended = {}, set()
    while len(ended) < 2:
        message = reader.poll(1)
        if message is None:
            continue
        if message.error() is not None:
            ended.add(message.partition())
            continue
        value = message.value().decode()
        values[value] = values.get(value, 0) + 1
    reader.close()
    observe(isolation, json.dumps(values))


commit_and_abort()
fence()
time_out()
offsets()
read("read_committed")
read("read_uncommitted")
