import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * A verifier in Java as a command: java Verifier.java (Java 17 or later, no library).
 * It looks at the signature and the chain, and at nothing else. The question is one JSON object on standard input.
 */
public final class Verifier {
    private static final String DS = "http://www.w3.org/2000/09/xmldsig#";

    public static void main(String[] arguments) throws Exception {
        String question = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        if (!"verify".equals(text(question, "operation"))) {
            System.out.print("{\"error\": \"unknown operation\"}");
            return;
        }
        String reason = "";
        try {
            verify(Base64.getDecoder().decode(text(question, "document")), read(question, "roots"),
                    read(question, "intermediates"), new Date());
        } catch (Exception error) {
            reason = error.getClass().getSimpleName() + ": " + error.getMessage();
        }
        String reasons = reason.isEmpty() ? "" : "\"" + reason.replaceAll("[^A-Za-z0-9 .,:;()#_-]", " ") + "\"";
        System.out.print("{\"accepted\": " + reason.isEmpty() + ", \"reasons\": [" + reasons + "]}");
    }

    /** Every signature of the document; the chain is judged at the moment. What does not verify is an exception. */
    static void verify(byte[] bytes, List<X509Certificate> roots, List<X509Certificate> intermediates, Date moment)
            throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        Document document = factory.newDocumentBuilder().parse(new ByteArrayInputStream(bytes));
        markIds(document.getDocumentElement());
        NodeList signatures = document.getElementsByTagNameNS(DS, "Signature");
        if (signatures.getLength() == 0) {
            throw new IllegalArgumentException("no signature");
        }
        CertificateFactory certificates = CertificateFactory.getInstance("X.509");
        for (int number = 0; number < signatures.getLength(); number++) {
            Element signature = (Element) signatures.item(number);
            X509Certificate signer = signer(certificates, signature);
            DOMValidateContext context = new DOMValidateContext(signer.getPublicKey(), signature);
            XMLSignature parsed = XMLSignatureFactory.getInstance("DOM").unmarshalXMLSignature(context);
            if (!parsed.validate(context)) {
                throw new IllegalArgumentException("signature " + number + " does not verify");
            }
            checkChain(certificates, signer, roots, intermediates, moment);
        }
    }

    /** KeyInfo may hold a chain in any order: the signer's certificate is the one that issued none of the others. */
    private static X509Certificate signer(CertificateFactory factory, Element signature) throws Exception {
        NodeList given = signature.getElementsByTagNameNS(DS, "X509Certificate");
        List<X509Certificate> all = new ArrayList<>();
        for (int number = 0; number < given.getLength(); number++) {
            byte[] der = Base64.getMimeDecoder().decode(given.item(number).getTextContent());
            all.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der)));
        }
        List<X509Certificate> last = all.stream().filter(one -> all.stream().noneMatch(other -> other != one
                && other.getIssuerX500Principal().equals(one.getSubjectX500Principal()))).toList();
        if (last.size() != 1) {
            throw new IllegalArgumentException("KeyInfo does not say which certificate is the signer's");
        }
        return last.get(0);
    }

    private static void checkChain(CertificateFactory factory, X509Certificate signer, List<X509Certificate> roots,
            List<X509Certificate> intermediates, Date moment) throws Exception {
        Set<TrustAnchor> anchors = new HashSet<>();
        for (X509Certificate root : roots) {
            anchors.add(new TrustAnchor(root, null));
        }
        PKIXParameters parameters = new PKIXParameters(anchors);
        parameters.setRevocationEnabled(false);
        parameters.setDate(moment);
        List<X509Certificate> chain = new ArrayList<>(List.of(signer));
        for (X509Certificate authority : intermediates) {
            if (authority.getSubjectX500Principal().equals(signer.getIssuerX500Principal())) {
                chain.add(authority);
            }
        }
        CertPathValidator.getInstance("PKIX").validate(factory.generateCertPath(chain), parameters);
    }

    /** There is no DTD, so the parser must be told that ID is an ID. */
    private static void markIds(Element element) {
        if (element.hasAttribute("ID")) {
            element.setIdAttribute("ID", true);
        }
        NodeList children = element.getChildNodes();
        for (int number = 0; number < children.getLength(); number++) {
            if (children.item(number) instanceof Element child) {
                markIds(child);
            }
        }
    }

    private static List<X509Certificate> read(String question, String key) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        Matcher list = Pattern.compile("\"" + key + "\"\\s*:\\s*\\[([^\\]]*)\\]").matcher(question);
        List<X509Certificate> found = new ArrayList<>();
        if (list.find()) {
            Matcher pem = Pattern.compile("\"([^\"]*)\"").matcher(list.group(1));
            while (pem.find()) {
                byte[] bytes = pem.group(1).replace("\\n", "\n").getBytes(StandardCharsets.US_ASCII);
                found.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(bytes)));
            }
        }
        return found;
    }

    /** The value of a key. The question holds base64 and PEM only; a real program uses a JSON library. */
    private static String text(String question, String key) {
        int start = question.indexOf("\"" + key + "\"");
        start = question.indexOf('"', question.indexOf(':', start)) + 1;
        return question.substring(start, question.indexOf('"', start));
    }
}
