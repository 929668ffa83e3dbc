import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * Transactions of the Java client: `Transactions.java ADDRESS TOPIC`. The topic has two partitions.
 *
 * Prints a line for each observation, as "name: what was observed". What must not be visible to a reader
 * with read_committed has a value that begins with "no".
 */
public final class Transactions {
  private final String address;
  private final String topic;
  /** Consumers that look up ends, by isolation. */
  private final Map<String, KafkaConsumer<String, String>> lookers = new TreeMap<>();

  private Transactions(String address, String topic) {
    this.address = address;
    this.topic = topic;
  }

  public static void main(String[] args) throws Exception {
    Transactions transactions = new Transactions(args[0], args[1]);
    transactions.commitAndAbort();
    transactions.fence();
    transactions.timeOut();
    transactions.open();
    transactions.offsets();
    transactions.read("read_committed");
    transactions.read("read_uncommitted");
    transactions.lookers.values().forEach(KafkaConsumer::close);
  }

  private static void observe(String name, Object what) {
    System.out.println(name + ": " + what);
  }

  private static String nameOf(Throwable error) {
    Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
    return cause.getClass().getSimpleName();
  }

  private interface Attempt {
    Object run() throws Exception;
  }

  /** Observes what happens: "ok", or the name of an exception. */
  private static void attempt(String name, Attempt attempt) {
    try {
      attempt.run();
      observe(name, "ok");
    } catch (Exception error) {
      observe(name, nameOf(error));
    }
  }

