import java.io.FileReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;

/**
 * Logs in with the Java client: `Login.java NAME=FILE...`, each file with the properties of an attempt.
 *
 * Prints a line for each, as "name: logged in" or "name: exception: message".
 */
public final class Login {
  public static void main(String[] args) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Future<String>> lines = new ArrayList<>();
    for (String arg : args) {
      String[] parts = arg.split("=", 2);
      lines.add(threads.submit(() -> parts[0] + ": " + attempt(parts[1])));
    }
    for (Future<String> line : lines) {
      System.out.println(line.get());
    }
    threads.shutdown();
  }

  private static String attempt(String file) throws Exception {
    Properties properties = new Properties();
    try (FileReader reader = new FileReader(file)) {
      properties.load(reader);
    }
    try (Admin admin = Admin.create(properties)) {
      try {
        admin.listTopics().names().get();
        return "logged in";
      } catch (ExecutionException error) {
        return textOf(error.getCause());
      } finally {
        admin.close(Duration.ZERO);
      }
    } catch (RuntimeException error) {
      return textOf(error);
    }
  }

  private static String textOf(Throwable error) {
    StringBuilder text = new StringBuilder();
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      text.append(cause.getClass().getSimpleName()).append(": ").append(cause.getMessage()).append(" | ");
    }
    return text.toString().replace("\n", " ");
  }
}
