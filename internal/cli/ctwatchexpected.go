package cli

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/certassay/certassay/internal/cert"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/ct"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/watch"
)

// expectedCertificates are certificates and keys whose owner knows of them.
type expectedCertificates struct {
	hashes map[[32]byte]bool // of certificates, and of what their precertificates share
	keys   map[[32]byte]bool
}

// has says whether a certificate is expected.
func (x *expectedCertificates) has(s *watch.Sighting) bool {
	return x.hashes[s.Entry.Hash] || x.hashes[s.Entry.Identity] || x.keys[s.SPKI]
}

// readExpected reads hashes and files. All problems are reported together.
func readExpected(ctx context.Context, list []string) (*expectedCertificates, error) {
	x := &expectedCertificates{hashes: map[[32]byte]bool{}, keys: map[[32]byte]bool{}}
	var errs []error
	for _, text := range list {
		errs = append(errs, x.add(ctx, text))
	}
	return x, errors.Join(errs...)
}

func (x *expectedCertificates) add(ctx context.Context, text string) error {
	if digits, ok := strings.CutPrefix(text, "sha256:"); ok {
		b, err := hex.DecodeString(digits)
		if err != nil || len(b) != 32 {
			return fmt.Errorf("expected %q: want sha256: and 64 hexadecimal digits", text)
		}
		x.hashes[[32]byte(b)] = true
		return nil
	}
	if digits, ok := strings.CutPrefix(text, "sha256/"); ok {
		b, err := base64.StdEncoding.DecodeString(digits)
		if err != nil || len(b) != 32 {
			return fmt.Errorf("expected %q: want sha256/ and the hash of a key in base64", text)
		}
		x.keys[[32]byte(b)] = true
		return nil
	}
	var errs []error
	found := false
	err := localfile.Read(ctx, text, localfile.Options{Emit: func(s *evidence.Subject) {
		for _, f := range s.Failures {
			errs = append(errs, hint.With(fmt.Errorf("reading expected certificates: %s", f.Error), f.Hint))
		}
		// Only the first of a chain: expecting a leaf is not expecting whatever
		// else its issuer is.
		if len(s.Certificates) > 0 {
			der := s.Certificates[0]
			x.hashes[sha256.Sum256(der)] = true
			if cert.Parse(der).Readable() {
				x.hashes[ct.Identity(der, false)] = true
			}
			found = true
		}
	}})
	if err == nil && len(errs) == 0 && !found {
		err = fmt.Errorf("%s holds no certificate", text)
	}
	return errors.Join(append(errs, err)...)
}
