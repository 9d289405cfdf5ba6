package rule

import (
	"fmt"

	"github.com/certassay/certassay/internal/suggest"
)

// didYouMean is a hint at the nearest of the candidates, or "" where none is near.
func didYouMean(word string, candidates []string) string {
	if best := suggest.Nearest(word, candidates); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return ""
}
