package config

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxToken bounds a token: servers take 8 kB of all headers together.
const maxToken = 8 << 10

// ReadToken reads a secret that stands alone in a file: one word of printable ASCII.
// No error has anything of it.
func ReadToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading token: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxToken+2))
	if err != nil {
		return "", fmt.Errorf("reading token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || len(text) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s holds no token: one word is wanted", path)
	}
	return token, nil
}
