// Package given reads what a user gives a run to judge by: roots, rules, lists of logs
// and of CAs, tables of known private keys, and the passwords that open key stores. All
// of it comes from files, every one of them bounded, and all that is wrong is said at
// once.
package given

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/trust"
)

// Roots reads the anchors that the owner names: each file or directory is a
// set of its own.
func Roots(ctx context.Context, paths []string, stdin io.Reader, passwords []string) ([]trust.Set, error) {
	named := make([]config.Program, len(paths))
	for i, path := range paths {
		named[i] = config.Program{Name: path, Path: path}
	}
	return Sets(ctx, named, stdin, passwords)
}

// Sets reads sets of roots under their names.
func Sets(ctx context.Context, named []config.Program, stdin io.Reader, passwords []string) ([]trust.Set, error) {
	var sets []trust.Set
	var errs []error
	for _, n := range named {
		set := trust.Set{Name: n.Name}
		err := localfile.Read(ctx, n.Path, localfile.Options{
			Stdin: stdin, Stores: localfile.Stores{Passwords: passwords, Anchors: true},
			Emit: func(s *evidence.Subject) {
				for _, der := range s.Certificates {
					set.Certificates = append(set.Certificates, der)
				}
				for _, f := range s.Failures {
					errs = append(errs, hint.With(fmt.Errorf("reading roots: %s", f.Error), f.Hint))
				}
			},
		})
		errs = append(errs, err)
		if len(set.Certificates) > 0 {
			sets = append(sets, set)
		}
	}
	return sets, errors.Join(errs...)
}

// CAData reads a list of CAs in CCADB's public CSV form.
func CAData(path string) (*trust.CAData, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading CA data: %w", err)
	}
	data, err := trust.ReadCCADB(path, bufio.NewReader(f))
	return data, errors.Join(err, f.Close())
}

// LocalRoots is the machine's own store. It never makes a chain good, so that a
// machine without one loses nothing but a remark.
func LocalRoots() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil
	}
	return pool
}
