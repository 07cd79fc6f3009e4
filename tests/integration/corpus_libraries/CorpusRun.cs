// The C# verifier of conformance/examples on all files of a directory, in one process. CorpusRun.exe DIRECTORY looks at
// the signatures alone; CorpusRun.exe DIRECTORY ROOT ISSUER MOMENT at the chains too, where ROOT and ISSUER are files of
// PEM. It writes one line for each file: name, verdict, reason.
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

public static class CorpusRun
{
    public static void Main(string[] arguments)
    {
        EcdsaSignatures.Register();
        foreach (var file in Directory.GetFiles(arguments[0]).OrderBy(name => name, StringComparer.Ordinal))
        {
            string said = "valid\t";
            try
            {
                Judge(File.ReadAllBytes(file), arguments);
            }
            catch (Exception error)
            {
                string text = error.GetType().Name + ": " + error.Message;
                said = "invalid\t" + Regex.Replace(text, "[^A-Za-z0-9 .,:;()#_-]", " ");
            }
            Console.Out.Write(Path.GetFileName(file) + "\t" + said + "\n");
        }
    }

    private static void Judge(byte[] document, string[] arguments)
    {
        if (arguments.Length == 1)
        {
            Verifier.Signers(document);
            return;
        }
        var at = DateTime.Parse(arguments[3], CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
        var root = new[] { new X509Certificate2(arguments[1]) };
        var issuer = new[] { new X509Certificate2(arguments[2]) };
        Verifier.Verify(document, root, issuer, at);
    }
}
