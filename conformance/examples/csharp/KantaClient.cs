using System;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using System.Threading.Tasks;

// Sends message frames to Kanta over mutual TLS.
public static class KantaClient
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    // The code of the acknowledgement (AA: archived), or null where none came; an exception if there is no connection.
    // HTTP 200 alone says nothing.
    public static async Task<string> Send(Uri address, byte[] frame, X509Certificate2 own, X509Certificate2[] roots)
    {
        using (var handler = new HttpClientHandler { AllowAutoRedirect = false })
        {
            // It must hold its key; one without is left out of the handshake without a word.
            handler.ClientCertificates.Add(own);
            handler.ServerCertificateCustomValidationCallback =
                (request, certificate, chain, errors) => Trusted(certificate, chain, errors, roots);
            using (var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(30) })
            using (var content = new ByteArrayContent(frame))
            {
                content.Headers.ContentType = MediaTypeHeaderValue.Parse("text/xml; charset=utf-8");
                var answer = await client.PostAsync(address, content).ConfigureAwait(false);
                string text = await answer.Content.ReadAsStringAsync().ConfigureAwait(false);
                var code = Regex.Match(text, "<(?:\\w+:)?acknowledgement\\s[^>]*?\\btypeCode=\"(\\w+)\"");
                return code.Success ? code.Groups[1].Value : null;
            }
        }
    }

    // The roots of the machine do not count: the name must be right, and the chain must end at a root of ours. A
    // callback of one's own replaces every check that .NET would make of the chain, the extended key usage included.
    private static bool Trusted(
        X509Certificate2 server, X509Chain chain, SslPolicyErrors errors, X509Certificate2[] roots)
    {
        if (server == null || (errors & SslPolicyErrors.RemoteCertificateNameMismatch) != 0)
        {
            return false;
        }
        // What the server sent along.
        var intermediates = chain.ChainPolicy.ExtraStore.Cast<X509Certificate2>().ToArray();
        try
        {
            Chains.Check(server, roots, intermediates, DateTime.Now, ServerAuthentication);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
