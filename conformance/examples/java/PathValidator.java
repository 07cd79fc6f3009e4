import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CRL;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The JDK's PKIX validator over certificate vectors: java PathValidator.java OUT [usages] (Java 17, no library).
 * OUT is a directory that 'sotepki cert vectors OUT' wrote. For each vector one line: id, valid or invalid, and the
 * words of the JDK, with tabs between. With "usages" the demands on the certificate's use are handed to the JDK too.
 */
public final class PathValidator {
    private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
    private static final Pattern AT = Pattern.compile("\"at\":\\s*\"([^\"]+)\"");
    private static final Pattern VECTOR =
            Pattern.compile("\"id\":\\s*\"([^\"]+)\".*?\"purpose\":\\s*\"([^\"]+)\"", Pattern.DOTALL);

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 0 || !Files.isReadable(Path.of(arguments[0], "index.json"))) {
            System.err.println("Name a directory that 'sotepki cert vectors OUT' wrote; it holds index.json.");
            System.exit(2);
        }
        Path directory = Path.of(arguments[0]);
        boolean usages = arguments.length > 1 && arguments[1].equals("usages");
        ProxySelector.setDefault(new Nowhere());
        String index = Files.readString(directory.resolve("index.json"));
        Matcher moment = AT.matcher(index);
        if (!moment.find()) {
            throw new IllegalArgumentException("the index names no moment");
        }
        Date at = Date.from(Instant.parse(moment.group(1)));
        Matcher vector = VECTOR.matcher(index);
        while (vector.find()) {
            String verdict = "valid";
            String words = "";
            try {
                validate(directory.resolve(vector.group(1)), vector.group(2), at, usages);
            } catch (Exception error) {
                verdict = "invalid";
                words = reason(error);
            }
            System.out.println(vector.group(1) + "\t" + verdict + "\t" + words);
        }
    }

    private static void validate(Path files, String purpose, Date at, boolean usages) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<X509Certificate> path = new ArrayList<>();
        path.add((X509Certificate) factory.generateCertificate(open(files.resolve("certificate.pem"))));
        for (Certificate issuer : factory.generateCertificates(open(files.resolve("issuers.pem")))) {
            path.add((X509Certificate) issuer);
        }
        Certificate root = factory.generateCertificate(open(files.resolve("trust.pem")));
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor((X509Certificate) root, null)));
        parameters.setDate(at);
        Collection<? extends CRL> lists = factory.generateCRLs(open(files.resolve("crl.pem")));
        parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists)));
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        // Without this checker the JDK looks at lists alone.
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        if (Files.exists(files.resolve("ocsp.der"))) {
            checker.setOcspResponses(Map.of(path.get(0), Files.readAllBytes(files.resolve("ocsp.der"))));
        } else {
            checker.setOptions(Set.of(PKIXRevocationChecker.Option.PREFER_CRLS));
        }
        parameters.addCertPathChecker(checker);
        parameters.setTargetCertConstraints(demands(purpose, usages));
        CertPath chain = factory.generateCertPath(path);
        validator.validate(chain, parameters);
    }

    /** What is demanded of the certificate itself; a server's usage always, the others when they are wanted. */
    private static X509CertSelector demands(String purpose, boolean usages) throws IOException {
        X509CertSelector demands = new X509CertSelector();
        if (purpose.equals("tls-server")) {
            demands.setExtendedKeyUsage(Set.of(SERVER_AUTH));
        }
        if (usages) {
            demands.setBasicConstraints(-2);
            boolean digitalSignature = !purpose.equals("card-signature");
            boolean nonRepudiation = purpose.equals("card-signature") || purpose.equals("system-signature");
            demands.setKeyUsage(new boolean[] {digitalSignature, nonRepudiation});
            if (purpose.equals("card-authentication")) {
                demands.setExtendedKeyUsage(Set.of(CLIENT_AUTH));
            }
        }
        return demands;
    }

    private static InputStream open(Path file) throws IOException {
        return new ByteArrayInputStream(Files.exists(file) ? Files.readAllBytes(file) : new byte[0]);
    }

    private static String reason(Throwable error) {
        StringBuilder words = new StringBuilder();
        for (Throwable one = error; one != null && words.length() < 300; one = one.getCause()) {
            words.append(words.length() == 0 ? "" : " < ").append(one.getClass().getSimpleName());
            words.append(": ").append(one.getMessage());
        }
        return words.toString().replaceAll("\\s+", " ");
    }

    /** No address of a certificate is ever asked: everything goes to a port of this machine where nobody listens. */
    private static final class Nowhere extends ProxySelector {
        @Override
        public List<Proxy> select(URI address) {
            return List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress(InetAddress.getLoopbackAddress(), 9)));
        }

        @Override
        public void connectFailed(URI address, SocketAddress proxy, IOException error) {
            // Expected: the JDK then goes on with what it was given.
        }
    }
}
