using System;
using System.Linq;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

// A path to a root that was given, and to no root of the machine, in a way that .NET Framework knows too. Nobody is asked
// about revocation: below a root that it does not trust X509Chain fetches nothing. From .NET 5 on, TrustMode and
// CustomTrustStore say which roots to trust, and RevocationMode Online fetches lists and answers below them.
public static class Chains
{
    public static void Check(
        X509Certificate2 subject,
        X509Certificate2[] roots,
        X509Certificate2[] intermediates,
        DateTime at,
        string extendedKeyUsage = null)
    {
        var chain = new X509Chain();
        chain.ChainPolicy.VerificationTime = at;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
        chain.ChainPolicy.ExtraStore.AddRange(roots);
        chain.ChainPolicy.ExtraStore.AddRange(intermediates);
        if (extendedKeyUsage != null)
        {
            chain.ChainPolicy.ApplicationPolicy.Add(new Oid(extendedKeyUsage));
        }
        if (!chain.Build(subject))
        {
            throw new InvalidOperationException("the chain is broken");
        }
        var last = chain.ChainElements[chain.ChainElements.Count - 1].Certificate;
        if (!roots.Any(root => root.RawData.SequenceEqual(last.RawData)))
        {
            throw new InvalidOperationException("the chain does not end at a root");
        }
    }
}
