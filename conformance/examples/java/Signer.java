import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.DigestMethod;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.SignatureMethod;
import javax.xml.crypto.dsig.SignedInfo;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.keyinfo.KeyInfo;
import javax.xml.crypto.dsig.keyinfo.KeyInfoFactory;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * A system that signs social welfare documents, as a command: java Signer.java KEYSTORE PASSWORD-FILE
 * (Java 17 or later, no library). The key store is PKCS#12 and holds one key, RSA or P-384, and its certificate.
 * The question is one JSON object on standard input.
 */
public final class Signer {
    private static final String HL7FI = "urn:hl7finland";
    private static final String V3 = "urn:hl7-org:v3";
    private static final String RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    private static final String ECDSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";

    private static final XMLSignatureFactory SIGNATURES = XMLSignatureFactory.getInstance("DOM");

    public static void main(String[] arguments) throws Exception {
        // Otherwise the JDK ends the lines of base64 with CR LF, which stands in the document as &#13;.
        System.setProperty("com.sun.org.apache.xml.internal.security.ignoreLineBreaks", "true");
        String question = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        if (!"sign".equals(text(question, "operation"))) {
            System.out.print("{\"error\": \"unknown operation\"}");
            return;
        }
        char[] password = Files.readString(Path.of(arguments[1])).strip().toCharArray();
        KeyStore store = KeyStore.getInstance(Path.of(arguments[0]).toFile(), password);
        Document document = read(Base64.getDecoder().decode(text(question, "document")));
        boolean correction = question.matches("(?s).*\"correction\"\\s*:\\s*true.*");
        sign(document, correction, store, password);
        System.out.print("{\"document\": \"" + Base64.getEncoder().encodeToString(written(document)) + "\"}");
    }

    private static void sign(Document document, boolean correction, KeyStore store, char[] password)
            throws Exception {
        String alias = Collections.list(store.aliases()).get(0);
        PrivateKey key = (PrivateKey) store.getKey(alias, password);
        Element body = only(document, V3, "nonXMLBody");
        Element signature = addSignature(collection(document, correction));
        Element timestamp = (Element) signature.getLastChild();
        // There is no DTD, so the tree must be told that ID is an ID.
        for (Element signed : List.of(body, timestamp)) {
            signed.setIdAttributeNS(null, "ID", true);
        }
        DOMSignContext context = new DOMSignContext(key, signature);
        context.setDefaultNamespacePrefix("ds");
        KeyInfo keyInfo = keyInfo(store.getCertificate(alias));
        SIGNATURES.newXMLSignature(signedInfo(key, body, timestamp), keyInfo).sign(context);
    }

    /** The last part of the header. A correction takes no signature over from the version before it. */
    private static Element collection(Document document, boolean correction) {
        Node found = document.getElementsByTagNameNS(HL7FI, "signatureCollection").item(0);
        if (found != null && !correction) {
            return (Element) found;
        }
        if (found != null) {
            found.getParentNode().removeChild(found);
        }
        return append(only(document, HL7FI, "localSocialHeader"), "signatureCollection");
    }

    /** One signature as far as it can be written before it is made; the timestamp is signed, so it must be final. */
    private static Element addSignature(Element collection) {
        Element signature = append(collection, "signature");
        signature.setAttribute("ID", "sig-" + UUID.randomUUID());
        Element description = append(signature, "signatureDescription");
        description.setAttribute("code", "3");
        description.setAttribute("codeSystem", "1.2.246.537.5.40127.2006");
        // Escaped: before Java 18 a source file is read in the encoding of the locale.
        description.setAttribute("displayName", "J\u00e4rjestelm\u00e4allekirjoitus");
        Element timestamp = append(signature, "signatureTimestamp");
        timestamp.setAttribute("ID", "time-" + UUID.randomUUID());
        timestamp.setTextContent(Instant.now().truncatedTo(ChronoUnit.MICROS).toString());
        return signature;
    }

    private static SignedInfo signedInfo(PrivateKey key, Element body, Element timestamp) throws Exception {
        CanonicalizationMethod canonicalization = SIGNATURES.newCanonicalizationMethod(
                CanonicalizationMethod.EXCLUSIVE, (C14NMethodParameterSpec) null);
        SignatureMethod method =
                SIGNATURES.newSignatureMethod(key.getAlgorithm().equals("EC") ? ECDSA_SHA384 : RSA_SHA256, null);
        return SIGNATURES.newSignedInfo(canonicalization, method, List.of(reference(body), reference(timestamp)));
    }

    private static Reference reference(Element element) throws Exception {
        DigestMethod digest = SIGNATURES.newDigestMethod(DigestMethod.SHA256, null);
        Transform transform =
                SIGNATURES.newTransform(CanonicalizationMethod.EXCLUSIVE, (TransformParameterSpec) null);
        return SIGNATURES.newReference("#" + element.getAttribute("ID"), digest, List.of(transform), null, null);
    }

    private static KeyInfo keyInfo(Certificate signer) {
        KeyInfoFactory factory = SIGNATURES.getKeyInfoFactory();
        return factory.newKeyInfo(List.of(factory.newX509Data(List.of(signer))));
    }

    /** A parser that does not know namespaces would sign another text than the one that is sent. */
    private static Document read(byte[] bytes) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(bytes));
    }

    /** The document as it is: nothing may be indented after it was signed. */
    private static byte[] written(Document document) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        TransformerFactory.newInstance().newTransformer().transform(new DOMSource(document), new StreamResult(out));
        return out.toByteArray();
    }

    private static Element only(Document document, String namespace, String name) {
        NodeList found = document.getElementsByTagNameNS(namespace, name);
        if (found.getLength() != 1) {
            throw new IllegalArgumentException(found.getLength() + " elements " + name + " instead of one");
        }
        return (Element) found.item(0);
    }

    /** A new last child; createElement without a namespace would be signed in another form than it is written. */
    private static Element append(Element parent, String name) {
        Element child = parent.getOwnerDocument().createElementNS(HL7FI, "hl7fi:" + name);
        return (Element) parent.appendChild(child);
    }

    /** The value of a key. The question holds base64 and plain words only; a real program uses a JSON library. */
    private static String text(String question, String key) {
        int start = question.indexOf("\"" + key + "\"");
        start = question.indexOf('"', question.indexOf(':', start)) + 1;
        return question.substring(start, question.indexOf('"', start));
    }
}
