import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.Base64;
import javax.security.auth.x500.X500Principal;

/** Reads names as base64 of DER, a line each, and writes each as RFC 2253 text, in base64 of UTF-16. */
public class CertificateNames {
  public static void main(String[] args) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    PrintStream out = new PrintStream(System.out, true);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String name = new X500Principal(Base64.getDecoder().decode(line)).getName();
      out.println(Base64.getEncoder().encodeToString(name.getBytes("UTF-16BE")));
    }
  }
}
