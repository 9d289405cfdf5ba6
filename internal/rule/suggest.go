package rule

import (
	"fmt"
	"slices"
)

// suggest gives "did you mean X?" for the nearest of the candidates, or "" where
// none is near.
func suggest(word string, candidates []string) string {
	best, bestDistance := "", max(1, min(len(word)/3, 4))+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(word, c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// maxWord bounds the words that are compared: the work is quadratic.
const maxWord = 64

// distance is the number of characters inserted, deleted, replaced or swapped
// with a neighbour that turn a into b (optimal string alignment).
func distance(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return maxWord
	}
	var before, prev, cur [maxWord + 1]int
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
