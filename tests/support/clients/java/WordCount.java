import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * Counts words with Kafka Streams, exactly once: `WordCount.java ADDRESS APPLICATION INPUT OUTPUT FOLDER`.
 *
 * Every word of the input makes one record of the output, with the word and how often it has come so far.
 * Counts are kept in memory and restored from the changelog after a start. Prints "running" when it is.
 */
public final class WordCount {
  private WordCount() {}

  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    properties.put("application.id", args[1]);
    properties.put("state.dir", args[4]);
    properties.put("processing.guarantee", "exactly_once_v2");
    properties.put("num.stream.threads", 1);
    properties.put("replication.factor", 1);
    properties.put("commit.interval.ms", 50);
    properties.put("statestore.cache.max.bytes", 0);
    properties.put("request.timeout.ms", 5000);
    properties.put("reconnect.backoff.max.ms", 200);
    properties.put("consumer.auto.offset.reset", "earliest");
    properties.put("consumer.session.timeout.ms", 2000);
    properties.put("consumer.heartbeat.interval.ms", 300);
    // A process that was killed leaves its transaction open for so long.
    properties.put("producer.transaction.timeout.ms", 2000);
    properties.put("producer.max.block.ms", 60000);

    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(args[2], Consumed.with(Serdes.String(), Serdes.String()))
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
        .count(Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts"))
            .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
        .toStream()
        .mapValues(count -> Long.toString(count))
        .to(args[3], Produced.with(Serdes.String(), Serdes.String()));

    CountDownLatch ended = new CountDownLatch(1);
    KafkaStreams streams = new KafkaStreams(builder.build(), properties);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return StreamThreadExceptionResponse.REPLACE_THREAD;
    });
    streams.setStateListener((state, before) -> {
      System.out.println(state.name().toLowerCase());
      if (state == KafkaStreams.State.ERROR) ended.countDown();
    });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
    ended.await();
    System.exit(1);
  }
}
