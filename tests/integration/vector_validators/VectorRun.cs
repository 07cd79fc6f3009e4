// X509Chain, as conformance/examples/csharp/Chains.cs asks it, over certificate vectors: VectorRun.exe OUT, where OUT is
// a directory that 'sotepki cert vectors OUT' wrote. It writes one line for each vector: id, valid or invalid, and why.
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

public static class VectorRun
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    public static void Main(string[] arguments)
    {
        string index = File.ReadAllText(Path.Combine(arguments[0], "index.json"));
        string moment = Regex.Match(index, "\"at\":\\s*\"([^\"]+)\"").Groups[1].Value;
        var at = DateTime.Parse(moment, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
        var vectors = Regex.Matches(index, "\"id\":\\s*\"([^\"]+)\".*?\"purpose\":\\s*\"([^\"]+)\"", RegexOptions.Singleline);
        foreach (Match vector in vectors)
        {
            string said = "valid\t";
            try
            {
                Judge(Path.Combine(arguments[0], vector.Groups[1].Value), vector.Groups[2].Value, at);
            }
            catch (Exception error)
            {
                said = "invalid\t" + Regex.Replace(error.GetType().Name + ": " + error.Message, "\\s+", " ");
            }
            Console.Out.Write(vector.Groups[1].Value + "\t" + said + "\n");
        }
    }

    private static void Judge(string files, string purpose, DateTime at)
    {
        var subject = Read(Path.Combine(files, "certificate.pem")).First();
        var issuers = Read(Path.Combine(files, "issuers.pem"));
        var roots = Read(Path.Combine(files, "trust.pem"));
        Chains.Check(subject, roots, issuers, at, purpose == "tls-server" ? ServerAuthentication : null);
    }

    private static X509Certificate2[] Read(string file)
    {
        string text = File.Exists(file) ? File.ReadAllText(file) : "";
        return Regex.Matches(text, "-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----")
            .Cast<Match>()
            .Select(block => new X509Certificate2(Convert.FromBase64String(block.Groups[1].Value)))
            .ToArray();
    }
}
