// A verifier in C# as a command: dotnet run (with the package System.Security.Cryptography.Xml).
// It looks at the signature and the chain, and at nothing else. Not run by the tests of this project.
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml;

var question = JsonNode.Parse(Console.OpenStandardInput())!;
if ((string?)question["operation"] != "verify")
{
    Console.Write("""{"error": "unknown operation"}""");
    return;
}
var reasons = new List<string>();
try
{
    Verify(question);
}
catch (Exception error)
{
    reasons.Add($"{error.GetType().Name}: {error.Message}");
}
Console.Write(JsonSerializer.Serialize(new { accepted = reasons.Count == 0, reasons }));

static void Verify(JsonNode question)
{
    var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
    var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
    using var stream = new MemoryStream(Convert.FromBase64String((string)question["document"]!));
    using var reader = XmlReader.Create(stream, settings);
    document.Load(reader);
    var signatures = document.GetElementsByTagName("Signature", SignedXml.XmlDsigNamespaceUrl);
    if (signatures.Count == 0)
    {
        throw new InvalidOperationException("no signature");
    }
    foreach (XmlElement element in signatures)
    {
        var signed = new SignedByUpperCaseId(document);
        signed.LoadXml(element);
        var encoded = element.GetElementsByTagName("X509Certificate", SignedXml.XmlDsigNamespaceUrl)[0]!.InnerText;
        using var signer = X509CertificateLoader.LoadCertificate(Convert.FromBase64String(encoded));
        if (!signed.CheckSignature(signer, verifySignatureOnly: true))
        {
            throw new InvalidOperationException("the signature does not verify");
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.AddRange(Read(question["roots"]!));
        chain.ChainPolicy.ExtraStore.AddRange(Read(question["intermediates"]!));
        if (!chain.Build(signer))
        {
            throw new InvalidOperationException("the chain does not end at a root");
        }
    }
}

static X509Certificate2Collection Read(JsonNode pems)
{
    var found = new X509Certificate2Collection();
    foreach (var pem in pems.AsArray())
    {
        found.ImportFromPem((string)pem!);
    }
    return found;
}

// The attribute is called ID, and there is no DTD that says so.
sealed class SignedByUpperCaseId(XmlDocument document) : SignedXml(document)
{
    public override XmlElement? GetIdElement(XmlDocument? document, string idValue)
    {
        var found = document!.SelectNodes($"//*[@ID='{idValue}']")!;
        return found.Count == 1 ? (XmlElement)found[0]! : null;
    }
}
