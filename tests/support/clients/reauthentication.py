"""Writes and reads with librdkafka for some time, as user `alice`: reauthentication.py ADDRESS TOPIC SECONDS PASSWORD.

Prints how many messages were acknowledged, and what became of them.
"""

import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

address, topic, seconds, password = sys.argv[1:]
errors = []
failures = []
acknowledged = []
settings = {
    "bootstrap.servers": address,
    "broker.address.family": "v4",
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanisms": "SCRAM-SHA-256",
    "sasl.username": "alice",
    "sasl.password": password,
    "error_cb": lambda error: errors.append(error.str()),
    "log_level": 0,
}


def delivered(error, message):
    if error is None:
        acknowledged.append(message.value().decode())
    else:
        failures.append(error.str())


producer = Producer({**settings, "enable.idempotence": True, "linger.ms": 0})
consumer = Consumer({**settings, "group.id": f"{topic}-reader", "auto.offset.reset": "earliest"})
consumer.assign([TopicPartition(topic, 0, 0)])
received = []


def read(timeout):
    message = consumer.poll(timeout)
    if message is None:
        return
    if message.error():
        failures.append(message.error().str())
    else:
        received.append(message.value().decode())


end = time.monotonic() + float(seconds)
count = 0
while time.monotonic() < end:
    producer.produce(topic, f"{count}", partition=0, on_delivery=delivered)
    count += 1
    producer.poll(0)
    read(0.005)
unsent = producer.flush(30)
limit = time.monotonic() + 30
while len(received) < count and time.monotonic() < limit:
    read(0.1)
consumer.close()
expected = [f"{number}" for number in range(count)]
print("failures:", " | ".join(failures + [f"{unsent} unsent"] * (unsent > 0)))
print("errors:", " | ".join(sorted(set(errors))))
print("acknowledged:", "all" if acknowledged == expected else f"{len(acknowledged)} of {count}")
print("received:", "all, once" if received == expected else f"{len(received)} of {count}")
