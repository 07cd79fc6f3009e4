import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.stream.Stream;

/**
 * The Java verifier of conformance/examples on all files of a directory, in one process.
 * java CorpusRun ROOTS ISSUERS MOMENT DIRECTORY writes one line for each file: name, verdict, reason.
 */
public final class CorpusRun {
    public static void main(String[] arguments) throws Exception {
        List<X509Certificate> roots = read(arguments[0]);
        List<X509Certificate> issuers = read(arguments[1]);
        Date moment = Date.from(Instant.parse(arguments[2]));
        List<Path> files;
        try (Stream<Path> listed = Files.list(Path.of(arguments[3]))) {
            files = listed.sorted().toList();
        }
        StringBuilder lines = new StringBuilder();
        for (Path file : files) {
            String said = "valid\t";
            try {
                Verifier.verify(Files.readAllBytes(file), roots, issuers, moment);
            } catch (Exception error) {
                said = "invalid\t" + told(error);
            } catch (StackOverflowError error) {
                said = "crash\t" + told(error);
            }
            lines.append(file.getFileName()).append('\t').append(said).append('\n');
        }
        System.out.print(lines);
    }

    private static String told(Throwable error) {
        String text = error.getClass().getSimpleName() + ": " + error.getMessage();
        return text.replaceAll("[^A-Za-z0-9 .,:;()#_-]", " ");
    }

    private static List<X509Certificate> read(String file) throws Exception {
        List<X509Certificate> found = new ArrayList<>();
        try (InputStream stream = new FileInputStream(file)) {
            for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(stream)) {
                found.add((X509Certificate) one);
            }
        }
        return found;
    }
}
