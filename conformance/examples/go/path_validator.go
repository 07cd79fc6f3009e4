// Go's own verifier over certificate vectors: go run path_validator.go OUT (Go 1.23, standard library only).
//
// OUT is a directory that 'sotepki cert vectors OUT' wrote. For each vector one line: id, valid or invalid, and the
// words of Go, with tabs between. Go looks at no revocation list and no OCSP answer: what it calls valid may be revoked.
package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

type index struct {
	At      time.Time `json:"at"`
	Vectors []struct {
		ID      string `json:"id"`
		Purpose string `json:"purpose"`
	} `json:"vectors"`
}

func main() {
	if len(os.Args) != 2 {
		stop(errors.New("name a directory that 'sotepki cert vectors OUT' wrote"))
	}
	written, err := os.ReadFile(filepath.Join(os.Args[1], "index.json"))
	if err != nil {
		stop(err)
	}
	var vectors index
	if err := json.Unmarshal(written, &vectors); err != nil {
		stop(err)
	}
	for _, vector := range vectors.Vectors {
		verdict, words := "valid", ""
		if err := validate(filepath.Join(os.Args[1], vector.ID), vector.Purpose, vectors.At); err != nil {
			verdict, words = "invalid", strings.Join(strings.Fields(err.Error()), " ")
		}
		fmt.Printf("%s\t%s\t%s\n", vector.ID, verdict, words)
	}
}

func validate(files, purpose string, at time.Time) error {
	certificates, err := read(filepath.Join(files, "certificate.pem"))
	if err != nil {
		return err
	}
	if len(certificates) == 0 {
		return errors.New("there is no certificate in certificate.pem")
	}
	issuers, err := pool(filepath.Join(files, "issuers.pem"))
	if err != nil {
		return err
	}
	trust, err := pool(filepath.Join(files, "trust.pem"))
	if err != nil {
		return err
	}
	// Without KeyUsages Go demands serverAuth, which no signature certificate has.
	usage := x509.ExtKeyUsageAny
	if purpose == "tls-server" {
		usage = x509.ExtKeyUsageServerAuth
	}
	_, err = certificates[0].Verify(x509.VerifyOptions{
		Roots:         trust,
		Intermediates: issuers,
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{usage},
	})
	return err
}

func pool(name string) (*x509.CertPool, error) {
	found, err := read(name)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, certificate := range found {
		pool.AddCert(certificate)
	}
	return pool, nil
}

// read gives the certificates of a PEM file, none if there is no such file. A file may say less than a vector needs.
func read(name string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return found, nil
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		found = append(found, certificate)
	}
}

func stop(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}
