// The C# verifier of conformance/examples on all files of a directory, in one process; signatures alone, no chain.
// mono CorpusRun.exe DIRECTORY writes one line for each file: name, verdict, reason.
using System;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

public static class CorpusRun
{
    public static void Main(string[] arguments)
    {
        foreach (var file in Directory.GetFiles(arguments[0]).OrderBy(name => name, StringComparer.Ordinal))
        {
            string said = "valid\t";
            try
            {
                Program.Signers(File.ReadAllBytes(file));
            }
            catch (Exception error)
            {
                string text = error.GetType().Name + ": " + error.Message;
                said = "invalid\t" + Regex.Replace(text, "[^A-Za-z0-9 .,:;()#_-]", " ");
            }
            Console.Out.Write(Path.GetFileName(file) + "\t" + said + "\n");
        }
    }
}
