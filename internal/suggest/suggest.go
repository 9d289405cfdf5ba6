// Package suggest finds the word a person meant. It is one idea that command
// line, rule files and targets share, and imports nothing of ours.
package suggest

import (
	"slices"
	"strings"
)

// maxWord bounds what is compared: the work is quadratic, and the words come
// from files.
const maxWord = 64

// Nearest gives the candidate that is nearest to word, or "" where none is near:
// within a third of its length, at least one and at most four edits, or, where there
// is none of these, the only one that begins with its three letters or more. Of
// equally near ones it is the first in alphabetical order.
func Nearest(word string, candidates []string) string {
	best, limit := "", max(1, min(len(word)/3, 4))
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(word, c); d <= limit {
			best, limit = c, d-1
		}
	}
	if best == "" && len(word) >= minPrefix {
		for _, c := range candidates {
			switch {
			case !strings.HasPrefix(c, word) || c == best:
			case best != "":
				return ""
			default:
				best = c
			}
		}
	}
	return best
}

// minPrefix is how much of a word has to be there to be taken for its beginning.
const minPrefix = 3

// distance is the number of bytes inserted, deleted, replaced or swapped with a
// neighbour that turn a into b (optimal string alignment).
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
		before, prev = prev, cur
	}
	return prev[len(b)]
}
