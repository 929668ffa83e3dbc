"""Logs in with librdkafka by OAUTHBEARER: oauth_login.py ADDRESS PROTOCOL TOKEN [CA].

Prints "outcome: logged in", or the errors of the client.
"""

import sys
import time

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

address, protocol, token = sys.argv[1:4]
errors = []
settings = {
    "bootstrap.servers": address,
    "broker.address.family": "v4",
    "security.protocol": protocol,
    "sasl.mechanisms": "OAUTHBEARER",
    "oauth_cb": lambda _: (token, time.time() + 3600),
    "error_cb": lambda error: errors.append(error.str()),
    "log_level": 0,
}
if len(sys.argv) > 4:
    settings["ssl.ca.location"] = sys.argv[4]
admin = AdminClient(settings)
admin.poll(0.2)
try:
    admin.list_topics(timeout=3)
    print("outcome: logged in")
except KafkaException as error:
    admin.poll(0.2)
    print("outcome:", " | ".join([str(error), *errors]).replace("\n", " "))
