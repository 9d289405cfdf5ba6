package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/certassay/certassay/internal/collect/localfile"
	"github.com/certassay/certassay/internal/evidence"
	"github.com/certassay/certassay/internal/trust"
)

// readRoots reads the anchors that the owner names: each file or directory is a
// set of its own.
func readRoots(ctx context.Context, paths []string, stdin io.Reader) ([]trust.Set, error) {
	var sets []trust.Set
	var errs []error
	for _, path := range paths {
		set := trust.Set{Name: path}
		err := localfile.Read(ctx, path, localfile.Options{
			Stdin: stdin,
			Emit: func(s *evidence.Subject) {
				for _, der := range s.Certificates {
					set.Certificates = append(set.Certificates, der)
				}
				for _, f := range s.Failures {
					errs = append(errs, &hinted{fmt.Errorf("reading roots: %s", f.Error), f.Hint})
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
