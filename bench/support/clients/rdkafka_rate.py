"""librdkafka as a client with a quota: prints the bytes that it produces or consumes in a second.

    rdkafka_rate.py produce|consume ADDRESS TOPIC SECONDS

Batches of a megabyte, five requests in flight: the hardest case for a limit of a megabyte per second.
"""

import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

work, address, topic, seconds = sys.argv[1:3] + [sys.argv[3], float(sys.argv[4])]
count = 0
value = b"x" * 10_000


def delivered(error, message):
    global count
    if error is None and time.monotonic() < end:
        count += len(message.value())


if work == "produce":
    producer = Producer({
        "bootstrap.servers": address,
        "client.id": "limited",
        "linger.ms": 50,
        "batch.size": 1_000_000,
        "batch.num.messages": 1000,
        "max.in.flight": 5,
        "queue.buffering.max.kbytes": 20_000,
        "acks": "all",
    })
    begin = time.monotonic()
    end = begin + seconds
    while time.monotonic() < end:
        try:
            producer.produce(topic, value, on_delivery=delivered)
            producer.poll(0)
        except BufferError:
            producer.poll(0.05)
    producer.purge()
else:
    consumer = Consumer({
        "bootstrap.servers": address,
        "client.id": "limited",
        "group.id": "none",
        "enable.auto.commit": False,
    })
    consumer.assign([TopicPartition(topic, 0, 0)])
    begin = None
    end = float("inf")
    while time.monotonic() < end:
        messages = consumer.consume(1000, 0.05)
        if messages and begin is None:
            begin = time.monotonic()
            end = begin + seconds
        count += sum(len(message.value()) for message in messages if message.error() is None)
    consumer.close()

print(count / seconds)
