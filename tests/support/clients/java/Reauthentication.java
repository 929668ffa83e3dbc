import java.io.FileReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes and reads with the Java client for some time: `Reauthentication.java FILE TOPIC SECONDS`, with the
 * properties in the file.
 *
 * Prints how many messages were acknowledged, and what became of them.
 */
public final class Reauthentication {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    try (FileReader reader = new FileReader(args[0])) {
      properties.load(reader);
    }
    TopicPartition partition = new TopicPartition(args[1], 0);
    long end = System.nanoTime() + (long) (Double.parseDouble(args[2]) * 1e9);
    List<Future<?>> sent = new ArrayList<>();
    List<String> failures = new ArrayList<>();
    List<String> received = new ArrayList<>();
    try (KafkaProducer<String, String> producer =
            new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
        KafkaConsumer<String, String> consumer =
            new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      while (System.nanoTime() < end) {
        sent.add(producer.send(new ProducerRecord<>(args[1], 0, null, "" + sent.size())));
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(5))) {
          received.add(record.value());
        }
      }
      for (Future<?> each : sent) {
        try {
          each.get();
        } catch (Exception error) {
          failures.add(String.valueOf(error.getCause()));
        }
      }
      long limit = System.nanoTime() + 30_000_000_000L;
      while (received.size() < sent.size() && System.nanoTime() < limit) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
          received.add(record.value());
        }
      }
    }
    List<String> expected = new ArrayList<>();
    for (int number = 0; number < sent.size(); number++) {
      expected.add("" + number);
    }
    System.out.println("failures: " + String.join(" | ", failures));
    System.out.println("acknowledged: " + (failures.isEmpty() ? "all" : failures.size() + " failed"));
    System.out.println("received: "
        + (received.equals(expected) ? "all, once" : received.size() + " of " + sent.size()));
  }
}
