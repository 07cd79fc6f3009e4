using System;
using System.Security.Cryptography;

// SignedXml, that of .NET as that of .NET Framework, knows RSA and no ECDSA: without this it says "SignatureDescription
// could not be created for the signature algorithm supplied". What it does not know it takes from CryptoConfig.
// ECDsa gives and takes the two numbers of XML Signature, r and s, each as long as the curve; DER stands nowhere here.
public static class EcdsaSignatures
{
    public const string Sha256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    public const string Sha384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
    public const string Sha512 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512";

    // Once, at the start of the program.
    public static void Register()
    {
        CryptoConfig.AddAlgorithm(typeof(EcdsaSha256), Sha256);
        CryptoConfig.AddAlgorithm(typeof(EcdsaSha384), Sha384);
        CryptoConfig.AddAlgorithm(typeof(EcdsaSha512), Sha512);
    }
}

public sealed class EcdsaSha256 : EcdsaDescription
{
    public override HashAlgorithm CreateDigest()
    {
        return SHA256.Create();
    }
}

public sealed class EcdsaSha384 : EcdsaDescription
{
    public override HashAlgorithm CreateDigest()
    {
        return SHA384.Create();
    }
}

public sealed class EcdsaSha512 : EcdsaDescription
{
    public override HashAlgorithm CreateDigest()
    {
        return SHA512.Create();
    }
}

public abstract class EcdsaDescription : SignatureDescription
{
    protected EcdsaDescription()
    {
        // SignedXml asks whether the key is of this type, so that no key of another kind is taken for it.
        KeyAlgorithm = typeof(ECDsa).AssemblyQualifiedName;
    }

    public override AsymmetricSignatureFormatter CreateFormatter(AsymmetricAlgorithm key)
    {
        return new Formatter((ECDsa)key);
    }

    public override AsymmetricSignatureDeformatter CreateDeformatter(AsymmetricAlgorithm key)
    {
        return new Deformatter((ECDsa)key);
    }

    private sealed class Formatter : AsymmetricSignatureFormatter
    {
        private ECDsa key;

        public Formatter(ECDsa key)
        {
            this.key = key;
        }

        public override void SetKey(AsymmetricAlgorithm key)
        {
            this.key = (ECDsa)key;
        }

        public override void SetHashAlgorithm(string name)
        {
            // The digest is made by CreateDigest; the key signs what it is given.
        }

        public override byte[] CreateSignature(byte[] digest)
        {
            return key.SignHash(digest);
        }
    }

    private sealed class Deformatter : AsymmetricSignatureDeformatter
    {
        private ECDsa key;

        public Deformatter(ECDsa key)
        {
            this.key = key;
        }

        public override void SetKey(AsymmetricAlgorithm key)
        {
            this.key = (ECDsa)key;
        }

        public override void SetHashAlgorithm(string name)
        {
            // As above.
        }

        public override bool VerifySignature(byte[] digest, byte[] signature)
        {
            return key.VerifyHash(digest, signature);
        }
    }
}
