package config

import (
	"fmt"

	"github.com/certassay/certassay/internal/suggest"
)

// A guess is an error about an unknown word, with the known one that is near.
type guess struct {
	error
	near string
}

// Unwrap gives the error itself.
func (g *guess) Unwrap() error { return g.error }

// Hint asks whether the near word was meant.
func (g *guess) Hint() string { return fmt.Sprintf("did you mean %q?", g.near) }

// Meant adds to an error about a word that is none of words the one that is near; err
// is as it was where none is.
func Meant(err error, word string, words []string) error {
	if near := suggest.Nearest(word, words); near != "" {
		return &guess{err, near}
	}
	return err
}
