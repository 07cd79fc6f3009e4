using System;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Xml;

// A signer of social welfare documents with a system's key.
public static class Signer
{
    private const string Hl7Fi = "urn:hl7finland";
    private const string V3 = "urn:hl7-org:v3";
    private const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    private const string DigestSha256 = "http://www.w3.org/2001/04/xmlenc#sha256";

    public static byte[] Sign(byte[] bytes, X509Certificate2 certificate, bool correction)
    {
        var document = KantaXml.Read(bytes);
        var body = Only(document, V3, "nonXMLBody");
        var signature = AddSignature(Collection(document, correction));
        var timestamp = (XmlElement)signature.LastChild;
        var key = (AsymmetricAlgorithm)certificate.GetRSAPrivateKey() ?? certificate.GetECDsaPrivateKey();
        // SigningKey must be set before ComputeSignature; the method is named, since the default may be another.
        var signed = new SignedXml(document) { SigningKey = key };
        signed.SignedInfo.CanonicalizationMethod = SignedXml.XmlDsigExcC14NTransformUrl;
        signed.SignedInfo.SignatureMethod = key is RSA ? RsaSha256 : EcdsaSignatures.Sha384;
        foreach (var element in new[] { body, timestamp })
        {
            var reference = new Reference("#" + element.GetAttribute("ID")) { DigestMethod = DigestSha256 };
            reference.AddTransform(new XmlDsigExcC14NTransform());
            signed.AddReference(reference);
        }
        signed.KeyInfo = new KeyInfo();
        // The constructor that takes a certificate alone adds that certificate and nothing else.
        signed.KeyInfo.AddClause(new KeyInfoX509Data(certificate));
        signed.ComputeSignature();
        signature.AppendChild(document.ImportNode(signed.GetXml(), true));
        return KantaXml.Written(document);
    }

    // The last part of the header. A correction takes no signature over from the version before it.
    private static XmlElement Collection(XmlDocument document, bool correction)
    {
        var found = (XmlElement)document.GetElementsByTagName("signatureCollection", Hl7Fi).Item(0);
        if (found != null && !correction)
        {
            return found;
        }
        if (found != null)
        {
            found.ParentNode.RemoveChild(found);
        }
        return Append(Only(document, Hl7Fi, "localSocialHeader"), "signatureCollection");
    }

    // One signature as far as it can be written before it is made; the timestamp is signed, so it must be final.
    private static XmlElement AddSignature(XmlElement collection)
    {
        var signature = Append(collection, "signature");
        signature.SetAttribute("ID", "sig-" + Guid.NewGuid());
        var description = Append(signature, "signatureDescription");
        description.SetAttribute("code", "3");
        description.SetAttribute("codeSystem", "1.2.246.537.5.40127.2006");
        description.SetAttribute("displayName", "J\u00e4rjestelm\u00e4allekirjoitus");
        var timestamp = Append(signature, "signatureTimestamp");
        timestamp.SetAttribute("ID", "time-" + Guid.NewGuid());
        var now = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        timestamp.AppendChild(timestamp.OwnerDocument.CreateTextNode(now));
        return signature;
    }

    private static XmlElement Only(XmlDocument document, string space, string name)
    {
        var found = document.GetElementsByTagName(name, space).Cast<XmlElement>().ToArray();
        if (found.Length != 1)
        {
            throw new InvalidOperationException(found.Length + " elements " + name + " instead of one");
        }
        return found[0];
    }

    private static XmlElement Append(XmlElement parent, string name)
    {
        return (XmlElement)parent.AppendChild(parent.OwnerDocument.CreateElement("hl7fi", name, Hl7Fi));
    }
}
