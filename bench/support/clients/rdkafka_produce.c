/*
 * librdkafka as a rival of the SDK: one call for each message, acks=all, else its defaults. Prints what
 * client_worker.ts prints of others.
 *
 *     cc -O2 -o rdkafka_produce rdkafka_produce.c -lrdkafka
 *     rdkafka_produce ADDRESS TOPIC SIZE WARM_UP_MS MEASURE_MS
 */

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static long delivered = 0;

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  if (message->err) {
    fprintf(stderr, "Cannot deliver: %s\n", rd_kafka_err2str(message->err));
    exit(1);
  }
  delivered++;
}

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static double cpu_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char error[512];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof error) == RD_KAFKA_CONF_OK) return;
  fprintf(stderr, "%s\n", error);
  exit(1);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    printf("%s\n", rd_kafka_version_str());
    return 0;
  }
  if (argc != 6) return 2;
  const char *topic_name = argv[2];
  size_t size = atol(argv[3]);
  double warm_up_ms = atof(argv[4]);
  double measure_ms = atof(argv[5]);
  char error[512];

  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", argv[1]);
  set(conf, "acks", "all");
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (rk == NULL) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, topic_name, NULL);
  char *value = malloc(size);
  memset(value, 'a', size);

  double begin_ms = 0, count_ms = 0, count_cpu = 0, end_ms;
  long count_from = 0;
  int is_counting = 0;
  for (long i = 0;; i++) {
    while (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, size, NULL, 0, NULL) == -1) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        fprintf(stderr, "%s\n", rd_kafka_err2str(rd_kafka_last_error()));
        return 1;
      }
      rd_kafka_poll(rk, 10);
    }
    if (i % 1000 != 0) continue;
    rd_kafka_poll(rk, 0);
    double ms = now_ms();
    if (delivered > 0 && begin_ms == 0) begin_ms = ms;
    if (begin_ms == 0) continue;
    if (!is_counting && ms - begin_ms >= warm_up_ms) {
      is_counting = 1;
      count_ms = ms;
      count_cpu = cpu_ns();
      count_from = delivered;
    }
    if (is_counting && ms - count_ms >= measure_ms) {
      end_ms = ms;
      break;
    }
  }
  double cpu = cpu_ns() - count_cpu;
  long count = delivered - count_from;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"messagesPerSecond\": %f, \"cpuPerMessage\": %f, \"peakBytes\": %ld, \"addons\": []}\n",
         count / (end_ms - count_ms) * 1000, cpu / count, usage.ru_maxrss * 1024L);
  fflush(stdout);
  /* What is on its way need not arrive. */
  _Exit(0);
}
