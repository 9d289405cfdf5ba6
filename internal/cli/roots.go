package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/config"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/trust"
)

// readRoots reads the anchors that the owner names: each file or directory is a
// set of its own.
func readRoots(ctx context.Context, paths []string, stdin io.Reader, passwords []string) ([]trust.Set, error) {
	named := make([]config.Program, len(paths))
	for i, path := range paths {
		named[i] = config.Program{Name: path, Path: path}
	}
	return readSets(ctx, named, stdin, passwords)
}

// readSets reads sets of roots under their names.
func readSets(ctx context.Context, named []config.Program, stdin io.Reader, passwords []string) ([]trust.Set, error) {
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