  private KafkaProducer<String, String> producer(String id, int timeoutMs) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", address);
    properties.put("transactional.id", topic + "-" + id);
    properties.put("transaction.timeout.ms", timeoutMs);
    properties.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    properties.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    KafkaProducer<String, String> producer = new KafkaProducer<>(properties);
    producer.initTransactions();
    return producer;
  }

  private KafkaConsumer<String, String> consumer(String isolation, String group) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", address);
    properties.put("isolation.level", isolation);
    properties.put("enable.auto.commit", false);
    properties.put("auto.offset.reset", "earliest");
    if (group != null) properties.put("group.id", group);
    properties.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    properties.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    return new KafkaConsumer<>(properties);
  }

  private ProducerRecord<String, String> to(int partition, String value) {
    return new ProducerRecord<>(topic, partition, null, value);
  }

  private void commitAndAbort() throws Exception {
    try (KafkaProducer<String, String> producer = producer("plain", 60_000)) {
      attempt("commit", () -> {
        producer.beginTransaction();
        producer.send(to(0, "committed 0"));
        producer.send(to(1, "committed 1"));
        producer.commitTransaction();
        return null;
      });
      attempt("abort", () -> {
        producer.beginTransaction();
        producer.send(to(0, "no, aborted")).get();
        producer.send(to(1, "no, aborted")).get();
        producer.abortTransaction();
        return null;
      });
      attempt("abort without data", () -> {
        producer.beginTransaction();
        producer.abortTransaction();
        return null;
      });
      attempt("commit after an abort", () -> {
        for (int i = 0; i < 20; i++) {
          producer.beginTransaction();
          producer.send(to(i % 2, "row " + i));
          producer.commitTransaction();
        }
        return null;
      });
    }
  }

  private void fence() throws Exception {
    try (KafkaProducer<String, String> zombie = producer("fenced", 60_000)) {
      zombie.beginTransaction();
      zombie.send(to(0, "no, of a zombie")).get();
      try (KafkaProducer<String, String> successor = producer("fenced", 60_000)) {
        attempt("send of a zombie", () -> zombie.send(to(1, "no, of a zombie")).get());
        attempt("commit of a zombie", () -> {
          zombie.commitTransaction();
          return null;
        });
        attempt("commit of its successor", () -> {
          successor.beginTransaction();
          successor.send(to(1, "successor"));
          successor.commitTransaction();
          return null;
        });
      }
    }
  }

  private void timeOut() throws Exception {
    try (KafkaProducer<String, String> producer = producer("late", 500)) {
      producer.beginTransaction();
      producer.send(to(0, "no, too late")).get();
      // A transaction that timed out is aborted by the coordinator.
      while (latest("read_committed", 0) < latest("read_uncommitted", 0)) Thread.sleep(20);
      attempt("send after the timeout", () -> producer.send(to(0, "no, too late")).get());
      attempt("abort after the timeout", () -> {
        producer.abortTransaction();
        return null;
      });
      attempt("commit after that", () -> {
        producer.beginTransaction();
        producer.send(to(0, "in time"));
        producer.commitTransaction();
        return null;
      });
    }
    try (KafkaProducer<String, String> producer = producer("late", 500)) {
      producer.beginTransaction();
      producer.send(to(1, "no, too late")).get();
      while (latest("read_committed", 1) < latest("read_uncommitted", 1)) Thread.sleep(20);
      attempt("commit after the timeout", () -> {
        producer.commitTransaction();
        return null;
      });
    }
    attempt("too long a timeout", () -> {
      producer("patient", 900_001).close();
      return null;
    });
  }

  private Admin admin() {
    return Admin.create(Map.of("bootstrap.servers", address));
  }

  private long latest(String isolation, int partition) {
    TopicPartition place = new TopicPartition(topic, partition);
    return lookers.computeIfAbsent(isolation, key -> consumer(key, null))
        .endOffsets(List.of(place)).get(place);
  }

  /** What is visible of an open transaction, to readers and to administrators. */
  private void open() throws Exception {
    String id = topic + "-open";
    try (KafkaProducer<String, String> producer = producer("open", 60_000); Admin admin = admin()) {
      long start = latest("read_uncommitted", 0);
      producer.beginTransaction();
      producer.send(to(0, "opened")).get();
      producer.send(to(0, "opened too")).get();
      observe("open, read_uncommitted end moves by", latest("read_uncommitted", 0) - start);
      observe("open, read_committed end moves by", latest("read_committed", 0) - start);
      var described = admin.describeTransactions(List.of(id)).description(id).get();
      observe("open, state", described.state() + " " + described.topicPartitions().size() + " "
          + described.transactionStartTimeMs().isPresent());
      TopicPartition place = new TopicPartition(topic, 0);
      var producers = admin.describeProducers(List.of(place)).partitionResult(place).get();
      observe("open, start offset", producers.activeProducers().stream()
          .filter(each -> each.producerId() == described.producerId())
          .map(each -> each.currentTransactionStartOffset().orElse(-1) - start).toList());
      observe("open, listed", admin.listTransactions().all().get().stream()
          .filter(each -> each.transactionalId().equals(id)).map(TransactionListing::state).toList());
      var quick = new ListTransactionsOptions().filterOnDuration(3_600_000);
      observe("open, listed after an hour", admin.listTransactions(quick).all().get().stream()
          .filter(each -> each.transactionalId().equals(id)).count());
      producer.commitTransaction();
      // The marker is written after the answer.
      while (latest("read_committed", 0) < start + 3) Thread.sleep(10);
      observe("committed, read_uncommitted end moves by", latest("read_uncommitted", 0) - start);
      String state;
      do {
        state = admin.describeTransactions(List.of(id)).description(id).get().state().toString();
      } while (!state.startsWith("Complete"));
      observe("committed, state", state);
      attempt("unknown transactional id", () ->
          admin.describeTransactions(List.of("nobody")).description("nobody").get());
    }
  }

  /** Consumes, transforms and produces. */
  private void offsets() throws Exception {
    String input = topic + "-input";
    String group = topic + "-group";
    TopicPartition place = new TopicPartition(input, 0);
    try (KafkaProducer<String, String> filler = producer("filler", 60_000)) {
      filler.beginTransaction();
      for (int i = 0; i < 10; i++) filler.send(new ProducerRecord<>(input, 0, null, "input " + i));
      filler.commitTransaction();
    }
    try (KafkaProducer<String, String> producer = producer("transform", 60_000);
        KafkaConsumer<String, String> consumer = consumer("read_committed", group);
        Admin admin = admin()) {
      consumer.subscribe(List.of(input));
      int count = 0;
      long next = 0;
      while (count < 10) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
          count++;
          next = record.offset() + 1;
        }
      }
      observe("offsets, read", count);
      ConsumerGroupMetadata member = consumer.groupMetadata();
      producer.beginTransaction();
      producer.send(to(0, "no, transformed and aborted"));
      producer.sendOffsetsToTransaction(Map.of(place, new OffsetAndMetadata(5)), member);
      producer.abortTransaction();
      observe("offsets after an abort", committed(admin, group, place));
      producer.beginTransaction();
      producer.send(to(0, "transformed"));
      producer.sendOffsetsToTransaction(Map.of(place, new OffsetAndMetadata(next)), member);
      producer.commitTransaction();
      observe("offsets, stable for its member", consumer.committed(java.util.Set.of(place)).get(place).offset());
      observe("offsets after a commit", committed(admin, group, place));
      ConsumerGroupMetadata stale =
          new ConsumerGroupMetadata(group, member.generationId() - 1, member.memberId(), member.groupInstanceId());
      attempt("offsets of an old generation", () -> {
        producer.beginTransaction();
        producer.send(to(0, "no, of an old generation"));
        producer.sendOffsetsToTransaction(Map.of(place, new OffsetAndMetadata(1)), stale);
        producer.commitTransaction();
        return null;
      });
      attempt("abort after that", () -> {
        producer.abortTransaction();
        return null;
      });
      ConsumerGroupMetadata stranger =
          new ConsumerGroupMetadata(group, member.generationId(), "stranger", member.groupInstanceId());
      attempt("offsets of a stranger", () -> {
        producer.beginTransaction();
        producer.sendOffsetsToTransaction(Map.of(place, new OffsetAndMetadata(1)), stranger);
        producer.commitTransaction();
        return null;
      });
      producer.abortTransaction();
      observe("offsets at the end", committed(admin, group, place));
    }
  }

  private static Object committed(Admin admin, String group, TopicPartition place) throws Exception {
    OffsetAndMetadata offset =
        admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(place);
    return offset == null ? "none" : offset.offset();
  }

  /** Reads both partitions to their ends. */
  private void read(String isolation) {
    try (KafkaConsumer<String, String> consumer = consumer(isolation, null)) {
      List<TopicPartition> places = List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1));
      consumer.assign(places);
      consumer.seekToBeginning(places);
      Map<TopicPartition, Long> ends = consumer.endOffsets(places);
      Map<String, Integer> counts = new TreeMap<>();
      while (places.stream().anyMatch(place -> consumer.position(place) < ends.get(place))) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
          counts.merge(record.value(), 1, Integer::sum);
        }
      }
      observe(isolation, counts);
    }
  }
}
