using System.IO;
using System.Text;
using System.Xml;

// A document as it came: no white space is dropped and none is added, no DTD is read, nothing is fetched.
public static class KantaXml
{
    public static XmlDocument Read(byte[] bytes)
    {
        var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
        using (var reader = XmlReader.Create(new MemoryStream(bytes), settings))
        {
            document.Load(reader);
        }
        return document;
    }

    // XmlDocument.Save(Stream) puts a byte order mark before UTF-8, which some receivers take for text. SignedXml digests
    // a carriage return as a line feed; with NewLineHandling.None readers see a line feed too, with Entitize they do not.
    public static byte[] Written(XmlDocument document)
    {
        var settings = new XmlWriterSettings { Encoding = new UTF8Encoding(false), NewLineHandling = NewLineHandling.None };
        var bytes = new MemoryStream();
        using (var writer = XmlWriter.Create(bytes, settings))
        {
            document.Save(writer);
        }
        return bytes.ToArray();
    }
}
