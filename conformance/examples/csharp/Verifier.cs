using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Xml;

// A verifier that looks at the signatures and the chains, and at nothing else.
public static class Verifier
{
    public static void Verify(byte[] bytes, X509Certificate2[] roots, X509Certificate2[] intermediates, DateTime at)
    {
        foreach (var signer in Signers(bytes))
        {
            Chains.Check(signer, roots, intermediates, at);
        }
    }

    // The certificates of all signatures of the document, each of which verifies; otherwise an exception.
    public static IEnumerable<X509Certificate2> Signers(byte[] bytes)
    {
        var document = KantaXml.Read(bytes);
        var signatures = document.GetElementsByTagName("Signature", SignedXml.XmlDsigNamespaceUrl);
        if (signatures.Count == 0)
        {
            throw new InvalidOperationException("no signature");
        }
        var signers = new List<X509Certificate2>();
        foreach (XmlElement element in signatures)
        {
            var signed = new SignedXml(document);
            signed.LoadXml(element);
            if (BodyByXPath(element))
            {
                // SignedXml says false, and nothing else, to a signature with a transform that it was not told is safe.
                signed.SafeCanonicalizationMethods.Add(SignedXml.XmlDsigXPathTransformUrl);
            }
            var signer = Signer(element);
            if (!signed.CheckSignature(signer, true))
            {
                throw new InvalidOperationException("the signature does not verify");
            }
            signers.Add(signer);
        }
        return signers;
    }

    // Whether every XPath in the signature is the one that health-care documents may have; any other may run for ever.
    private static bool BodyByXPath(XmlElement signature)
    {
        return signature.GetElementsByTagName("XPath", SignedXml.XmlDsigNamespaceUrl)
            .Cast<XmlElement>()
            .All(path => path.InnerText.Trim() == "ancestor-or-self::hl7:structuredBody"
                && path.GetNamespaceOfPrefix("hl7") == "urn:hl7-org:v3");
    }

    // KeyInfo may hold a chain in any order: the signer's certificate is the one that issued none of the others.
    private static X509Certificate2 Signer(XmlElement signature)
    {
        var all = signature.GetElementsByTagName("X509Certificate", SignedXml.XmlDsigNamespaceUrl)
            .Cast<XmlElement>()
            .Select(element => new X509Certificate2(Convert.FromBase64String(element.InnerText)))
            .ToArray();
        var last = all.Where(one => !all.Any(other => other != one && Issued(one, other))).ToArray();
        if (last.Length != 1)
        {
            throw new InvalidOperationException("KeyInfo does not say which certificate is the signer's");
        }
        return last[0];
    }

    private static bool Issued(X509Certificate2 issuer, X509Certificate2 subject)
    {
        return issuer.SubjectName.RawData.SequenceEqual(subject.IssuerName.RawData);
    }
}
