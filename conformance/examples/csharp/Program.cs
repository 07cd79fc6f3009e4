// A verifier in C# as a command. It looks at the signature and the chain, and at nothing else.
//
//   Mono:            mcs -r:System.Security.dll Program.cs && mono Program.exe
//   .NET Framework:  csc -r:System.Security.dll Program.cs
//   .NET 8 or later: dotnet run, with the package System.Security.Cryptography.Xml
//
// A test of this project compiles and runs it with Debian's Mono, where that is installed. It was never run with
// .NET or .NET Framework here. Mono's SignedXml knows RSA signatures only.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml;

public static class Program
{
    public static void Main()
    {
        string question = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false)).ReadToEnd();
        if (!question.Contains("\"operation\": \"verify\""))
        {
            Console.Write("{\"error\": \"unknown operation\"}");
            return;
        }
        string reason = "";
        try
        {
            var bytes = Convert.FromBase64String(Strings(question, "document").Single());
            Verify(bytes, Certificates(question, "roots"), Certificates(question, "intermediates"));
        }
        catch (Exception error)
        {
            reason = error.GetType().Name + ": " + error.Message;
        }
        string reasons = reason == "" ? "" : "\"" + Regex.Replace(reason, "[^A-Za-z0-9 .,:;()#_-]", " ") + "\"";
        Console.Write("{\"accepted\": " + (reason == "" ? "true" : "false") + ", \"reasons\": [" + reasons + "]}");
    }

    private static void Verify(byte[] bytes, X509Certificate2[] roots, X509Certificate2[] intermediates)
    {
        foreach (var signer in Signers(bytes))
        {
            CheckChain(signer, roots, intermediates);
        }
    }

    // The certificates of all signatures of the document, each of which verifies; otherwise an exception.
    public static IEnumerable<X509Certificate2> Signers(byte[] bytes)
    {
        var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
        using (var reader = XmlReader.Create(new MemoryStream(bytes), settings))
        {
            document.Load(reader);
        }
        var signatures = document.GetElementsByTagName("Signature", SignedXml.XmlDsigNamespaceUrl);
        if (signatures.Count == 0)
        {
            throw new InvalidOperationException("no signature");
        }
        var signers = new List<X509Certificate2>();
        foreach (XmlElement element in signatures)
        {
            var signed = new SignedByUpperCaseId(document);
            signed.LoadXml(element);
            string encoded = element.GetElementsByTagName("X509Certificate", SignedXml.XmlDsigNamespaceUrl)[0].InnerText;
            var signer = new X509Certificate2(Convert.FromBase64String(encoded));
            if (!signed.CheckSignature(signer, true))
            {
                throw new InvalidOperationException("the signature does not verify");
            }
            signers.Add(signer);
        }
        return signers;
    }

    // CustomTrustStore is of .NET 5 and later; this way works everywhere.
    private static void CheckChain(X509Certificate2 signer, X509Certificate2[] roots, X509Certificate2[] intermediates)
    {
        var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
        chain.ChainPolicy.ExtraStore.AddRange(roots);
        chain.ChainPolicy.ExtraStore.AddRange(intermediates);
        if (!chain.Build(signer))
        {
            throw new InvalidOperationException("the chain is broken");
        }
        var last = chain.ChainElements[chain.ChainElements.Count - 1].Certificate;
        if (!roots.Any(root => root.RawData.SequenceEqual(last.RawData)))
        {
            throw new InvalidOperationException("the chain does not end at a root");
        }
    }

    private static X509Certificate2[] Certificates(string question, string name)
    {
        return Strings(question, name)
            .Select(pem => Regex.Replace(pem.Replace("\\n", ""), "-----[A-Z ]+-----", ""))
            .Select(base64 => new X509Certificate2(Convert.FromBase64String(base64)))
            .ToArray();
    }

    // The strings of the question are base64 and PEM, without quotation marks in them; a JSON library does as well.
    private static IEnumerable<string> Strings(string question, string name)
    {
        var value = Regex.Match(question, "\"" + name + "\": (\\[[^\\]]*\\]|\"[^\"]*\")");
        return Regex.Matches(value.Groups[1].Value, "\"([^\"]*)\"").Cast<Match>().Select(match => match.Groups[1].Value);
    }
}

// The attribute is called ID, and there is no DTD that says so.
public sealed class SignedByUpperCaseId : SignedXml
{
    public SignedByUpperCaseId(XmlDocument document) : base(document)
    {
    }

    public override XmlElement GetIdElement(XmlDocument document, string idValue)
    {
        // Whoever wrote the document chose the name; with a quotation mark in it, it would be more than a name below.
        XmlConvert.VerifyNCName(idValue);
        var found = document.SelectNodes("//*[@ID='" + idValue + "']");
        return found.Count == 1 ? (XmlElement)found[0] : null;
    }
}
