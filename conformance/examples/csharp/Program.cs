// A system that verifies and signs social welfare documents and sends message frames, as a command: one question as a
// JSON object on standard input, one answer on standard output. To sign and to send it needs a key store (PKCS#12, RSA
// or P-384) and a file with its password: Program.exe KEYSTORE PASSWORD-FILE
//
//   .NET 8 or later:  dotnet new console -n Example; the files of this directory in place of its Program.cs;
//                     dotnet add package System.Security.Cryptography.Xml; dotnet publish -o out;
//                     dotnet out/Example.dll
//   .NET Framework:   csc -main:Program -r:System.Security.dll -r:System.Net.Http.dll *.cs
//   Mono:             mcs, with the same words; no elliptic keys, which Mono cannot use
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;

public static class Program
{
    public static void Main(string[] arguments)
    {
        EcdsaSignatures.Register();
        string question = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false)).ReadToEnd();
        Console.Write(Answer(question, arguments));
    }

    private static string Answer(string question, string[] arguments)
    {
        try
        {
            byte[] document = Convert.FromBase64String(Strings(question, "document").FirstOrDefault() ?? "");
            string operation = Strings(question, "operation").FirstOrDefault();
            if (operation == "verify")
            {
                string reason = Reason(document, question);
                return "{\"accepted\": " + (reason == null ? "true" : "false") + ", \"reasons\": ["
                    + (reason == null ? "" : "\"" + Plain(reason) + "\"") + "]}";
            }
            if (operation != "sign" && operation != "send")
            {
                return "{\"error\": \"unknown operation\"}";
            }
            if (arguments.Length != 2)
            {
                return "{\"error\": \"To sign and to send, give a key store and a file with its password.\"}";
            }
            var key = new X509Certificate2(arguments[0], File.ReadAllText(arguments[1]).Trim());
            if (operation == "sign")
            {
                bool correction = Regex.IsMatch(question, "\"correction\": *true");
                return "{\"document\": \"" + Convert.ToBase64String(Signer.Sign(document, key, correction)) + "\"}";
            }
            return Sent(question, key);
        }
        catch (Exception error)
        {
            return "{\"error\": \"" + Plain(error.GetType().Name + ": " + error.Message) + "\"}";
        }
    }

    // A guest's certificate and key come as PEM; X509Certificate2.CreateFromPem reads them, from .NET 5 on.
    private static string Sent(string question, X509Certificate2 own)
    {
        try
        {
            var address = new Uri(Strings(question, "url").Single());
            byte[] frame = Convert.FromBase64String(Strings(question, "frame").Single());
            string code = KantaClient.Send(address, frame, own, Certificates(question, "roots")).Result;
            return "{\"connected\": true, \"accepted\": " + (code == null ? "null" : code == "AA" ? "true" : "false") + "}";
        }
        catch (AggregateException error)
        {
            var words = new List<string>();
            for (Exception one = error.InnerException; one != null; one = one.InnerException)
            {
                words.Add(one.Message);
            }
            string detail = Plain(string.Join(" ", words));
            return "{\"connected\": false, \"accepted\": null, \"detail\": \"" + detail + "\"}";
        }
    }

    // Why the document is refused; null if it is accepted.
    private static string Reason(byte[] document, string question)
    {
        try
        {
            Verifier.Verify(document, Certificates(question, "roots"), Certificates(question, "intermediates"), DateTime.Now);
            return null;
        }
        catch (Exception error)
        {
            return error.GetType().Name + ": " + error.Message;
        }
    }

    private static string Plain(string words)
    {
        return Regex.Replace(words, "[^A-Za-z0-9 .,:;()#_-]", " ");
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
