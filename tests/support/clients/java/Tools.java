import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs tools of Kafka one after the other in one virtual machine: `Tools.java FILE`, with a tool in each
 * line: its name here, its class, its standard input, and its arguments, separated by tabs.
 *
 * Prints a line for each, as "name: exit code output", the output on one line.
 */
public final class Tools {
  /** Leaves a tool that would end the process. */
  private static final class Ended extends RuntimeException {}

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream output = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private final List<Runnable> hooks = new ArrayList<>();
  /** How the tool has ended first, and what it had printed: some catch the end as an error. */
  private Integer code;
  private String text;

  public static void main(String[] args) throws Exception {
    PrintStream terminal = System.out;
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      String[] words = line.split("\t", -1);
      Tools tool = new Tools();
      tool.run(words[1], words[2].replace("\\n", "\n"), Arrays.copyOfRange(words, 3, words.length));
      terminal.println(words[0] + ": " + tool.code + " " + tool.text.strip().replace("\n", "\\n"));
    }
    terminal.flush();
    // Tools leave threads.
    Runtime.getRuntime().halt(0);
  }

  private void run(String name, String input, String[] args) throws Exception {
    Exit.Procedure procedure = (code, message) -> {
      end(code, message);
      throw new Ended();
    };
    Exit.setExitProcedure(procedure);
    Exit.setHaltProcedure(procedure);
    Exit.setShutdownHookAdder((hook, runnable) -> hooks.add(runnable));
    System.setOut(output);
    System.setErr(output);
    System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
    try {
      Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) args);
    } catch (InvocationTargetException error) {
      if (!(error.getCause() instanceof Ended)) end(1, String.valueOf(error.getCause()));
    }
    hooks.forEach(Runnable::run);
    end(0, null);
  }

  private void end(int code, String message) {
    if (this.code != null) return;
    if (message != null) output.println(message);
    this.code = code;
    this.text = bytes.toString(StandardCharsets.UTF_8);
  }
}
